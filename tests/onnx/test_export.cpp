// What export_model leaves as it was, what it refuses, and what the file says.
#include <norma/onnx.h>

#include "../support/catch.h"
#include "../support/error_of.h"
#include "../support/temp_folder.h"

using namespace norma;

namespace {

std::string written(nn::Module& model, const Tensor& example,
                    const onnx::ExportOptions& options = {}) {
  const TempFolder folder;
  onnx::export_model(model, example, folder / "model.onnx", options);
  return read_bytes(folder / "model.onnx");
}

/// A model whose forward is a function.
struct Model : nn::Module {
  explicit Model(std::function<Tensor(const Tensor&)> function) : f(std::move(function)) {
    scale = register_parameter("scale", ones({3}));
    count = register_buffer("count", zeros({1}));
  }
  Tensor forward(const Tensor& x) override { return f(x); }
  std::function<Tensor(const Tensor&)> f;
  Tensor scale, count;
};

std::string refusal(std::function<Tensor(const Tensor&)> f,
                    const onnx::ExportOptions& options = {}) {
  nn::Sequential model(nn::Identity(), Model(std::move(f)));
  return error_of([&] {
    written(model, tensor({{1.0F, 2.0F, 3.0F}, {-4.0F, 5.0F, 6.5F}}), options);
  });
}

}  // namespace

TEST_CASE("parameters have their names in the file, a folded norm has gone") {
  nn::Sequential net(nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::ReLU(), nn::Flatten(),
                     nn::Linear(8, 3));
  const Tensor x = randn({2, 1, 4, 4});
  const std::string folded = written(net, x, {.producer = "my program"});
  for (const char* text : {"0.weight", "0.bias", "4.weight", "4.bias", "0/conv2d/Conv", "input",
                           "output", "batch", "my program"}) {
    CHECK(has(folded, text));
  }
  CHECK(!has(folded, "BatchNormalization"));
  const std::string kept = written(net, x,
                                   {.input_names = {"image"},
                                    .output_names = {"scores"},
                                    .dynamic_batch = false,
                                    .fold_batch_norm = false});
  for (const char* text : {"1.running_mean", "1.weight", "BatchNormalization", "image", "scores"})
    CHECK(has(kept, text));
  CHECK(!has(kept,
             "\x12\x05"
             "batch"));  // no size has a name
}

TEST_CASE("a model stays as it was, also when its forward throws") {
  bool throws = false;
  Model model([&](const Tensor& x) {
    {
      const NoGradGuard no_grad;
      model.count += 1;
      static_cast<void>(rand({2}));
    }
    if (throws) fail("forward", "out of order");
    return x * model.scale;
  });
  model.scale.requires_grad_(false);
  for (const bool fails : {false, true}) {
    throws = fails;
    model.train();
    const Generator::State before = default_generator().state();
    CHECK(error_of([&] {
            written(model, ones({2, 3}));
          }) == (fails ? "[forward] out of order (in Model)" : "no error"));
    CHECK(default_generator().state() == before);
    CHECK(model.is_training());
    CHECK(!model.scale.requires_grad());
    CHECK(!model.scale.grad().defined());
    CHECK(model.count.item<float>() == 0);
  }
}

TEST_CASE("what ONNX cannot say is refused, and an old file stays") {
  const TempFolder folder;
  const std::string path = folder / "model.onnx";
  nn::Linear good(3, 2);
  onnx::export_model(good, zeros({1, 3}), path);
  const std::string before = read_bytes(path);
  Model bad([](const Tensor& x) { return x.unique(); });
  CHECK(
      error_of([&] {
        onnx::export_model(bad, rand({2, 3}), path);
      }) ==
      "[onnx::export_model] expected operations that can be said in ONNX, got unique in the model");
  CHECK(read_bytes(path) == before);
}

