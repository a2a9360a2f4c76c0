// Weights that evaluation keeps packed: whatever changes them, the next answer is that of the new
// values.
#include <functional>
#include <thread>
#include <vector>

#include "norma/core/kernels/gemm.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/temp_folder.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

template <class Layer>
void check_changes(const char* name, const std::function<Layer()>& make, const Tensor& x) {
  const NoGradGuard no_grad;
  const auto answer_of = [&](Layer& layer) {
    Layer fresh = make();
    fresh.to(layer.weight.dtype());
    fresh.weight.copy_(layer.weight);
    fresh.bias.copy_(layer.bias);
    fresh.eval();
    return fresh(x);
  };
  Layer layer = make();
  layer.eval();
  const auto change = [&](const char* how, auto f) {
    INFO(name << ": " << how);
    for (int use = 0; use < 3; ++use) CHECK(differing_bits(layer(x), answer_of(layer)) == "");
    const Tensor before = layer(x);
    f();
    CHECK(differing_bits(layer(x), before) != "");
    for (int use = 0; use < 3; ++use) CHECK(differing_bits(layer(x), answer_of(layer)) == "");
  };
  change("in place", [&] { layer.weight.mul_(1.5); });
  change("through a view", [&] { layer.weight.select(0, 0).add_(1); });
  change("copy_", [&] { layer.weight.copy_(randn(layer.weight.sizes())); });
  change("an initialiser", [&] { layer.reset_parameters(); });
  change("an optimizer", [&] {
    layer.weight.set_grad(ones(layer.weight.sizes()));
    optim::SGD({layer.weight}, {.lr = 0.5}).step();
  });
  change("load_state_dict", [&] { layer.load_state_dict(make().state_dict()); });
  change("a file", [&] {
    const TempFolder folder;
    const std::string path = folder / "layer.safetensors";
    Layer other = make();
    save(other, path);
    load(layer, path);
  });
  change("set_data", [&] { layer.weight.set_data(randn(layer.weight.sizes())); });
  change("a pointer", [&] { layer.weight.template data_ptr<float>()[1] += 1; });
  float* const kept = layer.weight.template data_ptr<float>();
  change("a pointer from before", [&] { kept[0] += 1; });
}

}  // namespace

TEST_CASE("whatever changes a weight, the next answer is that of the new values") {
  manual_seed(1);
  check_changes<nn::Linear>(
      "Linear", [] { return nn::Linear(40, 70); }, randn({3, 40}));
  check_changes<nn::Conv2d>(
      "Conv2d", [] { return nn::Conv2d(4, 6, 3); }, randn({2, 4, 9, 9}));
  check_changes<nn::Conv2d>(
      "Conv2d by Winograd", [] { return nn::Conv2d(16, 16, 3, {.padding = 1}); },
      randn({2, 16, 16, 16}));
}

TEST_CASE("a tensor made where another one's memory was has its own values") {
  const NoGradGuard no_grad;
  const Tensor x = randn({2, 64});
  for (int turn = 0; turn < 5; ++turn) {
    const Tensor weight = full({48, 64}, 1.0 * turn);
    Tensor last;
    for (int use = 0; use < 3; ++use) last = functional::linear(x, weight);
    CHECK(mismatch(last, x.sum({1}, true).expand({2, 48}) * turn, 1e-5, 1e-5) == "");
  }
}

TEST_CASE("several threads ask a model in evaluation, and have the answers of one") {
  nn::Sequential net(nn::Linear(64, 100), nn::ReLU(), nn::Linear(100, 10));
  net.eval();
  const Tensor x = randn({4, 64});
  const NoGradGuard outer;
  nn::Sequential other = net.clone();
  const Tensor want = other(x);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int& mine : wrong) {
    threads.emplace_back([&] {
      const NoGradGuard no_grad;
      for (int use = 0; use < 200; ++use) mine += differing_bits(net(x), want).empty() ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}

TEST_CASE("training keeps no packed weights, evaluation keeps one for each") {
  nn::Linear layer(256, 256);
  const Tensor x = randn({4, 256});
  layer(x).sum().backward();
  const int64_t before = live_storage_bytes();
  for (int step = 0; step < 3; ++step) layer(x);
  CHECK(live_storage_bytes() == before);
  const NoGradGuard no_grad;
  for (int step = 0; step < 3; ++step) layer(x);
  const int64_t kept = live_storage_bytes() - before, weight = 256 * 256 * 4;
  CHECK(kept == (kernels::own_products() ? weight : 0));
  layer.train();
  layer.weight.mul_(0.5);
  CHECK(live_storage_bytes() == before);
}
