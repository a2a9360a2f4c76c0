#include <norma/norma.h>

#include "norma/tests/optim/golden_optim.h"
#include "norma/tests/optim/support.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using optim::clip_grad_norm_;
using optim::clip_grad_value_;

TEST_CASE("clip_grad_norm_ gives PyTorch's numbers") {
  for (const ClipGolden& golden : kClipGolden) {
    CAPTURE(golden.max_norm, golden.norm_type);
    for (DType dtype : {kFloat64, kFloat32}) {
      Tensor a = start(0, 5, dtype), b = start(1, 3, dtype), without = start(0, 2, dtype);
      a.set_grad(gradient(0, 0, 5, dtype));
      b.set_grad(gradient(0, 1, 3, dtype));
      std::vector<double> seen{clip_grad_norm_({a, without, b}, golden.max_norm, golden.norm_type)};
      append(seen, a.grad());
      append(seen, b.grad());
      CHECK(worst(seen, golden.values, 1e-6) < (dtype == kFloat64 ? 1e-12 : 1e-6));
      CHECK(!without.grad().defined());
    }
  }
}

TEST_CASE("clip_grad_norm_ of large gradients equals a plain sum") {
  for (int threads : {1, 2, 3}) {
    const ThreadCount guard(threads);
    for (int64_t size : {1, 15, 16, 17, 200003}) {
      Tensor p = zeros({size}).requires_grad_();
      manual_seed(static_cast<uint64_t>(size));
      p.set_grad(randn({size}));
      double squares = 0, cubes = 0, top = 0;
      for (double g : to_vector(p.grad())) {
        squares += g * g;
        cubes += std::abs(g * g * g);
        top = std::max(top, std::abs(g));
      }
      const double infinity = std::numeric_limits<double>::infinity();
      CHECK(clip_grad_norm_({p}, 1e9) == Approx(std::sqrt(squares)).epsilon(1e-12));
      CHECK(clip_grad_norm_({p}, 1e9, 3) == Approx(std::cbrt(cubes)).epsilon(1e-12));
      CHECK(clip_grad_norm_({p}, 1e9, infinity) == top);
    }
  }
}

TEST_CASE("clip_grad_norm_ without gradients is 0") {
  CHECK(clip_grad_norm_({start(0, 3)}, 1.0) == 0.0);
  CHECK(clip_grad_norm_({}, 1.0) == 0.0);
}

TEST_CASE("clip_grad_norm_ scales each gradient once, even where backward gave both the same") {
  Tensor a = zeros({4}).requires_grad_(), b = zeros({4}).requires_grad_();
  (a + b).sum().backward();
  CHECK(clip_grad_norm_({a, b}, 1.0) == Approx(std::sqrt(8.0)));
  CHECK(allclose(a.grad(), full({4}, 1 / std::sqrt(8.0))));
  CHECK(allclose(b.grad(), full({4}, 1 / std::sqrt(8.0))));
}

TEST_CASE("clip_grad_norm_ and a gradient that is not finite") {
  Tensor p = start(0, 3);
  const double infinity = std::numeric_limits<double>::infinity();
  p.set_grad(tensor({1.0, infinity, 2.0}, {.dtype = kFloat64}));
  const std::string message =
      error_of([&] { clip_grad_norm_({p}, 1.0, 2.0, /*error_if_nonfinite=*/true); });
  CHECK(has(message,
            "[clip_grad_norm_] The total norm of order 2 for gradients from `parameters` "
            "is non-finite, so it cannot be clipped: got inf"));
  CHECK(to_vector(p.grad())[0] == 1.0);
  CHECK(clip_grad_norm_({p}, 1.0) == infinity);
  CHECK(to_vector(p.grad())[0] == 0.0);
  CHECK(std::isnan(to_vector(p.grad())[1]));
  for (double kind : {1.0, 2.0, 3.0, infinity}) {
    p.set_grad(tensor({1.0, std::nan(""), 2.0}, {.dtype = kFloat64}));
    CHECK(std::isnan(clip_grad_norm_({p}, 1.0, kind)));
    CHECK(std::isnan(to_vector(p.grad())[0]));
    CHECK(has(error_of([&] { clip_grad_norm_({p}, 1.0, kind, true); }), "got nan"));
  }
}

TEST_CASE("clip_grad_norm_ of any power, beside PyTorch 2.15") {
  const double infinity = std::numeric_limits<double>::infinity();
  Tensor a = start(0, 3), b = start(0, 2);
  const auto total = [&](const Tensor& of_a, const Tensor& of_b, double power) {
    a.set_grad(of_a.to(kFloat64));
    b.set_grad(of_b.to(kFloat64));
    return clip_grad_norm_({a, b}, 0.5, power);
  };
  const Tensor all = tensor({1.0, 2.0, -3.0}), more = tensor({4.0, 5.0});
  const Tensor some = tensor({1.0, 0.0, -3.0}), none = zeros({2});
  CHECK(total(all, more, 0) == 2);  // of two gradients, neither is all 0
  CHECK(to_vector(a.grad())[0] == Approx(0.25));
  CHECK(total(some, none, 0) == 1);
  CHECK(to_vector(a.grad())[2] == Approx(-1.5));
  CHECK(total(all, more, -1) == Approx(0.4379562));
  CHECK(total(some, none, -1) == 0);
  CHECK(to_vector(a.grad())[2] == -3);
  CHECK(total(all, more, -infinity) == 1);
  CHECK(to_vector(b.grad())[1] == Approx(2.5));
  CHECK(total(some, none, -infinity) == 0);
  CHECK(total(all, more, 0.5) == Approx(70.2635).epsilon(1e-5));
  CHECK(clip_grad_norm_({}, 1, -1) == 0);
}

TEST_CASE("clip_grad_norm_ refuses wrong arguments") {
  Tensor p = start(0, 3);
  CHECK(error_of([&] { clip_grad_norm_({p}, -1); }) ==
        "[clip_grad_norm_] expected max_norm >= 0, got -1");
  CHECK(has(error_of([&] { clip_grad_norm_({Tensor()}, 1); }), "[clip_grad_norm_]"));
}

TEST_CASE("clip_grad_value_ clamps in place") {
  Tensor p = start(0, 5), q = start(0, 2);
  p.set_grad(gradient(0, 0, 5));
  const Tensor grad = p.grad();
  clip_grad_value_({p, q}, 0.3);
  CHECK(equal(p.grad(), gradient(0, 0, 5).clamp(-0.3, 0.3)));
  CHECK(equal(grad, p.grad()));
  CHECK(!q.grad().defined());
  CHECK(error_of([&] { clip_grad_value_({p}, -1); }) ==
        "[clip_grad_value_] expected clip_value >= 0, got -1");
}
