#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/strict_warnings.h"

using namespace norma;

TEST_CASE("Lazy layers print as such, and as the layer after the first call") {
  nn::LazyLinear linear(3);
  CHECK(linear.str() == "LazyLinear(in_features=0, out_features=3, bias=True)");
  CHECK(linear(zeros({2, 5})).sizes() == Shape{2, 3});
  CHECK(linear.str() == "Linear(in_features=5, out_features=3, bias=True)");
  CHECK(linear.parameters()[0].sizes() == Shape{3, 5});

  const auto becomes = [](nn::Module&& layer, const Tensor& input) {
    const std::string before = layer.str();
    layer(input);
    return before + " → " + layer.str();
  };
  CHECK(becomes(nn::LazyConv2d(4, 3, {.padding = 1}), zeros({1, 2, 5, 5})) ==
        "LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)) → Conv2d(2, 4, "
        "kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))");
  CHECK(becomes(nn::LazyConv1d(4, 3, {.groups = 2}), zeros({2, 5})) ==
        "LazyConv1d(0, 4, kernel_size=(3,), stride=(1,), groups=2) → Conv1d(2, 4, "
        "kernel_size=(3,), stride=(1,), groups=2)");
  CHECK(becomes(nn::LazyConvTranspose2d(4, 3), zeros({1, 2, 5, 5})) ==
        "LazyConvTranspose2d(0, 4, kernel_size=(3, 3), stride=(1, 1)) → ConvTranspose2d(2, 4, "
        "kernel_size=(3, 3), stride=(1, 1))");
  CHECK(becomes(nn::LazyConvTranspose1d(4, 3), zeros({1, 2, 5})) ==
        "LazyConvTranspose1d(0, 4, kernel_size=(3,), stride=(1,)) → ConvTranspose1d(2, 4, "
        "kernel_size=(3,), stride=(1,))");
  CHECK(becomes(nn::LazyBatchNorm1d({.affine = false}), zeros({2, 3})) ==
        "LazyBatchNorm1d(0, eps=1e-05, momentum=0.1, affine=False, bias=False, "
        "track_running_stats=True) → BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=False, "
        "bias=False, track_running_stats=True)");
  CHECK(has(becomes(nn::LazyBatchNorm2d(), zeros({2, 3, 2, 2})), "→ BatchNorm2d(3, "));
  CHECK(has(becomes(nn::LazyBatchNorm3d(), zeros({2, 3, 2, 2, 2})), "→ BatchNorm3d(3, "));
}

TEST_CASE("Lazy layers in a model: nothing is listed before a dry forward, all of it after") {
  const StrictWarnings strict;
  nn::Sequential net(nn::LazyConv2d(4, 3), nn::LazyBatchNorm2d(), nn::ReLU(), nn::Flatten(),
                     nn::LazyLinear(2, {.bias = false}));
  const std::string first =
      "expected a model whose sizes are known, got a LazyConv2d \"0\" that was never called; run a "
      "dry forward of the model, such as net(zeros({1, …})), before anything that asks for its "
      "parameters or its state";
  CHECK(error_of([&] { net.parameters(); }) == "[parameters] " + first);
  CHECK(error_of([&] { net.named_parameters(); }) == "[parameters] " + first);
  CHECK(error_of([&] { net.state_dict(); }) == "[parameters] " + first);
  CHECK(error_of([&] { nn::LazyLinear(2).parameters(); }) ==
        "[parameters] expected a model whose sizes are known, got a LazyLinear that was never "
        "called; run a dry forward of the model, such as net(zeros({1, …})), before anything that "
        "asks for its parameters or its state");
  net.eval();
  net(zeros({1, 1, 5, 5}));
  CHECK(net.parameters().size() == 5);
  CHECK(net.named_parameters()[4].first == "4.weight");
  CHECK(net.str() ==
        "Sequential(\n  (0): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))\n"
        "  (1): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=True)\n  (2): ReLU()\n"
        "  (3): Flatten(start_dim=1, end_dim=-1)\n"
        "  (4): Linear(in_features=36, out_features=2, bias=False)\n)");
  for (const nn::Module* module : net.modules()) CHECK_FALSE(module->is_training());
  CHECK(dynamic_cast<nn::Conv2d*>(net.modules()[1]));
  net.train();
  const Tensor x = randn({3, 1, 5, 5});
  net(x).sum().backward();
  for (const Tensor& p : net.parameters()) CHECK(p.grad().defined());

  nn::Sequential copy = net.clone();
  copy.eval(), net.eval();
  CHECK(equal(copy(x), net(x)));
  CHECK_FALSE(copy.parameters()[0].is_same(net.parameters()[0]));
  CHECK(error_of([&] {
          net(zeros({1, 2, 5, 5}));
        }) ==
        "[conv2d] Given groups=1, weight of size [4, 1, 3, 3], expected input[1, 2, 5, 5] to have "
        "1 channels, but got 2 channels instead (in 0, a Conv2d)");
}

