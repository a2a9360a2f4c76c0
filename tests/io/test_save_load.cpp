#include <norma/norma.h>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

nn::Sequential make_model() {
  return nn::Sequential(nn::Conv2d(1, 3, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(3),
                        nn::ReLU(), nn::Flatten(), nn::Linear(48, 5), nn::BatchNorm1d(5),
                        nn::Tanh(), nn::Linear(5, 2));
}

struct Tied : nn::Module {
  nn::Linear first{3, 3}, second{3, 3};
  Tied() {
    register_module("first", first);
    register_parameter("again", first.weight);
    register_module("second", second);
  }
};

}  // namespace

TEST_CASE("load reads a PyTorch model, which answers as in PyTorch") {
  nn::Sequential model = make_model();
  load(model, NORMA_IO_TESTS "model.safetensors");
  model.eval();
  const TensorFile answers = load_safetensors(NORMA_IO_TESTS "answers.safetensors");
  REQUIRE(answers.tensors.at(0).first == "input");
  CHECK(allclose(model(answers.tensors[0].second), answers.tensors.at(1).second, 1e-5, 1e-6));
  CHECK(model.named_buffers().at(2).second.item<int64_t>() == 5);
}

TEST_CASE("save and load keep parameters and buffers: the answers are the same to the last bit") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  manual_seed(1);
  nn::Sequential model = make_model();
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  for (int step = 0; step < 3; ++step) {
    optimizer.zero_grad();
    model(randn({8, 1, 4, 4})).square().mean().backward();
    optimizer.step();
  }
  save(model, path);
  nn::Sequential restored = make_model();
  const LoadResult result = load(restored, path);
  CHECK(result.empty());
  CHECK(same(model.state_dict(), restored.state_dict()));
  for (const Tensor& parameter : restored.parameters()) CHECK(parameter.requires_grad());
  model.eval();
  restored.eval();
  const Tensor x = randn({4, 1, 4, 4});
  CHECK(equal(model(x), restored(x)));
  CHECK(scratch.list() == "net.safetensors");
  // Keys as PyTorch's, in a file that holds nothing else.
  std::vector<std::string> names, saved;
  for (const auto& [name, value] : model.state_dict()) names.push_back(name);
  for (const auto& [name, value] : load_safetensors(path).tensors) saved.push_back(name);
  std::sort(names.begin(), names.end());
  std::sort(saved.begin(), saved.end());
  CHECK(names == saved);
}

TEST_CASE("load lists everything that does not fit, names the file and changes nothing") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  save(make_model(), path);
  nn::Sequential other(nn::Conv2d(1, 4, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(3),
                       nn::ReLU(), nn::Linear(2, 2));
  const NamedTensors before = other.clone().state_dict();
  const std::string message = error_of([&] { load(other, path); });
  CHECK(has(message, "[load] " + path + ": Error(s) in loading state_dict for Sequential:"));
  CHECK(has(message,
            "size mismatch for 0.weight: copying a param with shape [3, 1, 3, 3] from "
            "checkpoint, the shape in current model is [4, 1, 3, 3]."));
  CHECK(has(message, "Missing key(s) in state_dict: \"3.weight\", \"3.bias\"."));
  for (const char* key : {"4.weight", "4.bias", "5.running_mean", "7.bias"})
    CHECK(has(message, "\"" + std::string(key) + "\""));
  CHECK(same(other.state_dict(), before));

  const LoadResult result = load(other, path, /*strict=*/false);
  CHECK(result.mismatched == std::vector<std::string>{"0.weight"});
  CHECK(result.missing == std::vector<std::string>{"3.weight", "3.bias"});
  CHECK(result.unexpected.size() == 9);
}

TEST_CASE("load of a file that is cut short changes nothing") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  nn::Sequential model = make_model();
  save(make_model(), path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const NamedTensors before = model.clone().state_dict();
  CHECK(has(error_of([&] { load(model, path); }), path + ": expected"));
  CHECK(same(model.state_dict(), before));
}

TEST_CASE("A tensor under two names is written under both, and stays one when it is loaded") {
  const TempFolder scratch;
  const std::string path = scratch / "tied.safetensors";
  Tied model;
  save(model, path);
  const TensorFile file = load_safetensors(path);
  REQUIRE(file.tensors.size() == model.state_dict().size());
  Tied restored;
  load(restored, path);
  CHECK(same(model.state_dict(), restored.state_dict()));
  restored.first.weight.detach().fill_(3.0);
  for (const auto& [name, value] : restored.state_dict())
    if (name == "again") CHECK(equal(value.detach(), full({3, 3}, 3.0)));
}

TEST_CASE("load converts to the module's dtype and takes old files without the batch counter") {
  const TempFolder scratch;
  const std::string path = scratch / "old.safetensors";
  nn::BatchNorm1d bn(2);
  bn(randn({4, 2}));
  bn.to(kFloat64);
  NamedTensors state = bn.state_dict();
  REQUIRE(state.back().first == "num_batches_tracked");
  state.pop_back();
  save_safetensors(state, path);
  nn::BatchNorm1d restored(2);
  restored(randn({4, 2}));
  load(restored, path);
  CHECK(restored.running_mean.dtype() == kFloat32);
  CHECK(equal(restored.running_mean, bn.running_mean.to(kFloat32)));
  CHECK(restored.num_batches_tracked.item<int64_t>() == 0);
}

TEST_CASE("load makes lazy layers of the sizes of a file, unless it fails") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  nn::Sequential model(nn::Linear(2, 3)), lazy(nn::LazyLinear(3)), other(nn::LazyLinear(4));
  save(model, path);
  load(lazy, path);
  CHECK(equal(lazy.parameters()[0], model.parameters()[0]));
  CHECK(error_of([&] { load(other, path); }) != "no error");
  CHECK(other.str().find("LazyLinear(") != std::string::npos);
}
