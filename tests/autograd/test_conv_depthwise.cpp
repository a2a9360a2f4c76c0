// Convolutions with one input or output channel per group, against the loops.
#include <norma/norma.h>

#include <limits>
#include <vector>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/oracle.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

struct Case {
  Shape x, w;
  functional::ConvOptions options;
};

struct Results {
  Tensor y, dx, dw, db;
};

Results run(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& dy, const Case& c) {
  const Tensor x_leaf = x.clone().requires_grad_(), w_leaf = w.clone().requires_grad_();
  const Tensor b_leaf = b.clone().requires_grad_();
  const Tensor y = functional::conv2d(x_leaf, w_leaf, b_leaf, c.options);
  y.backward(dy);
  return {y.detach(), x_leaf.grad(), w_leaf.grad(), b_leaf.grad()};
}

void check(const Case& c, DType dtype) {
  INFO("x " << c.x << " w " << c.w << " stride " << c.options.stride.str() << " padding "
            << c.options.padding.str() << " dilation " << c.options.dilation.str() << " groups "
            << c.options.groups << ' ' << dtype_name(dtype) << ", " << get_num_threads()
            << " threads");
  const Tensor x = randn(c.x, {.dtype = dtype}), w = randn(c.w, {.dtype = dtype});
  const Tensor b = randn({c.w[0]}, {.dtype = dtype});
  const Tensor dy = randn(functional::conv2d(x, w, b, c.options).sizes(), {.dtype = dtype});
  const Results got = run(x, w, b, dy, c);
  const oracle::Conv want = oracle::conv2d(x, w, b, c.options, to_vector(dy));
  const double tolerance = dtype == kFloat64 ? 1e-11 : 2e-4;
  CHECK(worst_error(to_vector(got.y), want.y) < tolerance);
  CHECK(worst_error(to_vector(got.dx), want.dx) < tolerance);
  CHECK(worst_error(to_vector(got.dw), want.dw) < tolerance);
  CHECK(worst_error(to_vector(got.db), want.db) < tolerance);
}

}  // namespace

TEST_CASE("depthwise convolutions and their gradients equal the loops") {
  manual_seed(1);
  const Case cases[] = {
      {{2, 5, 7, 7}, {5, 1, 5, 5}, {.padding = 2, .groups = 5}},
      {{3, 4, 14, 14}, {4, 1, 3, 3}, {.padding = 1, .groups = 4}},
      {{2, 3, 9, 70}, {3, 1, 3, 3}, {.padding = 1, .groups = 3}},  // rows of a tile and more
      {{1, 2, 20, 131}, {2, 1, 3, 5}, {.stride = {2, 1}, .padding = {1, 2}, .groups = 2}},
      {{1, 3, 190, 200}, {3, 1, 7, 7}, {.padding = 3, .groups = 3}},  // several panels
      {{1, 2, 180, 233}, {2, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 2}},
      {{2, 3, 17, 19}, {3, 1, 3, 3}, {.stride = {2, 3}, .dilation = {3, 2}, .groups = 3}},
      {{2, 3, 17, 19}, {3, 1, 4, 2}, {.stride = 4, .padding = 3, .dilation = 2, .groups = 3}},
      {{2, 3, 5, 6}, {3, 1, 2, 2}, {.stride = 5, .padding = 4, .groups = 3}},
      {{2, 3, 13, 11}, {9, 1, 3, 3}, {.padding = 1, .groups = 3}},  // several outputs of a channel
      {{2, 3, 13, 11}, {6, 1, 3, 3}, {.stride = 2, .groups = 3}},
      {{2, 6, 13, 11}, {1, 6, 3, 3}, {.padding = 1}},  // one output of several channels
      {{2, 6, 70, 75}, {2, 3, 3, 3}, {.stride = 2, .padding = 1, .groups = 2}},
      {{2, 6, 8, 9}, {1, 6, 1, 1}, {}},
      {{2, 1, 12, 12}, {1, 1, 5, 5}, {.padding = 2}},
      {{2, 4, 1, 150}, {4, 1, 1, 31}, {.padding = {0, 15}, .groups = 4}},  // signals
      {{2, 4, 1, 40}, {4, 1, 1, 5}, {.stride = {1, 3}, .groups = 4}},
      {{1, 2, 1, 70'000}, {2, 1, 1, 9}, {.padding = {0, 4}, .groups = 2}},
      {{2, 3, 30, 1}, {3, 1, 3, 1}, {.padding = {1, 0}, .groups = 3}},
  };
  for (const Case& c : cases) {
    for (const int threads : {1, 3}) {
      const ThreadCount guard(threads);
      check(c, kFloat32);
      check(c, kFloat64);
    }
  }
}

TEST_CASE("depthwise convolutions keep what is not finite where it is seen") {
  manual_seed(2);
  const Case c{{2, 3, 6, 9}, {3, 1, 3, 3}, {.padding = 1, .groups = 3}};
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor w = randn(c.w), b = randn({3}), dy = randn({2, 3, 6, 9});
  for (const double value : {inf, std::nan("")}) {
    // The corners are seen by four positions of the kernel each.
    const Tensor x = randn(c.x);
    x.select(0, 0).select(0, 1).select(0, 0).select(0, 0).fill_(value);
    x.select(0, 1).select(0, 2).select(0, 5).select(0, 8).fill_(value);
    const Results got = run(x, w, b, dy, c);
    const oracle::Conv want = oracle::conv2d(x, w, b, c.options, to_vector(dy));
    CHECK(mismatch(got.y, tensor_of(want.y, c.x, kFloat32), 1e-5, 1e-5) == "");
    CHECK(mismatch(got.dx, tensor_of(want.dx, c.x, kFloat32), 1e-5, 1e-5) == "");
    CHECK(mismatch(got.dw, tensor_of(want.dw, c.w, kFloat32), 1e-5, 1e-5) == "");
  }
}
