#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;
namespace F = norma::functional;

TEST_CASE("Padding layers pad, print and clone as in PyTorch") {
  const Tensor x = arange(24).to(kFloat32).reshape({1, 2, 3, 4});
  const auto pads = [](nn::Module& layer, const Tensor& input, const std::vector<int64_t>& pad,
                       PaddingMode mode) {
    const Tensor want = F::pad(input, pad, mode);
    CHECK(equal(layer(input), want));
    CHECK(equal((*layer.clone_module())(input), want));
    CHECK(layer.state_dict().empty());
    return layer.str();
  };
  nn::ZeroPad1d zero1(1);
  CHECK(pads(zero1, x[0], {1, 1}, PaddingMode::Zeros) == "ZeroPad1d((1, 1))");
  nn::ZeroPad2d zero2({1, 2, 3, -1});
  CHECK(pads(zero2, x, {1, 2, 3, -1}, PaddingMode::Zeros) == "ZeroPad2d((1, 2, 3, -1))");
  nn::ZeroPad3d zero3(1);
  CHECK(pads(zero3, x, {1, 1, 1, 1, 1, 1}, PaddingMode::Zeros) == "ZeroPad3d((1, 1, 1, 1, 1, 1))");
  nn::ReflectionPad1d reflect1({2, 1});
  CHECK(pads(reflect1, x[0], {2, 1}, PaddingMode::Reflect) == "ReflectionPad1d((2, 1))");
  nn::ReflectionPad2d reflect2(2);
  CHECK(pads(reflect2, x, {2, 2, 2, 2}, PaddingMode::Reflect) == "ReflectionPad2d((2, 2, 2, 2))");
  nn::ReflectionPad3d reflect3(1);
  CHECK(pads(reflect3, x.unsqueeze(0), {1, 1, 1, 1, 1, 1}, PaddingMode::Reflect) ==
        "ReflectionPad3d((1, 1, 1, 1, 1, 1))");
  nn::ReplicationPad1d replicate1(2);
  CHECK(pads(replicate1, x[0], {2, 2}, PaddingMode::Replicate) == "ReplicationPad1d((2, 2))");
  nn::ReplicationPad2d replicate2(2);
  CHECK(pads(replicate2, x, {2, 2, 2, 2}, PaddingMode::Replicate) ==
        "ReplicationPad2d((2, 2, 2, 2))");
  nn::ReplicationPad3d replicate3({1, 1, 2, 2, 0, 3});
  CHECK(pads(replicate3, x.unsqueeze(0), {1, 1, 2, 2, 0, 3}, PaddingMode::Replicate) ==
        "ReplicationPad3d((1, 1, 2, 2, 0, 3))");
  nn::CircularPad1d circular1(1);
  CHECK(pads(circular1, x[0], {1, 1}, PaddingMode::Circular) == "CircularPad1d((1, 1))");
  nn::CircularPad2d circular2(1);
  CHECK(pads(circular2, x, {1, 1, 1, 1}, PaddingMode::Circular) == "CircularPad2d((1, 1, 1, 1))");
  nn::CircularPad3d circular3(1);
  CHECK(pads(circular3, x.unsqueeze(0), {1, 1, 1, 1, 1, 1}, PaddingMode::Circular) ==
        "CircularPad3d((1, 1, 1, 1, 1, 1))");
}

TEST_CASE("ConstantPad takes its value in the type it was given") {
  nn::ConstantPad1d one({2, 1}, 3);
  CHECK(one.str() == "ConstantPad1d(padding=(2, 1), value=3)");
  nn::ConstantPad2d two(2, 3.5);
  CHECK(two.str() == "ConstantPad2d(padding=(2, 2, 2, 2), value=3.5)");
  nn::ConstantPad3d three(1, 0);
  CHECK(three.str() == "ConstantPad3d(padding=(1, 1, 1, 1, 1, 1), value=0)");
  const Tensor x = randn({1, 2, 3});
  CHECK(equal(one(x), F::pad(x, {2, 1}, PaddingMode::Constant, 3)));
  CHECK(equal(two.clone()(x), F::pad(x, {2, 2, 2, 2}, PaddingMode::Constant, 3.5)));
  CHECK(three.clone()(x).sizes() == Shape{3, 4, 5});
  CHECK(two.padding() == std::vector<int64_t>{2, 2, 2, 2});
  CHECK(two.value().to<double>() == 3.5);
}

TEST_CASE("Padding layers refuse other counts of numbers and other ranks") {
  CHECK(error_of([] {
          nn::ReflectionPad2d({1, 2});
        }) == "[ReflectionPad2d] expected padding of one number or 4, got [1, 2]");
  CHECK(error_of([] {
          nn::ConstantPad1d({1, 2, 3}, 1);
        }) == "[ConstantPad1d] expected padding of one number or 2, got [1, 2, 3]");
  nn::ReflectionPad2d layer(1);
  CHECK(error_of([&] {
          layer.forward(zeros({3, 4}));
        }) ==
        "[pad] Padding size 4 is not supported for 2D input tensor; modes other than constant take "
        "2 numbers for 2D or 3D input, 4 for 3D or 4D, 6 for 4D or 5D");
}
