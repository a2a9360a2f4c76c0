// autograd::grad, retain_grad and the switches of recording.
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using Tensors = std::vector<Tensor>;
using autograd::grad;

TEST_CASE("grad gives what backward() adds to leaves, and leaves them alone") {
  manual_seed(1);
  const Tensor x = random_leaf({3, 4}), w = random_leaf({4, 2}), unused = random_leaf({2});
  const auto loss = [&] { return x.matmul(w).tanh().sum(); };
  const Tensors found = grad({loss()}, {w, x});
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(w.grad().defined());
  CHECK_FALSE(found[0].requires_grad());
  loss().backward();
  CHECK(equal(found[0], w.grad()));
  CHECK(equal(found[1], x.grad()));

  // Also of a result on the way, of several outputs, and with gradients to start with.
  const Tensor h = x.matmul(w), y = h.tanh(), z = h * 2.0;
  const Tensor start = randn({3, 2}, {.dtype = kFloat64});
  const Tensors of_h = grad({y, z}, {h, x, unused}, {start, start * 3.0}, true, false, true);
  const Tensor want = start * (1.0 - y.detach().square()) + start * 6.0;
  CHECK(mismatch(of_h[0], want, 1e-12) == "");
  CHECK(mismatch(of_h[1], want.matmul(w.detach().t()), 1e-12) == "");
  CHECK_FALSE(of_h[2].defined());
  // An output twice counts twice, and an output may be an input.
  CHECK(mismatch(grad({y, y}, {h}, {start, start}, true)[0], 2.0 * grad({y}, {h}, {start}, true)[0],
                 1e-12) == "");
  CHECK(equal(grad({y}, {y}, {start}, true)[0], start));
  // In another order of depth: x lies below h.
  CHECK(mismatch(grad({y}, {x, h}, {start})[1], start * (1.0 - y.detach().square()), 1e-12) == "");
}

TEST_CASE("the graph is freed as by backward(), or kept") {
  const Tensor x = number_leaf(2);
  Tensor y = x.exp();
  grad({y}, {x}, {}, true);
  grad({y}, {x});
  CHECK(has(error_of([&] { grad({y}, {x}); }), "[exp] expected a graph that was not freed yet"));
  y = x.exp();
  grad({y}, {x}, {}, {}, true);
  CHECK(grad({y}, {x}, {}, false, true)[0].requires_grad());
  CHECK(has(error_of([&] { grad({y}, {x}); }), "was not freed yet"));
  // What does not lead to an input stays.
  const Tensor a = number_leaf(1), b = number_leaf(3), left = a.exp(), right = b.exp(),
               sum = left + right;
  grad({sum}, {a});
  CHECK(grad({right}, {b})[0].item<double>() == Approx(std::exp(3)));
}

TEST_CASE("grad's errors say what to do") {
  const Tensor x = random_leaf({2}), y = x * 2.0, constant = ones({2}, {.dtype = kFloat64});
  CHECK(error_of([&] { grad({}, {x}); }) == "[grad] expected outputs and inputs, got 0 and 1");
  CHECK(error_of([&] { grad({y}, {}); }) == "[grad] expected outputs and inputs, got 1 and 0");
  CHECK(error_of([&] { grad({y}, {x}); }) ==
        "[grad] expected a scalar (one element) or a gradient argument, got a tensor of shape [2]; "
        "reduce it first, for example with sum() or mean()");
  CHECK(error_of([&] {
          grad({y, y}, {x}, {constant});
        }) ==
        "[grad] expected a gradient for each of the 2 outputs, got 1; an undefined Tensor stands "
        "for 1");
  CHECK(error_of([&] { grad({y}, {x}, {ones({3}, {.dtype = kFloat64})}); }) ==
        "[grad] expected a gradient of shape [2], got [3]");
  CHECK(has(error_of([&] { grad({constant.sum()}, {x}); }),
            "[grad] expected a tensor that requires_grad"));
  CHECK(error_of([&] { grad({y.sum()}, {constant}); }) ==
        "[grad] expected inputs that require a gradient, got input 0 of shape [2] that does not; "
        "call requires_grad_() before the outputs are computed");
  const Tensor other = random_leaf({4});
  CHECK(error_of([&] {
          grad({y.sum()}, {x, other});
        }) ==
        "[grad] expected inputs that the outputs depend on, got input 1 of shape [4] that is not "
        "in their graph; pass allow_unused = true to get an undefined Tensor for it");
  // After an error the graph still serves.
  CHECK(equal(grad({y.sum()}, {x})[0], constant * 2.0));
  CHECK(has(error_of([&] { gradgradcheck({}, {x}); }), "[gradgradcheck] expected a function"));
  CHECK(has(error_of([&] {
              gradgradcheck([](const Tensors& in) { return in[0]; }, {ones({2}).requires_grad_()});
            }),
            "[gradgradcheck] expected input 0 to be float64, got float32"));
}

