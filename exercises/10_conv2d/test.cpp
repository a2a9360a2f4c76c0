#include <conv2d.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using norma::Tensor, norma::tensor;
using norma::testing::difference;

// Says what was expected, what came and, where it is a known mistake, the idea that is missing.
void expect(const std::string& what, const Tensor& got, const Tensor& expected,
            const std::vector<std::pair<Tensor, const char*>>& mistakes = {}) {
  std::string idea = difference(got, expected);
  if (idea.empty()) return;
  for (const auto& [result, missing] : mistakes) {
    if (difference(got, result).empty()) idea = missing;
  }
  norma::fail(what, "expected\n", expected, "\ngot\n", got, "\n", idea);
}

Tensor right(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride = 1,
             int64_t padding = 0) {
  return norma::functional::conv2d(x, weight, bias, {.stride = stride, .padding = padding});
}

// Whole numbers, so that all sums are exact.
Tensor numbers(const norma::Shape& sizes) {
  return norma::randint(-4, 5, sizes).to(norma::kFloat32);
}

void check_size(const Tensor& got, const Tensor& expected) {
  if (got.sizes() == expected.sizes()) return;
  norma::fail("conv2d", "expected a result of shape ", expected.sizes(), ", got ", got.sizes(),
              ": the kernel fits (H + 2 padding - kH) / stride + 1 times into a column, rounded "
              "down, and likewise into a row");
}

int main() try {
  const Tensor picture = norma::arange(1.0, 10.0).reshape({1, 1, 3, 3}), none = tensor({0.0});
  const Tensor kernel = tensor({{1.0, 2.0}, {0.0, 3.0}}).reshape({1, 1, 2, 2});
  const Tensor first = mine::conv2d(picture, kernel, none, 1, 0);
  check_size(first, right(picture, kernel, none));
  expect("conv2d of one picture and one kernel", first, right(picture, kernel, none),
         {{right(picture, tensor({{3.0, 0.0}, {2.0, 1.0}}).reshape({1, 1, 2, 2}), none),
           "your kernel is turned round, as mathematicians define a convolution. In networks it "
           "lies on the picture as it is"},
          {right(picture, kernel.transpose(2, 3), none),
           "rows and columns of the kernel are mixed up"}});

  norma::manual_seed(0);
  const Tensor x = numbers({2, 3, 5, 6}), weight = numbers({2, 3, 3, 2}), bias = numbers({2}) + 0.5;
  const Tensor y = right(x, weight, bias), yours = mine::conv2d(x, weight, bias, 1, 0);
  check_size(yours, y);
  const char* per_product =
      "the bias is added with each product; it belongs to the kernel, and is added once";
  expect("conv2d of two samples with three channels, two kernels", yours, y,
         {{right(x, weight, Tensor()), "the bias of each kernel is missing"},
          {right(x, weight, Tensor()) + 3.0 * bias.reshape({2, 1, 1}),
           "the bias is added once per channel; it belongs to the kernel, and is added once"},
          {right(x, weight, Tensor()) + 18.0 * bias.reshape({2, 1, 1}), per_product},
          {y + 18.0 * bias.reshape({2, 1, 1}), per_product},
          {right(x.narrow(1, 0, 1), weight.narrow(1, 0, 1), bias),
           "only the first channel counts: a kernel has a part for each channel, and all are "
           "added up"},
          {right(x.narrow(1, 2, 1), weight.narrow(1, 2, 1), bias),
           "only the last channel counts: add up over all channels, with += and one sum"}});

  // One sample, so that little is printed. Every second row and column, with zeros behind, is what
  // (i + a) · stride reads; padding three times more than asked for has + padding in it.
  const Tensor one = x.narrow(0, 0, 1), every_second = one.slice(2, 0, 5, 2).slice(3, 0, 6, 2);
  const Tensor by_two = mine::conv2d(one, weight, bias, 2, 0);
  check_size(by_two, right(one, weight, bias, 2, 0));
  expect(
      "conv2d with stride 2", by_two, right(one, weight, bias, 2, 0),
      {{y.narrow(0, 0, 1).slice(2, 0, 2).slice(3, 0, 3),
        "the size is right, but the kernel moves by one place, not by two"},
       {right(norma::functional::pad(every_second, {0, 1, 0, 1}), weight, bias),
        "only the kernel moves by the stride; under it, pixels lie side by side: i · stride + a, "
        "not (i + a) · stride"}});

  const Tensor padded = mine::conv2d(one, weight, bias, 1, 1);
  check_size(padded, right(one, weight, bias, 1, 1));
  expect("conv2d with padding 1", padded, right(one, weight, bias, 1, 1),
         {{right(one, weight, bias, 1, 3).slice(2, 4, 9).slice(3, 4, 11),
           "the sign is wrong: the first place of the kernel lies in the padding, before row 0: "
           "i + a - padding"}});
  check_size(mine::conv2d(one, weight, bias, 2, 1), right(one, weight, bias, 2, 1));
  expect("conv2d with stride 2 and padding 1", mine::conv2d(one, weight, bias, 2, 1),
         right(one, weight, bias, 2, 1));

  const Tensor turned = x.transpose(2, 3);  // a view: the same memory, read in another order
  expect("conv2d of a transposed x", mine::conv2d(turned, weight, bias, 1, 0),
         right(turned, weight, bias),
         {{right(x.reshape(turned.sizes()), weight, bias),
           "x is read as if its rows lay in memory one after the other; at() looks up where they "
           "lie"}});
  std::puts("Passed: sizes, channels, bias, stride and padding.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
