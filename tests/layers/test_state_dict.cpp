#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/layers/helpers.h"

using norma::NamedTensors;
using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

nn::Sequential classifier() {
  return nn::Sequential(nn::Linear(2, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 2));
}

NamedTensors copy_of(const NamedTensors& state) {
  NamedTensors copy;
  for (const auto& [name, tensor] : state) copy.emplace_back(name, tensor.detach().clone());
  return copy;
}

bool same_values(const NamedTensors& a, const NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != b[i].first || !norma::equal(a[i].second, b[i].second)) return false;
  }
  return true;
}

void without(NamedTensors& state, const std::string& name) {
  std::erase_if(state, [&](const auto& entry) { return entry.first == name; });
}

}  // namespace

TEST_CASE("state_dict shares memory with the module") {
  nn::Linear fc(2, 2);
  const norma::NoGradGuard no_grad;
  fc.state_dict()[1].second.fill_(7.0);
  CHECK(to_vector(fc.bias) == std::vector<double>({7, 7}));
}

TEST_CASE("the clone of a state keeps the best values while training goes on") {
  norma::manual_seed(0);
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::Linear(3, 1));
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  const norma::Tensor x = norma::randn({8, 2});
  const auto step = [&] {
    optimizer.zero_grad();
    net(x).square().mean().backward();
    optimizer.step();
  };
  step();
  const norma::NamedTensors best = nn::clone(net.state_dict());
  const norma::optim::OptimizerState then = optimizer.state_dict().clone();
  net.eval();
  const norma::Tensor expected = net(x).detach().clone();
  net.train();
  for (int i = 0; i < 3; ++i) step();
  CHECK_FALSE(
      then.tensors[0].second.eq(optimizer.state_dict().tensors[0].second).all().item<bool>());
  net.load_state_dict(best);
  net.eval();
  CHECK(net(x).eq(expected).all().item<bool>());
  for (const auto& [name, tensor] : best) CHECK_FALSE(tensor.requires_grad());
  CHECK(best[6].second.dtype() == norma::kInt64);
  CHECK(best.size() == net.state_dict().size());

  optimizer.load_state_dict(then);
  CHECK(then.tensors[0].second.eq(optimizer.state_dict().tensors[0].second).all().item<bool>());
}

TEST_CASE("load_state_dict restores parameters and buffers") {
  nn::Sequential trained = classifier(), fresh = classifier();
  for (int i = 0; i < 3; ++i) trained(norma::randn({8, 2}) * 3.0 + 1.0);
  const Tensor weight = fresh.at<nn::Linear>(0).weight;
  CHECK(fresh.load_state_dict(trained.state_dict()).empty());
  CHECK(same_values(fresh.state_dict(), trained.state_dict()));
  CHECK(fresh.at<nn::BatchNorm1d>(1).num_batches_tracked.item<int64_t>() == 3);
  CHECK(fresh.at<nn::Linear>(0).weight.is_same(weight));
  CHECK(weight.requires_grad());
  trained.eval();
  fresh.eval();
  const Tensor x = norma::randn({5, 2});
  CHECK(norma::equal(trained(x), fresh(x)));
}

TEST_CASE("one error lists everything that does not fit, in PyTorch's words, and nothing changes") {
  nn::Sequential model = classifier();
  const nn::Sequential other(nn::Linear(2, 32), nn::ReLU(), nn::Linear(32, 2), nn::Linear(2, 2));
  const NamedTensors before = copy_of(model.state_dict());
  const std::string message = error_of([&] { model.load_state_dict(other.state_dict()); });
  CHECK(message == "[load_state_dict] " + std::string(golden::load_error));
  CHECK(error_of([&] { model.check_state_dict(other.state_dict()); }) == message);
  CHECK(same_values(model.state_dict(), before));
  model.check_state_dict(before);

  // One missing entry is enough.
  NamedTensors state = copy_of(classifier().state_dict());
  without(state, "1.running_var");
  CHECK(has(error_of([&] { model.load_state_dict(state); }),
            "Missing key(s) in state_dict: \"1.running_var\"."));
  CHECK(same_values(model.state_dict(), before));
}

TEST_CASE("strict = false loads what fits and returns the lists") {
  nn::Sequential model = classifier();
  const Tensor kept = model.at<nn::Linear>(0).weight.detach().clone();
  const nn::Sequential other(nn::Linear(2, 8), nn::Identity(), nn::Linear(4, 4), nn::Linear(16, 2));
  const norma::LoadResult result = model.load_state_dict(other.state_dict(), /*strict=*/false);
  CHECK(result.missing ==
        std::vector<std::string>({"1.weight", "1.bias", "1.running_mean", "1.running_var"}));
  CHECK(result.unexpected == std::vector<std::string>({"2.weight", "2.bias"}));
  CHECK(result.mismatched == std::vector<std::string>({"0.weight", "0.bias"}));
  CHECK_FALSE(result.empty());
  CHECK(norma::equal(model.at<nn::Linear>(0).weight, kept));
  CHECK(norma::equal(model.at<nn::Linear>(3).weight, other.at<nn::Linear>(3).weight));
}

