// Files that torch.save wrote (see make_torch_files.py).
#include <norma/norma.h>

#include <map>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

const std::string kFolder = NORMA_IO_TESTS "torch_files/";

std::map<std::string, Tensor> by_name(const std::string& file) {
  const TensorFile read = load_torch(kFolder + file);
  return {read.tensors.begin(), read.tensors.end()};
}

nn::Sequential small_model() { return nn::Sequential(nn::Linear(3, 2), nn::BatchNorm1d(2)); }

}  // namespace

TEST_CASE("torch: every dtype arrives as from a safetensors file, half and bfloat16 widened") {
  NamedTensors want;
  for (const auto& entry : load_safetensors(NORMA_IO_TESTS "dtypes.safetensors").tensors)
    if (entry.first != "u16" && entry.first != "u32")
      want.push_back(entry);  // PyTorch 1.13 has none
  const TensorFile file = load_torch(kFolder + "dtypes.pt");
  CHECK(file.tensors.size() == 13);
  CHECK(same(file.tensors, want));
  CHECK(file.metadata.empty());
  const auto t = by_name("dtypes.pt");
  CHECK(t.at("f16").dtype() == kFloat32);
  CHECK(t.at("bf16").dtype() == kFloat32);
  CHECK(t.at("i32").dtype() == kInt32);
  CHECK(t.at("u8").dtype() == kUInt8);
  CHECK(t.at("f64").dtype() == kFloat64);
  CHECK(t.at("scalar").item<int64_t>() == 7);
}

TEST_CASE("torch: views, expanded, empty and tied tensors, parameters") {
  const NamedTensors want = sorted(load_safetensors(kFolder + "views.safetensors").tensors);
  REQUIRE(want.size() == 25);
  CHECK(same(sorted(load_torch(kFolder + "views.pt").tensors), want));

  auto t = by_name("views.pt");
  CHECK(t.at("turned").strides() == Shape({1, 6}));
  CHECK(t.at("row").strides() == Shape({0, 1}));
  CHECK(t.at("element").dim() == 0);
  CHECK(t.at("nothing").sizes() == Shape({0, 6}));
  CHECK(!t.at("parameter").requires_grad());
  CHECK(t.at("half turned").data_ptr<float>() + 7 == t.at("half part").data_ptr<float>());
}

TEST_CASE("torch: tensors share memory as in Python, and each storage is read once") {
  const int64_t before = live_storage_bytes();
  auto t = by_name("views.pt");
  const int64_t held = live_storage_bytes() - before;
  // One after the other, copied, they take more.
  int64_t apart = 0;
  for (const auto& [name, value] : t) apart += value.numel() * item_size(value.dtype());
  CHECK(held > 0);
  CHECK(t.at("base").data_ptr<float>() == t.at("again").data_ptr<float>());
  t.at("turned").fill_(8.0);
  for (const char* name : {"base", "again", "rows", "column", "steps", "row", "one", "diagonal"})
    CHECK(t.at(name).eq(8.0).all().item<bool>());
  CHECK(!t.at("permuted").eq(8.0).any().item<bool>());
  CHECK(apart > held);
}

TEST_CASE("torch: other protocols, other writers, deflated and ZIP64 archives, newer records") {
  const NamedTensors want = sorted(load_safetensors(kFolder + "views.safetensors").tensors);
  for (const char* name : {"protocol4.pt", "deflated.pt", "zip64.pt"}) {
    CAPTURE(name);
    CHECK(same(sorted(load_torch(kFolder + name).tensors), want));
  }
  const auto t = by_name("newer.pt");
  CHECK(equal(t.at("u16"), tensor({0, 65535})));
  CHECK(equal(t.at("u16_view"), tensor({65535, 1, 2})));
  CHECK(equal(t.at("u32"), tensor({4294967295LL})));
}

TEST_CASE("torch: dicts in dicts are flattened, what is no tensor becomes metadata") {
  const TensorFile file = load_torch(kFolder + "checkpoint.pt");
  auto t = by_name("checkpoint.pt");
  CHECK(t.at("model.0.weight").sizes() == Shape({2, 3}));
  CHECK(t.at("parallel.module.1.running_mean").sizes() == Shape({2}));
  CHECK(t.at("optimizer.state.0.exp_avg").sizes() == Shape({2, 3}));
  CHECK(file.tensors.front().first == "model.0.weight");
  std::map<std::string, std::string> want{{"epoch", "3"},
                                          {"best", "0.25"},
                                          {"small", "1e-300"},
                                          {"note", "ünï"},
                                          {"done", "True"},
                                          {"more", "None"},
                                          {"wide", "70000"},
                                          {"seed", "9223372036854775813"},
                                          {"negative", "-7"},
                                          {"least", "-9223372036854775808"},
                                          {"sizes.0", "4"},
                                          {"sizes.1.0", "5"},
                                          {"dtype", "torch.float16"}};
  std::map<std::string, std::string> got;
  for (const auto& [name, value] : file.metadata)
    if (!name.starts_with("optimizer.")) got[name] = value;
  CHECK(got == want);
  CHECK(file.metadata.at("optimizer.param_groups.0.lr") == "0.01");
  CHECK(file.metadata.at("optimizer.param_groups.0.params.3") == "3");
}

