#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace F = norma::functional;

namespace {

constexpr PaddingMode kModes[] = {PaddingMode::Constant, PaddingMode::Reflect,
                                  PaddingMode::Replicate, PaddingMode::Circular};

std::vector<double> line(const std::vector<int64_t>& pad, PaddingMode mode,
                         DType dtype = kFloat32) {
  return to_vector(F::pad(arange(4).to(dtype).reshape({1, 4}), pad, mode));
}

}  // namespace

TEST_CASE("pad: one dimension in every mode, with and without cells taken away") {
  for (const DType dtype : {kFloat32, kInt64}) {
    using V = std::vector<double>;
    CHECK(line({1, 2}, PaddingMode::Constant, dtype) == V{0, 0, 1, 2, 3, 0, 0});
    CHECK(line({2, 3}, PaddingMode::Reflect, dtype) == V{2, 1, 0, 1, 2, 3, 2, 1, 0});
    CHECK(line({1, 2}, PaddingMode::Replicate, dtype) == V{0, 0, 1, 2, 3, 3, 3});
    CHECK(line({1, 2}, PaddingMode::Circular, dtype) == V{3, 0, 1, 2, 3, 0, 1});
    CHECK(line({-1, 2}, PaddingMode::Constant, dtype) == V{1, 2, 3, 0, 0});
    CHECK(line({-1, 2}, PaddingMode::Reflect, dtype) == V{1, 2, 3, 2, 1});
    CHECK(line({-4, 2}, PaddingMode::Reflect, dtype) == V{2, 1});
    CHECK(line({-5 + 1, 5}, PaddingMode::Replicate, dtype) == V{3, 3, 3, 3, 3});
    CHECK(line({-1, 2}, PaddingMode::Circular, dtype) == V{1, 2, 3, 1, 2});
    CHECK(line({-1, -3}, PaddingMode::Constant, dtype).empty());
  }
  CHECK(to_vector(F::pad(tensor({true}), {1, 1}, PaddingMode::Constant, 1)) ==
        std::vector<double>{1, 1, 1});
  CHECK(to_vector(F::pad(tensor({1, 2}), {1, 0}, PaddingMode::Constant, 2.7)) ==
        std::vector<double>{2, 1, 2});
  CHECK(F::pad(tensor({1, 2}), {1, 0}).dtype() == kInt64);
}

TEST_CASE("pad: any number of dimensions") {
  const Tensor x = arange(1, 25).to(kFloat32).reshape({1, 2, 3, 2, 2});
  const Tensor y = F::pad(x, {0, 1, 1, 0, 2, 0, 0, 1}, PaddingMode::Constant, 0.5);
  CHECK(y.sizes() == Shape{1, 3, 5, 3, 3});
  CHECK(equal(y.slice(1, 0, 2).slice(2, 2, 5).slice(3, 1, 3).slice(4, 0, 2), x));
  CHECK(y.sum().item<double>() == x.sum().item<double>() + 0.5 * double(y.numel() - x.numel()));
  for (const PaddingMode mode : kModes) {
    // Three dimensions: the last two first, then the third.
    const Tensor in_plane = F::pad(x.reshape({2, 3, 2, 2}), {1, 1, 1, 0}, mode);
    const Tensor whole = F::pad(x, {1, 1, 1, 0, 1, 2}, mode);
    CHECK(whole.sizes() == Shape{1, 2, 6, 3, 4});
    CHECK(equal(whole.slice(2, 1, 4).reshape({2, 3, 3, 4}), in_plane));
    CHECK(equal(F::pad(x[0], {1, 1, 1, 0, 1, 2}, mode), whole[0]));
  }
  // 3 × 4 with everything.
  const Tensor z = randn({2, 3, 4});
  const Tensor same = F::pad(z, {});
  CHECK(equal(same, z));
  CHECK_FALSE(same.is_same(z));
}

TEST_CASE("pad: derivatives") {
  manual_seed(1);
  for (const PaddingMode mode : kModes) {
    for (const std::vector<int64_t>& pad :
         {std::vector<int64_t>{1, 2}, {-1, 1}, {1, 1, 0, 2}, {1, -1, 2, 1}, {1, 1, 1, 0, 0, 1}}) {
      const auto axes = static_cast<int64_t>(pad.size() / 2);
      Shape sizes{2, 3, 3, 3};
      while (sizes.size() > axes + 1) sizes.erase(0);
      CHECK(gradient_error([&](const auto& x) { return F::pad(x[0], pad, mode); },
                           {random_leaf(sizes)}) == "");
    }
  }
  CHECK(gradient_error(
            [](const auto& x) {
              return F::pad(x[0], {1, 2, 0, 1}, PaddingMode::Constant, 3);
            },
            {random_leaf({2, 3})}) == "");
}

TEST_CASE("pad: errors") {
  const auto message = [](const Tensor& x, const std::vector<int64_t>& pad,
                          PaddingMode mode = PaddingMode::Constant) {
    return error_of([&] { F::pad(x, pad, mode); });
  };
  const Tensor x = zeros({2, 3});
  CHECK(message(x, {1}) == "[pad] Padding length must be divisible by 2, got 1");
  CHECK(message(x, {1, 1, 1, 1, 1, 1}) ==
        "[pad] Padding length should be less than or equal to two times the input dimension but "
        "got padding length 6 and input of dimension 2");
  CHECK(message(x, {1, 1, 1, 1}, PaddingMode::Reflect) ==
        "[pad] Padding size 4 is not supported for 2D input tensor; modes other than constant take "
        "2 numbers for 2D or 3D input, 4 for 3D or 4D, 6 for 4D or 5D");
  CHECK(message(x, {-2, -2}) ==
        "[pad] expected padding that takes away no more cells than there are, got (-2, -2) for "
        "dimension 1 of [2, 3]");
  CHECK(message(x, {-4, 5}) ==
        "[pad] expected padding that takes away no more cells than there are, got (-4, 5) for "
        "dimension 1 of [2, 3]");
  CHECK(message(x, {3, 0}, PaddingMode::Reflect) ==
        "[pad] Padding size should be less than the corresponding input dimension, but got (3, 0) "
        "for dimension 1 of [2, 3]");
  CHECK(message(x, {4, 0}, PaddingMode::Circular) ==
        "[pad] Padding value causes wrapping around more than once, got (4, 0) for dimension 1 of "
        "[2, 3]");
  CHECK(message(x, {-2, 2}, PaddingMode::Circular) ==
        "[pad] Padding value causes wrapping around more than once, got (-2, 2) for dimension 1 of "
        "[2, 3]");
  CHECK(message(zeros({2, 0}), {1, 1}, PaddingMode::Replicate) ==
        "[pad] expected a dimension that is not empty to repeat the edge of, got (1, 1) for "
        "dimension 1 of [2, 0]");
  CHECK(error_of([&] {
          F::pad(x, {1, 1}, PaddingMode::Reflect, 0);
        }) == "[pad] expected a value with PaddingMode::Constant alone, got one with another mode");
  CHECK(message(Tensor(), {1, 1}) ==
        "[pad] expected a defined tensor, got an undefined one; Tensor() is undefined, and so is "
        "grad() before backward()");
}
