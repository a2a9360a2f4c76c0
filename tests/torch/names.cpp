// Methods and functions by the names and in the forms that libtorch has besides Norma's.
#include <torch/script.h>
#include <torch/torch.h>

#include "norma/tests/torch/refusal.h"

using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;

/// The numbers, of that dtype.
bool is(const torch::Tensor& x, const std::vector<double>& numbers, torch::Dtype dtype) {
  return x.dtype() == dtype && x.equal(torch::tensor(numbers, torch::kDouble).to(dtype));
}
torch::Tensor whole(const std::vector<int64_t>& numbers, torch::Dtype dtype = torch::kLong) {
  return torch::tensor(numbers).to(dtype);
}

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

void quotients() {
  const auto x = torch::tensor({1.0, -1.0, 3.0});
  TORCH_CHECK(is(x.floor_divide(0.1), {9, -10, 29}, torch::kFloat));
  TORCH_CHECK(is(torch::floor_divide(whole({1, -1, 3}), 0.1), {9, -10, 29}, torch::kFloat));
  const auto rows = torch::tensor({{2.0}, {-2.0}});
  TORCH_CHECK(x.floor_divide(rows).equal(torch::tensor({{0.0, -1.0, 1.0}, {-1.0, 0.0, -2.0}})));
  const double inf = std::numeric_limits<double>::infinity();
  TORCH_CHECK(is(torch::tensor({7.0, -7.0}).floor_divide(0), {inf, -inf}, torch::kFloat));
  TORCH_CHECK(is(torch::tensor({7.0, -7.0}).floor_divide(inf), {0, -1}, torch::kFloat));
  const int64_t least = std::numeric_limits<int64_t>::min(), most = -(least + 1);
  TORCH_CHECK(whole({1234567891}).floor_divide(1).equal(whole({1234567891})));
  TORCH_CHECK(whole({most, least}).floor_divide(2).equal(whole({most / 2, least / 2})));
  TORCH_CHECK(whole({least}).floor_divide(-1).equal(whole({least})));
  const auto seven = whole({7}, torch::kInt), byte = whole({7}, torch::kByte);
  TORCH_CHECK(is(seven.floor_divide(whole({2})), {3}, torch::kLong));
  TORCH_CHECK(is(seven.floor_divide(torch::tensor(2)), {3}, torch::kInt));
  TORCH_CHECK(is(byte.floor_divide(whole({-2})), {-4}, torch::kLong));
  TORCH_CHECK(is(byte.floor_divide(-2), {0}, torch::kByte));
  TORCH_CHECK(is((byte == 7).floor_divide(2), {0}, torch::kLong));
  TORCH_CHECK(refusal([&] { seven.floor_divide(0); }) ==
              "[floor_divide] expected integers to be divided by others than 0, got 0");
  TORCH_CHECK(refusal([&] { (seven > 0).floor_divide(seven > 0); }) ==
              "[floor_divide] expected numbers, got bools; convert one with to()");
}

void closeness() {
  const double inf = std::numeric_limits<double>::infinity();
  const auto x = torch::tensor({1.0, inf, 1.0}), y = torch::tensor({inf, inf, -inf});
  TORCH_CHECK(is(torch::isclose(x, y), {0, 1, 0}, torch::kBool));
  TORCH_CHECK(is((x > 1).isclose(y > 1), {0, 1, 1}, torch::kBool));
  TORCH_CHECK(is(whole({100, 2}).isclose(whole({101, 3}), 0.01), {1, 0}, torch::kBool));
  TORCH_CHECK(is(x.isclose(x + 1, 0, 0), {0, 1, 0}, torch::kBool));
  TORCH_CHECK(refusal([&] {
                x.isclose(whole({1, 2, 3}));
              }) == "[isclose] expected tensors of one dtype, got float32 and int64");
  TORCH_CHECK(refusal([&] { x.isclose(y, -1); }) ==
              "[isclose] expected rtol and atol >= 0, got -1.0 and 1e-08");
}