TEST_CASE("a missing num_batches_tracked counts as 0") {
  nn::Sequential model = classifier();
  model(norma::randn({4, 2}));
  NamedTensors state = copy_of(model.state_dict());
  without(state, "1.num_batches_tracked");
  CHECK(model.load_state_dict(state).empty());
  CHECK(model.at<nn::BatchNorm1d>(1).num_batches_tracked.item<int64_t>() == 0);

  nn::BatchNorm1d bn(2);
  bn(norma::randn({4, 2}));
  state = copy_of(bn.state_dict());
  without(state, "num_batches_tracked");
  CHECK(bn.load_state_dict(state, false).missing.empty());
  CHECK(bn.num_batches_tracked.item<int64_t>() == 0);

  struct Counter : nn::Module {
    Counter() { register_buffer("my_num_batches_tracked", norma::ones({1})); }
  } counter;
  CHECK(has(error_of([&] { counter.load_state_dict({}); }), "my_num_batches_tracked"));
}

TEST_CASE("values are converted to the module's dtypes") {
  nn::Linear fc(2, 1);
  fc.load_state_dict({{"weight", norma::tensor({{1, 2}})},
                      {"bias", norma::full({1}, 0.5, {.dtype = norma::kFloat64})}});
  CHECK(fc.weight.dtype() == norma::kFloat32);
  CHECK(to_vector(fc.weight) == std::vector<double>({1, 2}));
  CHECK(to_vector(fc.bias) == std::vector<double>({0.5}));
}

TEST_CASE("malformed state is refused") {
  nn::Linear fc(2, 1, {.bias = false});
  const Tensor w = norma::ones({1, 2});
  CHECK(has(error_of([&] {
              fc.load_state_dict({{"weight", w}, {"weight", w}}, false);
            }),
            "expected every key once, got \"weight\" twice"));
  CHECK(has(error_of([&] {
              fc.load_state_dict({{"weight", Tensor()}});
            }),
            "expected a tensor for \"weight\", got an undefined one"));
}

TEST_CASE("a module registered twice takes its values under both names") {
  const nn::Linear shared(2, 2, {.bias = false});
  nn::Sequential net(shared, shared);
  NamedTensors state = copy_of(net.state_dict());
  state[1].second.fill_(3.0);
  net.load_state_dict(state);
  CHECK(to_vector(shared.weight) == std::vector<double>(4, 3.0));
  without(state, "1.weight");
  CHECK(has(error_of([&] { net.load_state_dict(state); }), "\"1.weight\""));
}

TEST_CASE("to() changes the dtype for every handle") {
  nn::Linear fc(3, 2);
  nn::BatchNorm1d bn(2);
  nn::Sequential net(fc, bn);
  const Tensor bias = fc.bias;
  const std::vector<double> before = to_vector(fc.weight);
  net(norma::randn({4, 3})).sum().backward();
  CHECK(fc.weight.grad().defined());

  net.to(norma::kFloat64);
  for (const Tensor& parameter : net.parameters()) CHECK(parameter.dtype() == norma::kFloat64);
  CHECK(fc.weight.dtype() == norma::kFloat64);
  CHECK(bias.dtype() == norma::kFloat64);
  CHECK(bn.running_var.dtype() == norma::kFloat64);
  CHECK(bn.num_batches_tracked.dtype() == norma::kInt64);
  CHECK(to_vector(fc.weight) == before);
  CHECK(fc.weight.requires_grad());
  CHECK(fc.weight.is_leaf());
  CHECK_FALSE(fc.weight.grad().defined());
  CHECK(fc.weight.is_same(net.parameters()[0]));

  net(norma::randn({4, 3}, {.dtype = norma::kFloat64})).square().sum().backward();
  CHECK(fc.weight.grad().dtype() == norma::kFloat64);
  CHECK(has(error_of([&] { net.to(norma::kInt64); }),
            "[to] expected a floating dtype for a module, got int64"));
}

TEST_CASE("to() while a graph of the old values lives") {
  nn::Linear fc(2, 1);
  const Tensor loss = fc(norma::ones({1, 2})).sum();
  fc.to(norma::kFloat64);
  loss.backward();
  CHECK_FALSE(fc.weight.grad().defined());
}
