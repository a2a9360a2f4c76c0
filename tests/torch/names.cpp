// Methods and functions by the names and in the forms that libtorch has besides Norma's.
#include <torch/script.h>
#include <torch/torch.h>

using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;

void shapes_in_place() {
  auto x = torch::arange(6, torch::kFloat).reshape({2, 3});
  x.unsqueeze_(0);
  TORCH_CHECK(x.sizes() == torch::IntArrayRef({1, 2, 3}));
  x.squeeze_().t_().transpose_(0, 1);
  TORCH_CHECK(x.size(0) == 2 && x.size(1) == 3);
  auto y = torch::tanh(x).unsqueeze_(1).squeeze_(1);
  TORCH_CHECK(y.is_same_size(x));
  x.resize_({3, 2}).fill_diagonal_(9);
  TORCH_CHECK(x[0][0].item<int>() == 9 && x[1][1].item<int>() == 9 && x[1][0].item<int>() == 2);
  auto lower = torch::ones({3, 3});
  lower.tril_();
  TORCH_CHECK(lower.sum().item<float>() == 6);
  auto guess = torch::tensor({1, 2, 3});
  TORCH_CHECK(guess.eq_(torch::tensor({1, 0, 3})).sum().item<int64_t>() == 2);
}

void comparisons() {
  const auto x = torch::tensor({-2.0, 0.5, 1.0, 3.0});
  const auto inside = (x > 0) & (x < 2);
  TORCH_CHECK(inside.sum().item<int>() == 2);
  TORCH_CHECK(((x < 0) | (x > 2)).equal(~inside));
  TORCH_CHECK((~inside).equal(torch::bitwise_not(inside)));
  TORCH_CHECK(torch::relu(x).allclose(x.clip(0, 9)));
  TORCH_CHECK(x.where(x > 0, torch::zeros({4})).equal(torch::relu(x)));
  TORCH_CHECK(torch::isclose(x, x + 1e-9).all().item<bool>());
  TORCH_CHECK(!x.allclose(x + 1) && torch::allclose(x, x));
  const auto hole = torch::tensor({1.0, std::nan("")});
  TORCH_CHECK(!torch::allclose(hole, hole) && torch::allclose(hole, hole, 1e-5, 1e-8, true));
  TORCH_CHECK(torch::ones(1).is_nonzero() && !torch::zeros(1).is_nonzero());
}

void arithmetic() {
  const auto x = torch::tensor({7.0, -7.0});
  TORCH_CHECK(torch::floor_divide(x, 2).equal(torch::tensor({3.0, -4.0})));
  TORCH_CHECK(
      torch::tensor({7, -7}).floor_divide(torch::tensor({2, 2})).equal(torch::tensor({3, -4})));
  TORCH_CHECK(x.multiply(2).subtract(x).divide(x).equal(torch::ones(2)));
  TORCH_CHECK(x.absolute().greater(6).all().item<bool>() && x.less(8).all().item<bool>());
  TORCH_CHECK(torch::inner(x, x).item<double>() == 98 && torch::dist(x, -x).item<float>() > 19);
  auto sum = torch::empty({2});
  torch::add_out(sum, x, x);
  TORCH_CHECK(sum.equal(x + x));
  TORCH_CHECK(torch::range(1, 3, 1).equal(torch::tensor({1.0, 2.0, 3.0})));
  TORCH_CHECK(torch::logspace(0, 2, 3).allclose(torch::tensor({1.0, 10.0, 100.0})));
  TORCH_CHECK(torch::normal(100, 1, {3}).min().item<float>() > 50);
}