TEST_CASE("torch: a tensor alone and a list of tensors") {
  const TensorFile one = load_torch(kFolder + "tensor.pt");
  CHECK(same(one.tensors, {{"", tensor({1.0, 2.0})}}));
  const Tensor two = tensor(2);
  CHECK(same(load_torch(kFolder + "list.pt").tensors,
             {{"0", tensor(1)}, {"1.0", two}, {"1.1.3", tensor(3)}}));
}

TEST_CASE("load reads a state_dict of torch.save, which answers as in PyTorch") {
  nn::Sequential model(nn::Conv2d(1, 3, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(3),
                       nn::ReLU(), nn::Flatten(), nn::Linear(48, 5), nn::BatchNorm1d(5), nn::Tanh(),
                       nn::Linear(5, 2));
  const TempFolder scratch;  // the first bytes say what a file is, not its name
  const std::string path = scratch / "model.safetensors";
  std::filesystem::copy_file(kFolder + "model.pt", path);
  CHECK(load(model, path).empty());
  model.eval();
  const TensorFile answers = load_safetensors(NORMA_IO_TESTS "answers.safetensors");
  CHECK(allclose(model(answers.tensors.at(0).second), answers.tensors.at(1).second, 1e-5, 1e-6));
  CHECK(model.named_buffers().at(2).second.item<int64_t>() == 5);
  CHECK(same(load_tensors(path).tensors, load_torch(path).tensors));
  CHECK(same(load_tensors(NORMA_IO_TESTS "model.safetensors").tensors,
             load_safetensors(NORMA_IO_TESTS "model.safetensors").tensors));
}

TEST_CASE("load takes a part of a checkpoint") {
  const std::string path = kFolder + "checkpoint.pt";
  const auto t = by_name("checkpoint.pt");
  for (const char* prefix : {"model.", "model", "parallel.module."}) {
    nn::Sequential model = small_model();
    CHECK(load(model, path, {.prefix = prefix}).empty());
    CHECK(equal(model.parameters().at(0).detach(), t.at("model.0.weight")));
    CHECK(equal(model.named_buffers().at(1).second, t.at("model.1.running_var")));
  }
  nn::Sequential model = small_model();
  const NamedTensors before = model.clone().state_dict();
  CHECK(error_of([&] { load(model, path); }) ==
        "[load] " + path +
            ": expected the keys of the module, got them behind \"model.\", \"parallel.module.\"; "
            "load(module, path, {.prefix = …}) takes a part of a file. It has \"model\", "
            "\"optimizer\", \"parallel\", \"best\", \"done\", \"dtype\", \"epoch\", \"least\", "
            "\"more\", \"negative\", \"note\", \"seed\", …");
  CHECK(has(error_of([&] { load(model, path, {.prefix = "net"}); }),
            "[load] " + path +
                ": expected tensors whose names begin with \"net.\", got none; the file has "
                "\"model\", \"optimizer\", \"parallel\""));
  CHECK(has(error_of([&] { load(model, path, {.prefix = "optimizer"}); }),
            "got them behind \"model.\", \"parallel.module.\""));
  CHECK(load(model, path, {.strict = false, .prefix = "optimizer"}).missing.size() == 6);
  CHECK(same(model.state_dict(), before));
  nn::Sequential other(nn::Linear(4, 2));
  CHECK(has(error_of([&] { load(other, path, {.prefix = "model"}); }),
            "size mismatch for 0.weight: copying a param with shape [2, 3] from checkpoint, the "
            "shape in current model is [2, 4]."));
}

TEST_CASE("load takes the module out of Norma's own checkpoints by the same prefix") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  nn::Sequential model = small_model(), other = small_model();
  save_checkpoint(path, {.module = &model, .epoch = 2});
  CHECK(has(error_of([&] { load(other, path); }),
            "expected the state of a module alone, got a checkpoint; read it with "
            "load_checkpoint(path, {.module = &module}), or the module alone with load(module, "
            "path, {.prefix = \"model.\"})"));
  load(other, path, {.prefix = "model."});
  CHECK(same(model.state_dict(), other.state_dict()));
}

TEST_CASE("load refuses entries that are no tensors unless it need not be strict") {
  struct Holder : nn::Module {
    Tensor value = zeros({2});
    Holder() { register_buffer("weight", value); }
  } holder;
  const std::string path = kFolder + "mixed.pt";
  CHECK(error_of([&] { load(holder, path); }) ==
        "[load] " + path +
            ": expected tensors alone, got \"epoch\" = \"3\"; {.strict = false} loads the tensors");
  CHECK(error_of([&] { load(holder, path, {}); }) != "no error");
  CHECK(error_of([&] { load(holder, path, true); }) != "no error");
  CHECK(equal(holder.value, zeros({2})));
  CHECK(load(holder, path, false).empty());
  CHECK(equal(holder.value, ones({2})));
}

TEST_CASE("Tied weights get their values under both names and stay one") {
  struct Tied : nn::Module {
    nn::Linear first{2, 2, {.bias = false}}, second{2, 2, {.bias = false}};
    Tied() {
      second.weight.set_data(first.weight);
      register_module("first", first);
      register_module("second", second);
    }
  } tied;
  load(tied, kFolder + "tied.pt");
  CHECK(equal(tied.first.weight.detach(), tensor({{1.0, 2.0}, {3.0, 4.0}})));
  CHECK(equal(tied.second.weight.detach(), tied.first.weight.detach()));
}