void products_and_powers() {
  const auto x = torch::arange(6, torch::kFloat).reshape({2, 3});
  TORCH_CHECK(torch::inner(x, x).equal(torch::tensor({{5.0, 14.0}, {14.0, 50.0}})));
  TORCH_CHECK(torch::inner(x, torch::tensor({1.0, 2.0, 3.0})).equal(torch::tensor({8.0, 26.0})));
  TORCH_CHECK(torch::inner(x, torch::tensor(2.0)).equal(x * 2));
  TORCH_CHECK(is(torch::inner(whole({1, 2}), whole({3, 4})).reshape({1}), {11}, torch::kLong));
  TORCH_CHECK(refusal([&] { x.inner(torch::ones({2})); }) ==
              "[inner] expected last dimensions of one size, got shapes [2, 3] and [2]");
  TORCH_CHECK(refusal([&] {
                x.inner(whole({1, 2, 3}));
              }) == "[inner] expected tensors of one dtype, got float32 and int64");

  TORCH_CHECK(is(torch::pow(2.5, whole({2, 3})), {6.25, 15.625}, torch::kFloat));
  TORCH_CHECK(is(torch::pow(2, whole({2, 3}, torch::kInt)), {4, 8}, torch::kInt));
  const auto ones = torch::ones(2, torch::kDouble);
  TORCH_CHECK(is(torch::pow(0.1, ones), {0.1, 0.1}, torch::kDouble));
  TORCH_CHECK(torch::pow(2.5, torch::tensor(2)).dtype() == torch::kFloat);

  TORCH_CHECK(is(torch::range(0, 1, 0.4), {0, 0.4, 0.8}, torch::kFloat));
  TORCH_CHECK(is(torch::range(0, 1.7, 1), {0, 1}, torch::kFloat));
  TORCH_CHECK(is(torch::range(1, 0, -0.5), {1, 0.5, 0}, torch::kFloat));
  TORCH_CHECK(is(torch::range(0, 5, 2, torch::kLong), {0, 2, 4}, torch::kLong));
  TORCH_CHECK(refusal([] { torch::range(1, 3, -1); }) ==
              "[range] expected a step from start towards end, got 1.0 to 3.0 by -1.0");
  TORCH_CHECK(!refusal([] { torch::range(0, 1, 0); }).empty());
}

void choices() {
  const auto first = torch::tensor({true, false});
  TORCH_CHECK(is(torch::where(first, whole({1, 2}), 0.5), {1, 0.5}, torch::kFloat));
  TORCH_CHECK(is(whole({1, 2}).where(first, 0.5), {1, 0.5}, torch::kFloat));
  TORCH_CHECK(is(torch::where(first, 0.5, whole({1, 2})), {0.5, 2}, torch::kFloat));
  TORCH_CHECK(is(torch::where(first, torch::tensor({1.0, 2.0}), 5), {1, 5}, torch::kFloat));
  const auto exact = torch::ones(2, torch::kDouble);
  TORCH_CHECK(is(torch::where(first, exact, 0.1), {1, 0.1}, torch::kDouble));
  TORCH_CHECK(is(torch::where(first, 0.5, 1), {0.5, 1}, torch::kFloat));
  TORCH_CHECK(is(torch::where(first, 1, 2), {1, 2}, torch::kLong));
  TORCH_CHECK(is(torch::where(first, first, 3), {1, 3}, torch::kLong));
  TORCH_CHECK(is(torch::where(first, torch::tensor(3, torch::kInt), 4), {3, 4}, torch::kInt));
}