TEST_CASE("retain_grad keeps the gradient of a result on the way") {
  const Tensor x = number_leaf(3), y = x.square();
  y.retain_grad();
  CHECK(y.retains_grad());
  CHECK_FALSE(x.retains_grad());
  const Tensor z = y.exp() * 0.0 + y * y;
  CHECK_FALSE(z.retains_grad());
  z.backward({}, true);
  CHECK(y.grad().item<double>() == 18);
  CHECK(x.grad().item<double>() == 108);
  z.backward({}, true);
  CHECK(y.grad().item<double>() == 36);
  grad({z}, {x}, {}, true);  // on the way to x, as in PyTorch
  CHECK(y.grad().item<double>() == 54);
  // A handle that dies is asked no more.
  const Tensor again = [&] {
    const Tensor w = x * 2.0;
    w.retain_grad();
    return w * w;
  }();
  again.backward();
  CHECK(x.grad().item<double>() == 216 + 24);
  x.retain_grad();  // a leaf's is there anyway
  CHECK(error_of([] { ones({2}).retain_grad(); }) ==
        "[retain_grad] expected a tensor that requires_grad, got one of shape [2] that does not");
}

TEST_CASE("runs within runs leave each other alone") {
  const int64_t nodes = autograd::live_nodes();
  manual_seed(8);
  const Tensor w = number_leaf(2), x = number_leaf(5);
  // A backward that solves with grad(), and one with backward(), over weights that the outer graph
  // has as well.
  const auto inner = [&](const Tensor& a, bool by_backward) {
    return autograd::record("inner", (a * w).detach(), {&a, &w},
                            [=, a = autograd::Saved(a)](const Tensor& g, autograd::InputGrads& d) {
                              const autograd::EnableGradGuard recording;
                              const Tensor z = a->detach().clone().requires_grad_();
                              const Tensor h = z * w;
                              if (by_backward) {
                                h.backward(g);
                                d[0] = z.grad();
                                d[1] = norma::zeros_like(g);
                              } else {
                                const Tensors found = grad({h}, {z, w}, {g});
                                d[0] = found[0], d[1] = found[1];
                              }
                            });
  };
  for (const bool by_backward : {false, true}) {
    Tensor(w).set_grad(Tensor());
    Tensor(x).set_grad(Tensor());
    (inner(x, by_backward) * w).backward();  // x w², by hand 2 x w and w²
    CHECK(w.grad().item<double>() == 20);
    CHECK(x.grad().item<double>() == 4);
  }
  const Tensors outer = grad({inner(x, false) * w}, {x, w});
  CHECK(outer[0].item<double>() == 4);
  CHECK(outer[1].item<double>() == 20);
  CHECK(autograd::live_nodes() == nodes);  // what a recording backward was given is freed
}

TEST_CASE("grad leaves no marks behind, and asks for what is wanted alone") {
  const Tensor a = number_leaf(1), b = number_leaf(3);
  grad({a.exp()}, {b}, {}, true, false, true);
  const Tensor right = b.exp(), sum = a.exp() + right;
  grad({sum}, {a});
  CHECK(grad({right}, {b})[0].item<double>() == Approx(std::exp(3)));
  bool first = false, second = false;
  const Tensor y = autograd::record("two", (a * b).detach(), {&a, &b},
                                    [&](const Tensor& g, autograd::InputGrads& d) {
                                      first = d.needs(0), second = d.needs(1);
                                      d[0] = d[1] = g;
                                    });
  grad({y}, {b}, {}, true);
  CHECK_FALSE(first);
  CHECK(second);
  y.backward();
  CHECK(first);
  CHECK(a.grad().item<double>() == 1);
}

TEST_CASE("retain_grad and operations that take a result's place") {
  manual_seed(9);
  const Tensor x = random_leaf({4, 3}), w = random_leaf({3}), b = random_leaf({3});
  Tensor y = functional::batch_norm(x, {.weight = w, .bias = b, .training = true});
  y.retain_grad();
  const Tensor z = std::move(y).relu();
  const Tensors others(20, zeros({2}));
  z.sum().backward();
  for (const Tensor& other : others) CHECK_FALSE(other.grad().defined());

  // After a change in place it is the gradient of the values that are there now, as in PyTorch.
  const Tensor v = number_leaf(3);
  Tensor twice = v * 2.0;
  twice.retain_grad();
  twice.mul_(4.0);
  CHECK(twice.retains_grad());
  (twice * twice).backward();
  CHECK(twice.grad().item<double>() == 48);
  CHECK(v.grad().item<double>() == 384);
}

TEST_CASE("recording is switched by a call or a guard") {
  const Tensor x = number_leaf(1);
  set_grad_enabled(false);
  CHECK_FALSE(grad_enabled());
  CHECK_FALSE((x * 2.0).requires_grad());
  {
    const autograd::GradModeGuard on(true);
    CHECK((x * 2.0).requires_grad());
    const autograd::GradModeGuard off(false);
    CHECK_FALSE(grad_enabled());
  }
  CHECK_FALSE(grad_enabled());
  // create_graph records where recording is off, as in PyTorch.
  Tensor y;
  {
    const autograd::EnableGradGuard on;
    y = x.exp();
  }
  CHECK(grad({y}, {x}, {}, {}, true)[0].requires_grad());
  set_grad_enabled(true);
  CHECK(grad_enabled());
}