TEST_CASE("Lazy layers are shared by their handles, and draw as the layer does") {
  struct Net : nn::Module {
    nn::LazyLinear fc;
    Net() : fc(3) { register_module("fc", fc); }
    Tensor forward(const Tensor& x) override { return fc(x); }
  } net;
  manual_seed(5);
  net(zeros({1, 4}, {.dtype = kFloat64}));
  CHECK(net.fc.str() == "Linear(in_features=4, out_features=3, bias=True)");
  CHECK(net.named_parameters()[0].first == "fc.weight");
  CHECK(net.parameters()[0].is_same(net.fc.parameters()[0]));
  CHECK(net.parameters()[0].dtype() == kFloat64);
  manual_seed(5);
  const nn::Linear same(4, 3);
  CHECK(equal(net.parameters()[0].to(kFloat32), same.weight));
  CHECK(error_of([&] { net(zeros({1, 5}, {.dtype = kFloat64})); }).ends_with("(in fc, a Linear)"));
}

TEST_CASE("Lazy layers become what a state says") {
  nn::Sequential known(nn::Conv2d(2, 4, 3, {.groups = 2}), nn::BatchNorm2d(4), nn::ReLU(),
                       nn::ConvTranspose2d(4, 2, 2), nn::Flatten(), nn::Linear(32, 3));
  nn::Sequential lazy(nn::LazyConv2d(4, 3, {.groups = 2}), nn::LazyBatchNorm2d(), nn::ReLU(),
                      nn::LazyConvTranspose2d(2, 2), nn::Flatten(), nn::LazyLinear(3));
  lazy.load_state_dict(known.state_dict());
  CHECK(lazy.str() == known.str());
  lazy.eval(), known.eval();
  const Tensor x = randn({1, 2, 5, 5});
  CHECK(equal(lazy(x), known(x)));
  nn::LazyLinear other(3);
  CHECK(has(error_of([&] { other.load_state_dict({}); }), "[parameters] expected a model whose"));
  CHECK(has(error_of([&] {
              other.load_state_dict({{"weight", zeros({3, 2, 2})}});
            }),
            "[parameters] expected a model whose"));
  CHECK(error_of([&] { other.load_state_dict(nn::Linear(4, 2).state_dict()); }) ==
        "[load_state_dict] Error(s) in loading state_dict for LazyLinear:\n"
        "\tsize mismatch for weight: copying a param with shape [2, 4] from checkpoint, the shape "
        "in current model is [3, 4].\n"
        "\tsize mismatch for bias: copying a param with shape [2] from checkpoint, the shape in "
        "current model is [3].");
}

TEST_CASE("Lazy layers: errors leave them as they are, clones of the unknown are unknown") {
  nn::LazyConv2d conv(4, 3, {.groups = 2});
  CHECK(error_of([&] {
          conv.forward(zeros({1, 3, 5, 5}));
        }) == "[Conv2d] in_channels must be divisible by groups, got in_channels=3 and groups=2");
  CHECK(
      error_of([&] {
        conv.forward(zeros({3, 5}));
      }) ==
      "[LazyConv2d] Expected 3D (unbatched) or 4D (batched) input, but got input of size: [3, 5]");
  CHECK(error_of([&] { conv.forward(Tensor()); }) ==
        "[LazyConv2d] expected a tensor, got an undefined one");
  CHECK(error_of([] { nn::LazyBatchNorm1d().forward(zeros({3})); }) ==
        "[LazyBatchNorm1d] expected an input of at least 2 dimensions, got [3]");
  CHECK(error_of([] { nn::LazyLinear(2).forward(zeros({})); }) ==
        "[LazyLinear] expected an input of at least 1 dimensions, got []");
  CHECK(error_of([] { nn::LazyConv1d(3, 2, {.groups = 2}); }) ==
        "[Conv1d] out_channels must be divisible by groups, got out_channels=3 and groups=2");
  CHECK(error_of([] { nn::LazyLinear(-1); }) ==
        "[Linear] expected out_features of at least 0, got -1");
  nn::LazyConv2d copy = conv.clone();
  CHECK(copy.str() == conv.str());
  copy(zeros({1, 2, 5, 5}));
  CHECK(has(conv.str(), "LazyConv2d(0"));
}

TEST_CASE("Lazy layers: a load that fails leaves them, and `to` holds when they are loaded") {
  const NamedTensors state = nn::Linear(2, 3).state_dict();
  nn::LazyLinear other(4), same(3), wide(3);
  CHECK(error_of([&] { other.load_state_dict(state); }) != "no error");
  CHECK(has(other.str(), "LazyLinear("));
  same.check_state_dict(state);
  CHECK(has(same.str(), "LazyLinear("));
  wide.to(kFloat64);
  nn::LazyLinear copy = wide.clone();
  wide.load_state_dict(state);
  copy.load_state_dict(state);
  CHECK(wide.parameters()[0].dtype() == kFloat64);
  CHECK(copy.parameters()[0].dtype() == kFloat64);
}