void in_place() {
  auto cube = torch::zeros({2, 2, 2});
  cube.fill_diagonal_(1);
  TORCH_CHECK(is(cube.reshape(-1), {1, 0, 0, 0, 0, 0, 0, 1}, torch::kFloat));
  TORCH_CHECK(
      is(torch::zeros({3, 2}).fill_diagonal_(1).reshape(-1), {1, 0, 0, 1, 0, 0}, torch::kFloat));
  const std::string square =
      "[fill_diagonal_] expected a matrix, or more dimensions of one size, got shape ";
  TORCH_CHECK(refusal([] { torch::zeros({2, 2, 3}).fill_diagonal_(1); }) == square + "[2, 2, 3]");
  TORCH_CHECK(refusal([] { torch::zeros(3).fill_diagonal_(1); }) == square + "[3]");

  auto w = torch::ones({1, 1}, torch::requires_grad());
  const std::string leaf =
      "expected a tensor that may change in place, got a leaf that requires_grad, of shape [1, 1]; "
      "change it under NoGradGuard, or use the out-of-place operation";
  TORCH_CHECK(refusal([&] { w.unsqueeze_(0); }) == "[unsqueeze_] " + leaf);
  TORCH_CHECK(refusal([&] { w.squeeze_(); }) == "[squeeze_] " + leaf);
  TORCH_CHECK(refusal([&] { w.squeeze_(0); }) == "[squeeze_] " + leaf);
  TORCH_CHECK(refusal([&] { w.transpose_(0, 1); }) == "[transpose_] " + leaf);
  TORCH_CHECK(refusal([&] { w.t_(); }) == "[t_] " + leaf);
  TORCH_CHECK(refusal([&] { w.resize_({1}); }) ==
              "[resize_] expected a tensor that requires no gradient, got one of shape [1, 1]; use "
              "reshape, slice or cat");
  TORCH_CHECK(!refusal([&] { w.tril_(); }).empty() && !refusal([&] { w.triu_(); }).empty());
  TORCH_CHECK(!refusal([&] { w.eq_(w); }).empty());
  TORCH_CHECK(!refusal([&] { w.fill_diagonal_(1); }).empty());
  TORCH_CHECK((w * 2).unsqueeze_(0).dim() == 3);
  const torch::NoGradGuard guard;
  TORCH_CHECK(w.unsqueeze_(0).dim() == 3);
}

void archives() {
  torch::serialize::OutputArchive out, net;
  out.write("steps", torch::IValue(20000001));
  out.write("rate", torch::IValue(0.1));
  out.write("on", torch::IValue(true));
  out.write("pair", torch::IValue(torch::tensor({1.0, 2.0})));
  net.write("weight", torch::ones(3));
  out.write("net", net);
  TORCH_CHECK(refusal([&] { out.write("name", torch::IValue("a")); }) ==
              "[write] expected a tensor or a number as 'name', got a string");
  std::stringstream file;
  out.save_to(file);

  torch::serialize::InputArchive in, part;
  in.load_from(file);
  torch::IValue value;
  in.read("steps", value);
  TORCH_CHECK(value.toInt() == 20000001);
  in.read("rate", value);
  TORCH_CHECK(value.toDouble() == 0.1);
  in.read("on", value);
  TORCH_CHECK(value.toBool());
  in.read("pair", value);
  TORCH_CHECK(value.toTensor().equal(torch::tensor({1.0, 2.0})));
  TORCH_CHECK(refusal([&] { value.toDouble(); }) ==
              "[IValue] expected a floating number, got a tensor");
  TORCH_CHECK(in.try_read("net", part) && in.try_read("net", part) && part.keys().size() == 1);
  TORCH_CHECK(!in.try_read("ne", part) && !in.try_read("steps", part));
  TORCH_CHECK(in.try_read("steps", value) && !in.try_read("net", value));

  TORCH_CHECK(refusal([] { torch::IValue("a").toInt(); }) ==
              "[IValue] expected an integer, got a string");
  TORCH_CHECK(refusal([] { torch::IValue(2.5).toInt(); }) ==
              "[IValue] expected an integer, got a floating number");
  TORCH_CHECK(refusal([] { torch::IValue().toTensor(); }) ==
              "[IValue] expected a tensor, got nothing");
  TORCH_CHECK(torch::IValue("a").toStringRef() == "a" && torch::IValue(2).toScalar().toInt() == 2);
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
  const auto v = torch::ones({2}, torch::requires_grad());
  v.mutable_grad() = w.mutable_grad();
  TORCH_CHECK(v.grad().defined() && v.grad().equal(w.grad()));
  v.mutable_grad().reset();
  TORCH_CHECK(!v.grad().defined());
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
    {
      torch::InferenceMode off(false);
      TORCH_CHECK(torch::GradMode::is_enabled());
    }
    TORCH_CHECK(!torch::GradMode::is_enabled());
  }
  TORCH_CHECK(torch::GradMode::is_enabled());
  torch::autograd::AutogradContext context;
  context.mark_dirty({});
  TORCH_CHECK(refusal([&] { context.mark_dirty({torch::ones(1)}); }) ==
              "[mark_dirty] expected a forward that leaves its arguments as they are, got 1 that "
              "it changed; return x.clone() with the changes");
}

int main() {
  torch::manual_seed(1);
  shapes_in_place();
  comparisons();
  arithmetic();
  quotients();
  closeness();
  products_and_powers();
  choices();
  in_place();
  archives();
  making();
  forms();
  places();
  modes();
}
