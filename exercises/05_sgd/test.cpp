#include <sgd.h>

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

Tensor parameter() { return tensor({1.0, -2.0}, {.requires_grad = true}); }
const Tensor kStart = tensor({1.0, -2.0}), kFirst = tensor({1.0, 3.0}), kNext = tensor({2.0, 0.0});

void one_step() {
  Tensor p = parameter();
  p.set_grad(kFirst.clone());
  mine::SGD optimizer({p}, 0.1, 0.9);
  optimizer.step();
  const Tensor after = p.detach().clone();
  optimizer.step();
  const bool late = difference(after, kStart).empty() && !difference(p.detach(), kStart).empty();
  expect(
      "the parameter after one step", after, kStart - 0.1 * kFirst,
      {{kStart + 0.1 * kFirst, "the sign is wrong: the gradient points to where the loss grows"},
       {kStart, late ? "it did not change, but does in the second step: the velocity moves first, "
                       "then the parameter by the new velocity"
                     : "it did not change: change it in place, by sub_, not a copy of the handle"},
       {kStart - kFirst, "the learning rate is missing"},
       {kStart - 0.01 * kFirst,
        "the gradient enters the velocity whole: momentum · velocity + "
        "grad, not + (1 - momentum) · grad"},
       {kStart - 0.09 * kFirst, "momentum weighs the old velocity, not the new gradient"}});
  expect("the gradient after the step", p.grad(), kFirst);
}

// A second gradient, with another learning rate.
void momentum() {
  Tensor p = parameter();
  mine::SGD optimizer({p}, 0.1, 0.5);
  p.set_grad(kFirst.clone());
  optimizer.step();
  optimizer.lr = 0.2;
  p.set_grad(kNext.clone());
  optimizer.step();
  const Tensor after_one = kStart - 0.1 * kFirst;
  expect("the parameter after two steps", p.detach(), after_one - 0.2 * (0.5 * kFirst + kNext),
         {{after_one - 0.2 * kNext,
           "the velocity is forgotten between steps: half of the first "
           "one goes on in the second"},
          {after_one - 0.2 * (kFirst + kNext), "the old velocity counts momentum times"},
          {after_one - 0.5 * 0.1 * kFirst - 0.2 * kNext,
           "the learning rate is in the velocity. It belongs where the parameter changes, so that "
           "a new rate acts on the whole step"}});
}

void several() {
  Tensor p = parameter(), q = parameter();
  const Tensor unused = parameter();
  mine::SGD optimizer({p, unused, q}, 0.1, 0.5);
  p.set_grad(kFirst.clone());
  q.set_grad(kNext.clone());
  optimizer.step();
  expect("the second of two parameters", q.detach(), kStart - 0.1 * kNext,
         {{kStart - 0.1 * (0.5 * kFirst + kNext), "each parameter has a velocity of its own"}});
  expect("a parameter without a gradient", unused.detach(), kStart);
}

void zero_grad() {
  Tensor p = parameter();
  mine::SGD optimizer({p}, 0.1, 0.5);
  for (int step = 0; step < 2; ++step) {
    optimizer.zero_grad();
    (p * kFirst).sum().backward();
    optimizer.step();
  }
  expect("the gradient after zero_grad() and backward(), twice", p.grad(), kFirst,
         {{2.0 * kFirst,
           "backward() adds to the gradient that is there: zero_grad() has to take "
           "it away"}});
  expect("the parameter after zero_grad(), backward(), step(), twice", p.detach(),
         kStart - 0.1 * kFirst - 0.1 * 1.5 * kFirst,
         {{kStart - 0.2 * kFirst,
           "zero_grad() takes gradients away, not velocities: it is called before every step"}});
}

int main() try {
  one_step();
  momentum();
  several();
  zero_grad();
  std::puts("Passed: your optimiser steps, keeps its velocities, and takes gradients away.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