void making() {
  const auto like =
      torch::ones({2, 2}, torch::TensorOptions(torch::kDouble).layout(torch::kStrided));
  TORCH_CHECK(like.new_zeros({3}, torch::TensorOptions(torch::kLong)).dtype() == torch::kLong);
  TORCH_CHECK(torch::rand_like(like, torch::TensorOptions(torch::kFloat)).dtype() == torch::kFloat);
  TORCH_CHECK(like.scalar_type() == torch::kDouble && torch::ones(3, like.device()).size(0) == 3);
  const std::vector<float> numbers = {1, 2, 3};
  TORCH_CHECK(torch::tensor(torch::ArrayRef<float>(numbers)).numel() == 3);
  std::ostringstream out;
  out << like.options() << torch::Device(torch::kCPU) << torch::kCPU << (like * like).grad_fn();
  TORCH_CHECK(out.str().find("double") != std::string::npos ||
              out.str().find("float64") != std::string::npos);
  const auto w = torch::ones({2}, torch::requires_grad());
  w.mutable_grad() = torch::full({2}, 3.0);
  TORCH_CHECK(w.grad().sum().item<float>() == 6);
  int count = 0;
  for (const auto i : c10::irange(1, 5)) count += static_cast<int>(i);
  TORCH_CHECK(count == 10);
}

void forms() {
  const auto x = torch::rand({4, 3});
  TORCH_CHECK(torch::sqrt(x.index({Slice(1, None)})).sizes() == torch::IntArrayRef({3, 3}));
  TORCH_CHECK(torch::pow(10, torch::tensor({0.0, 2.0})).equal(torch::tensor({1.0, 100.0})));
  TORCH_CHECK((0.5 > x).equal(x < 0.5) && (0.5 <= x).equal(x >= 0.5));
  const auto place = torch::argmax(torch::tensor({{1.0, 2.0}, {9.0, 3.0}}));
  TORCH_CHECK((place % 2).item<int64_t>() == 0 && (place / 2).item<float>() == 1);
  torch::Tensor unique, inverse, counts;
  std::tie(unique, inverse, counts) = at::_unique2(torch::tensor({3, 1, 3}), true, false, true);
  TORCH_CHECK(unique.equal(torch::tensor({1, 3})) && counts.equal(torch::tensor({1, 2})));
  const auto scores = torch::log_softmax(torch::rand({1, 3, 2, 2}), 1);
  TORCH_CHECK(torch::nll_loss2d(scores, torch::zeros({1, 2, 2}, torch::kLong)).item().toFloat() >
              0);
}

void places() {
  auto x = torch::arange(24).reshape({2, 3, 4});
  TORCH_CHECK(x.index({1, Slice(None, 2), Ellipsis}).sizes() == torch::IntArrayRef({2, 4}));
  x.index({Slice(), 0}) = 0;
  TORCH_CHECK(x.index({Slice(), 0, Slice(1, None)}).sum().item<int64_t>() == 0);
  x.index_put_({Slice(None, 1), 1, Slice()}, torch::ones({1, 4}, torch::kLong));
  TORCH_CHECK(x.index({0, 1}).sum().item<int64_t>() == 4);
  x.select(0, 1).select(0, 1) += 1;
  const at::TensorAccessor<int64_t, 3> cells = x.accessor<int64_t, 3>();
  TORCH_CHECK(cells[1][1][0] == 17 && cells.data() == x.data_ptr<int64_t>() && cells.size(2) == 4);
  auto [values, indices] = torch::max(x.to(torch::kFloat), 2);
  TORCH_CHECK(std::get<0>(x.max(2)).to(torch::kFloat).equal(values) && indices.dim() == 2);
}

void modes() {
  torch::autograd::GradMode::set_enabled(false);
  TORCH_CHECK(!torch::ones(1, torch::requires_grad()).add(1).requires_grad());
  torch::autograd::GradMode::set_enabled(true);
  {
    torch::InferenceMode guard;
    TORCH_CHECK(!torch::GradMode::is_enabled());
  }
  TORCH_CHECK(torch::GradMode::is_enabled());
}

int main() {
  torch::manual_seed(1);
  shapes_in_place();
  comparisons();
  arithmetic();
  making();
  forms();
  places();
  modes();
}