TEST_CASE("an operation that ONNX cannot say is named, with the path of its module") {
  const auto square = [](const Tensor& x) { return x.t().matmul(x) + eye(3); };
  using Function = std::function<Tensor(const Tensor&)>;
  const std::pair<const char*, Function> all[] = {
      {"linalg.solve", [&](const Tensor& x) { return square(x).inverse(); }},
      {"linalg.solve", [&](const Tensor& x) { return linalg::inv(square(x)); }},
      {"linalg.solve", [&](const Tensor& x) { return linalg::solve(square(x), x.t()); }},
      {"linalg.solve", [&](const Tensor& x) { return linalg::matrix_power(square(x), -2); }},
      {"linalg.cholesky", [&](const Tensor& x) { return linalg::cholesky(square(x)); }},
      {"nonzero", [](const Tensor& x) { return x.relu().nonzero(); }},
      {"nonzero", [](const Tensor& x) { return x.relu().argwhere(); }},
      {"nonzero", [](const Tensor& x) { return x.masked_select(x > 1); }},
      {"nonzero", [](const Tensor& x) { return Tensor(x.index({x > 1})); }},
      {"nonzero", [](const Tensor& x) { return where(x > 1)[0]; }},
      {"nonzero", [](const Tensor& x) { return x.index_put({x > 1}, x.flatten().slice(0, 0, 4)); }},
      {"unique", [](const Tensor& x) { return x.unique(); }},
      {"unique", [](const Tensor& x) { return std::get<1>(x.unique(true, true)); }},
      {"unique", [](const Tensor& x) { return x.unique_consecutive(); }},
      {"bincount", [](const Tensor& x) { return x.abs().to(kInt64).flatten().bincount(); }},
      {"bernoulli", [](const Tensor& x) { return x.sigmoid().bernoulli(); }},
      {"multinomial", [](const Tensor& x) { return x.softmax(1).multinomial(1); }},
      {"bernoulli_", [](const Tensor& x) { return x.clone().bernoulli_(0.5); }},
      {"normal_", [](const Tensor& x) { return x.clone().normal_(); }},
      {"uniform_", [](const Tensor& x) { return x.clone().uniform_(); }},
      {"exponential_", [](const Tensor& x) { return x.clone().exponential_(); }},
      {"random_", [](const Tensor& x) { return x.clone().random_(5); }},
  };
  for (const auto& [op, f] : all) {
    CHECK(refusal(f, {.dynamic_batch = false}) ==
          text("[onnx::export_model] expected operations that can be said in ONNX, got ", op,
               " in 1"));
  }
  CHECK(refusal([](const Tensor& x) { return x + randn_like(x); }) ==
        "[onnx::export_model] expected values that can be followed from the model's input, got "
        "others [2, 3] in every run, as input of add in 1; they come from sizes, from values read "
        "by item() or data_ptr(), from memory changed under NoGradGuard, or from an operation that "
        "is not told");
}

TEST_CASE("options that only one number of samples can have are refused") {
  const auto refused = [](std::function<Tensor(const Tensor&)> f, const char* expected,
                          const char* op) {
    CHECK(refusal(f) == text("[onnx::export_model] expected ", expected, " in ", op, " in 1"));
    CHECK(refusal(f, {.dynamic_batch = false}) == "no error");
  };
  refused([](const Tensor& x) { return x.cumprod(0); }, "a dimension of one size", "cumprod");
  refused([](const Tensor& x) { return x.cummax(0).first; }, "a dimension of one size", "cummax");
  refused([](const Tensor& x) { return x.unfold(0, 2, 1); }, "a dimension of one size", "unfold");
  refused([](const Tensor& x) { return x.diagonal(); }, "dimensions of one size", "diagonal");
  refused([](const Tensor& x) { return x.t().diag_embed(); }, "dimensions of one size",
          "diag_embed");
  CHECK(refusal([](const Tensor& x) { return x.histc(3); }) ==
        "[onnx::export_model] expected a range that does not depend on values in histc in 1");
}

TEST_CASE("extrema of values written to one place need a newer set of operators") {
  const auto largest = [](const Tensor& x) {
    return x.scatter_reduce(1, zeros({x.size(0), 2}, {.dtype = kInt64}), x, "amax");
  };
  CHECK(refusal(largest) ==
        "[onnx::export_model] expected an opset from 18 to 20 for \"amax\" and \"amin\", got 17 in "
        "scatter_reduce in 1; set .opset = 18");
  CHECK(refusal(largest, {.opset = 18}) == "no error");
}

TEST_CASE("constants that were at one address are in the file, each") {
  Model model([](const Tensor& x) {
    Tensor y = x + full({4}, 1.0F);
    y = y + full({4}, 2.0F);
    return y;
  });
  const std::string bytes = written(model, randn({2, 4}));
  for (const float value : {1.0F, 2.0F}) {
    const float values[] = {value, value, value, value};
    CHECK(has(bytes, std::string(reinterpret_cast<const char*>(values), sizeof values)));
  }
}

TEST_CASE("control flow that depends on values is refused where it is seen") {
  CHECK(refusal([](const Tensor& x) { return x[0][0].item<float>() < 2 ? x.relu() : x.tanh(); }) ==
        "[onnx::export_model] expected the same operations for every input, got relu in 1 for one "
        "and tanh in 1 for another; control flow that depends on values or on the number of "
        "samples has no place in the file");
  CHECK(refusal([](const Tensor& x) { return x * x.sum().item<float>(); }) ==
        "[onnx::export_model] expected an option \"other\" that depends neither on values nor on "
        "the number of samples in mul in 1; what item() read is not followed: compute with the "
        "tensor instead");
  CHECK(refusal([](const Tensor& x) { return x + full({3}, x.sum().item<float>()); }) ==
        "[onnx::export_model] expected values that can be followed from the model's input, got "
        "others [3] in every run, as input of add in 1; they come from sizes, from values read by "
        "item() or data_ptr(), from memory changed under NoGradGuard, or from an operation that is "
        "not told");
  CHECK(refusal([](const Tensor& x) {
          return x.reshape({2, 3}).relu();
        }) ==
        "[onnx::export_model] expected a model that takes any number of samples, got for 3 of "
        "them: [reshape] expected sizes with 9 elements, as in [3, 3], got [2, 3] (in 1, a "
        "Model); set dynamic_batch = false for a file that takes as many as the example has");
  CHECK(refusal(
            [](const Tensor& x) {
              return x.reshape({2, 3}).relu();
            },
            {.dynamic_batch = false}) == "no error");
}

