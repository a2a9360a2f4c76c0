// The tables at the end of docs/from-pytorch.md, Norma's column. test_differences.py has PyTorch's.
#include <algorithm>
#include <vector>

#include "norma/tests/io/support.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

namespace {

template <class F>
bool refused(F&& action) {
  return error_of(action) != "no error";
}

std::vector<int64_t> labels_of(data::DataLoader& loader) {
  std::vector<int64_t> labels;
  for (auto& [inputs, targets] : loader)
    for (int64_t i = 0; i < targets.size(0); ++i) labels.push_back(targets[i].item<int64_t>());
  return labels;
}

struct Unregistered : nn::Module {
  nn::Linear fc{2, 2};
  Tensor forward(const Tensor& x) override { return fc(x); }
};

}  // namespace

TEST_CASE("Modules are handles, and know what is registered") {
  nn::Linear layer(2, 3);
  const Tensor member = layer.weight;
  layer.weight = ones({3, 2});
  CHECK(layer.parameters()[0].is_same(member));
  NoGradGuard no_grad;
  layer.parameters()[0].copy_(full({3, 2}, 7.0));
  CHECK(member.eq(7).all().item<bool>());

  nn::Linear same = layer;
  CHECK(same.is_same(layer));
  CHECK_FALSE(layer.clone().is_same(layer));

  Unregistered model;
  model.eval();
  CHECK(model.parameters().empty());
  CHECK(model.fc.is_training());
}

TEST_CASE("BatchNorm does not count what it refuses, keeps digits, and can be frozen") {
  nn::BatchNorm1d bn(2);
  CHECK(refused([&] { bn(ones({1, 2})); }));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 0);

  manual_seed(0);
  const Tensor x = randn({256, 1}) + 1e4;
  nn::BatchNorm1d narrow(1), wide(1);
  wide.to(kFloat64);
  const Tensor error = (narrow(x).to(kFloat64) - wide(x.to(kFloat64))).abs().max();
  CHECK(error.item<double>() < 1e-6);

  nn::Sequential net(nn::Linear(2, 2), nn::BatchNorm1d(2));
  auto& frozen = net.at<nn::BatchNorm1d>(1);
  frozen.freeze_stats();
  net.train();
  net(randn({4, 2}));
  CHECK(frozen.num_batches_tracked.item<int64_t>() == 0);
}

TEST_CASE("Tensors: types, dimensions, printing, parts") {
  CHECK_NOTHROW(zeros(Shape::filled(12, 1)));
  CHECK(refused([] { zeros(Shape::filled(13, 1)); }));
  CHECK(zeros({2}, {.dtype = kFloat64}).str() == "tensor([0., 0.], dtype=float64)");
  Tensor x = arange(4);
  x.slice(0, 1, 4).copy_(x.slice(0, 0, 3));
  CHECK(equal(x, tensor({0, 0, 1, 2})));
  Tensor m = zeros({2, 2});
  m[0].fill_(1);
  m.select(1, 1).copy_(tensor({5.0, 6.0}));
  CHECK(equal(m, tensor({{1.0, 5.0}, {0.0, 6.0}})));
  CHECK(equal(tensor({2, 1, 2, 1}).topk(2).second, tensor({0, 2})));
  CHECK(equal(tensor({2, 1, 2, 1}).argsort(0, true), tensor({0, 2, 1, 3})));
}

TEST_CASE("Gradients have no history, and stay at the leaves") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor y = x * 2;
  (y * y).sum().backward(Tensor(), /*retain_graph=*/true);
  CHECK_FALSE(x.grad().requires_grad());
  CHECK_FALSE(y.grad().defined());

  nn::Sequential layers(nn::BatchNorm1d(2), nn::ReLU());
  const Tensor in = tensor({{1.0, 2.0}, {3.0, 5.0}}, {.requires_grad = true});
  Tensor out = layers(in);
  out.mul_(2.0);
  CHECK_FALSE(refused([&] { out.sum().backward(); }));

  Tensor wide = tensor({INFINITY, 2.0f, 3.0f}, {.requires_grad = true});
  wide.prod().backward();
  CHECK(wide.grad()[0].item<double>() == 6);

  const DetectAnomalyGuard guard;
  CHECK(has(error_of([&] { (x * 0).log(); }), "[log] expected a finite result"));
}

TEST_CASE("Losses refuse what PyTorch lets pass") {
  const Tensor column = ones({3, 1}), row = ones({3});
  CHECK(refused([&] { functional::mse_loss(column, row); }));
  CHECK(refused([&] { functional::l1_loss(column, row); }));
  CHECK(refused([&] { functional::smooth_l1_loss(column, row); }));
  CHECK(refused([&] { functional::huber_loss(column, row); }));
  Tensor far = tensor({-100.0}, {.requires_grad = true});
  const Tensor margin = functional::soft_margin_loss(far, ones({1}));
  margin.backward();
  CHECK(margin.item<double>() == 100);
  CHECK(far.grad().item<double>() == -1);
  Tensor zero = zeros({1}, {.dtype = kFloat64, .requires_grad = true});
  functional::hardsigmoid(zero).backward();
  CHECK(zero.grad().item<double>() == 1.0 / 6);
  const Tensor classes = zeros({3}, {.dtype = kUInt8});
  CHECK(refused([&] { functional::cross_entropy(ones({3, 2}), classes); }));
  CHECK_NOTHROW(functional::cross_entropy(ones({3, 2}), classes.to(kInt64)));

  Tensor x = zeros({3}, {.requires_grad = true});
  const Tensor whole = tensor({1, 1, 0});
  for (const auto& loss :
       {functional::mse_loss(x, whole), functional::binary_cross_entropy_with_logits(x, whole)}) {
    loss.backward();
    CHECK(loss.dtype() == kFloat32);
  }
  CHECK(functional::mse_loss(x, whole).item<double>() ==
        functional::mse_loss(x, whole.to(kFloat32)).item<double>());
  CHECK(functional::binary_cross_entropy_with_logits(x, whole).item<double>() ==
        functional::binary_cross_entropy_with_logits(x, whole.to(kFloat32)).item<double>());
}