TEST_CASE("a branch on a threshold is refused, whichever way the example takes") {
  using Condition = bool (*)(const Tensor&);
  const Condition conditions[] = {
      [](const Tensor& x) { return x.sum().item<float>() > 0; },
      [](const Tensor& x) { return x.abs().max().item<float>() > 1; },
      [](const Tensor& x) { return x.softmax(1).max().item<float>() > 0.6; },
      [](const Tensor& x) { return x[0][1].item<float>() > x[0][0].item<float>(); },
  };
  const TempFolder folder;
  for (const Condition is_large : conditions) {
    Model model([=](const Tensor& x) { return is_large(x) ? x.relu() : x.tanh(); });
    for (uint64_t i = 0; i < 10; ++i) {
      manual_seed(i);
      for (const Tensor& x : {randn({3, 4}), rand({3, 4}), -rand({1, 4})}) {
        for (const bool dynamic : {true, false}) {
          CHECK(has(error_of([&] { written(model, x, {.dynamic_batch = dynamic}); }),
                    "expected the same operations for every input"));
        }
      }
    }
  }
  // Sizes, too, in a file of one number of samples.
  CHECK(refusal([](const Tensor& x) { return x.narrow(1, 0, x[0][0].item<float>() > 2 ? 1 : 2); },
                {.dynamic_batch = false}) ==
        "[onnx::export_model] expected sizes that do not depend on values, got others in every run "
        "in slice in 1");
}

TEST_CASE("a branch on a sign is refused for an example of zeros") {
  Model model([](const Tensor& x) { return x.min().item<float>() < 0 ? x.relu() : x.tanh(); });
  for (const bool dynamic : {true, false}) {
    CHECK(has(error_of([&] {
                written(model, zeros({3, 4}), {.dynamic_batch = dynamic});
              }),
              "expected the same operations for every input"));
  }
}

TEST_CASE("a model that refuses values unlike those of the example is exported") {
  CHECK(refusal([](const Tensor& x) {
          if (x.abs().max().item<float>() > 10 || x.abs().max().item<float>() < 1)
            fail("forward", "expected values of a usual size");
          return x.relu();
        }) == "no error");
}

TEST_CASE("pooling does not hide that a model takes images of one size only") {
  nn::Sequential fixed(nn::MaxPool2d(2), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(49, 2));
  nn::Sequential open(nn::MaxPool2d(2), nn::MaxPool2d(2), nn::AdaptiveAvgPool2d(1));
  const auto error = [](nn::Module& net) {
    return error_of([&] { written(net, rand({1, 1, 28, 28}), {.batch_dim = 2}); });
  };
  CHECK(has(error(fixed), "expected a model that takes any number of samples, got for 93 of them"));
  CHECK(error(open) == "no error");
}

TEST_CASE("arguments are checked first") {
  nn::Linear net(3, 2);
  const TempFolder folder;
  const auto error = [&](const Tensor& x, const onnx::ExportOptions& options = {}) {
    return error_of([&] { onnx::export_model(net, x, folder / "x.onnx", options); });
  };
  CHECK(error(Tensor()) ==
        "[onnx::export_model] expected an example input, got an undefined tensor");
  CHECK(error(zeros({0, 3})) ==
        "[onnx::export_model] expected an example input with elements, got one of shape [0, 3]");
  CHECK(error(zeros({1, 3}), {.opset = 16}) ==
        "[onnx::export_model] expected an opset from 17 to 20, got 16");
  CHECK(error(zeros({1, 3}), {.input_names = {"a", "b"}}) ==
        "[onnx::export_model] expected at most 1 names of inputs, got 2");
  CHECK(error(zeros({1, 3}), {.input_names = {"a"}, .output_names = {"a"}}) ==
        "[onnx::export_model] expected names of inputs and outputs that differ, got \"a\" twice");
  for (const onnx::ExportOptions& options :
       {onnx::ExportOptions{.input_names = {""}}, onnx::ExportOptions{.input_names = {"\xff"}},
        onnx::ExportOptions{.output_names = {""}}, onnx::ExportOptions{.output_names = {"\xff"}},
        onnx::ExportOptions{.producer = ""}, onnx::ExportOptions{.producer = "\xff"}}) {
    CHECK(has(error(zeros({1, 3}), options), "UTF-8 and not empty, got \""));
  }
  CHECK(error_of([&] {
          onnx::export_model(net, zeros({1, 3}), folder / "no/x.onnx");
        }) == "[onnx::export_model] " + folder / "no/x.onnx" + ": cannot open the folder \"" +
                  folder / "no" + "\": No such file or directory; make it first");
  CHECK(error(zeros({1, 4})) ==
        "[linear] expected an input of shape [*, 3] for a weight of shape [2, 3], got [2, 4] (in "
        "Linear)");
}