TEST_CASE("The order of a DataLoader is its own, and it divides uint8 by 255") {
  const data::Dataset ten{full({10, 1}, 255, {.dtype = kUInt8}), arange(10)};
  manual_seed(0);
  data::DataLoader a(ten, {.batch_size = 5, .shuffle = true});
  manual_seed(1);
  data::DataLoader b(ten, {.batch_size = 5, .shuffle = true});
  data::DataLoader c(ten, {.batch_size = 5, .shuffle = true, .seed = 1});
  const auto first = labels_of(a);
  CHECK(first == labels_of(b));
  CHECK(first != labels_of(c));
  CHECK(first != labels_of(a));  // the next epoch
  CHECK(equal((*a.begin()).inputs, ones({5, 1})));
}

TEST_CASE("Optimisers and gradients") {
  Tensor w = ones({1}, {.requires_grad = true});
  optim::SGD sgd({w}, {.lr = 0.1});
  (w * 3).sum().backward();
  const double norm = optim::clip_grad_norm_({w}, 1.0);
  CHECK(norm == 3.0);
  sgd.zero_grad();
  CHECK_FALSE(w.grad().defined());
  CHECK(refused([&] { optim::SGD twice({w, w}, {.lr = 0.1}); }));
  CHECK(optim::SGD({w}).lr(0) == 1e-3);

  optim::Adam adam({w});
  const auto step = [&] {
    (w * w).sum().backward();
    adam.step();
  };
  step();
  adam.set_options(0, {.amsgrad = true});
  CHECK_NOTHROW(step());

  nn::Linear layer(2, 2);
  layer(ones({1, 2})).sum().backward();
  layer.to(kFloat64);
  CHECK_FALSE(layer.weight.grad().defined());
}

TEST_CASE("Files: all or nothing, other shapes, tied weights, narrow types") {
  nn::Linear layer(2, 3);
  const Tensor before = layer.bias.detach().clone();
  CHECK(refused([&] { layer.load_state_dict({{"bias", ones({3})}}); }));
  CHECK(equal(layer.bias, before));
  const LoadResult result =
      layer.load_state_dict({{"weight", ones({5, 2})}, {"bias", ones({3})}}, /*strict=*/false);
  CHECK(result.mismatched == std::vector<std::string>{"weight"});
  CHECK(equal(layer.bias, ones({3})));

  struct Tied : nn::Module {
    nn::Linear a{2, 2};
    Tied() {
      register_module("a", a);
      register_parameter("weight", a.weight);
    }
  } tied;
  const TempFolder scratch;
  save(tied, scratch / "tied.safetensors");
  CHECK(load_safetensors(scratch / "tied.safetensors").tensors.size() == 3);
  CHECK_NOTHROW(load(tied, scratch / "tied.safetensors"));

  const std::string header =
      "{\"x\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[0,2]},"
      "\"y\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[2,4]}}";
  write_bytes(scratch / "narrow.safetensors", file_of(header, 4));
  const NamedTensors narrow = load_safetensors(scratch / "narrow.safetensors").tensors;
  CHECK(narrow[0].second.dtype() == kInt64);
  CHECK(narrow[1].second.dtype() == kFloat32);
}

TEST_CASE("What does instead of functions that are not there") {
  const Tensor x = tensor({{1.0, -2.0}, {3.0, 4.0}, {5.0, 0.5}});
  CHECK(where(x > 0, x, zeros_like(x)).sum().item<double>() == 13.5);

  const Tensor a = tensor({true, true, false}), b = tensor({true, false, false});
  CHECK(equal(a.logical_and(b), b));
  CHECK(equal(a.logical_or(b), a));
  CHECK(equal(a.logical_not(), tensor({false, false, true})));

  const Tensor image = arange(4).to(kFloat32).reshape({1, 1, 2, 2});
  const Tensor large =
      image.reshape({1, 1, 2, 1, 2, 1}).expand({1, 1, 2, 2, 2, 2}).reshape({1, 1, 4, 4});
  CHECK(equal(large[0][0][3], tensor({2.0, 2.0, 3.0, 3.0})));
}

// When one of these arrives, the page has to say so.
template <class T>
constexpr bool has_functions_of_the_page = requires(T x) {
  x& x;
}
|| requires(T x) { x.mode(); }
|| requires(T x) { x.register_hook(nullptr); };
static_assert(!has_functions_of_the_page<Tensor>);
