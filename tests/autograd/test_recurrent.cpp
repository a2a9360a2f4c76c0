#include "norma/autograd/recurrent.h"

#include <norma/norma.h>

#include "norma/core/kernels/plain/recurrent.h"
#include "norma/core/kernels/recurrent.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using autograd::Cell;
using autograd::recur;
using autograd::recur_by_operations;
using autograd::Steps;

namespace {

struct Case {
  const char* name;
  Cell cell;
  bool reverse;
  std::vector<int64_t> batches;
  int64_t hidden;
  bool bias = false, projects = false;
};

const std::vector<Case> kCases = {
    {"tanh", Cell::Tanh, false, {3, 3, 3}, 2},
    {"tanh, packed, backwards", Cell::Tanh, true, {3, 2, 2, 1}, 2, true},
    {"relu, packed", Cell::Relu, false, {2, 1}, 3, true},
    {"relu, backwards", Cell::Relu, true, {2, 2}, 2},
    {"lstm", Cell::Lstm, false, {2, 2, 2}, 2},
    {"lstm, packed", Cell::Lstm, false, {3, 2, 1}, 2, true},
    {"lstm, packed, backwards", Cell::Lstm, true, {3, 1, 1}, 2},
    {"lstm, one step", Cell::Lstm, false, {2}, 3},
    {"lstm with projections", Cell::Lstm, true, {2, 1}, 3, true, true},
    {"gru", Cell::Gru, false, {2, 2, 2}, 2, true},
    {"gru, packed", Cell::Gru, false, {3, 2, 2}, 2},
    {"gru, packed, backwards", Cell::Gru, true, {3, 2, 1}, 2, true},
};

int64_t total(const std::vector<int64_t>& batches) {
  int64_t rows = 0;
  for (const int64_t batch : batches) rows += batch;
  return rows;
}

/// Input, h, weight, and where there are such c, bias, projection.
std::vector<Tensor> inputs_of(const Case& c) {
  const int64_t width = autograd::gates_of(c.cell) * c.hidden, states = c.projects ? 2 : c.hidden;
  std::vector<Tensor> x = {random_leaf({total(c.batches), width}),
                           random_leaf({c.batches[0], states}), random_leaf({width, states})};
  if (c.cell == Cell::Lstm) x.push_back(random_leaf({c.batches[0], c.hidden}));
  if (c.bias) x.push_back(random_leaf({width}));
  if (c.projects) x.push_back(random_leaf({states, c.hidden}));
  return x;
}

template <class Recur>
Tensor all_results(const Case& c, const std::vector<Tensor>& x, Recur function) {
  std::size_t next = 3;
  const auto take = [&](bool there) { return there ? x[next++] : Tensor(); };
  const Tensor c0 = take(c.cell == Cell::Lstm), bias = take(c.bias), projection = take(c.projects);
  const Steps s =
      function(c.cell, x[0], {x[1], c0}, {x[2], bias, projection}, c.batches, c.reverse);
  std::vector<Tensor> parts = {s.out.reshape({-1}), s.last.h.reshape({-1})};
  if (s.last.c.defined()) parts.push_back(s.last.c.reshape({-1}));
  return cat(parts);
}

}  // namespace

TEST_CASE("recurrent layers have derivatives, and derivatives of these") {
  manual_seed(1);
  for (const Case& c : kCases) {
    INFO(c.name);
    CHECK(gradient_error([&](const auto& x) { return all_results(c, x, recur); }, inputs_of(c)) ==
          "");
  }
}

TEST_CASE("recurrent layers compute what a composition of operations does") {
  manual_seed(2);
  for (Case c : kCases) {
    INFO(c.name);
    c.hidden = c.projects ? 3 : 37;
    const std::vector<Tensor> x = inputs_of(c);
    const Tensor fused = all_results(c, x, recur),
                 composed = all_results(c, x, recur_by_operations);
    CHECK(mismatch(fused, composed, 1e-13, 1e-13) == "");
    const Tensor g = randn(fused.sizes(), {.dtype = kFloat64});
    const auto grads = autograd::grad({fused}, x, {g}), others = autograd::grad({composed}, x, {g});
    for (std::size_t i = 0; i < x.size(); ++i)
      CHECK(mismatch(grads[i], others[i], 1e-12, 1e-12) == "");
  }
}

TEST_CASE("an input of a recurrent layer may depend on another one") {
  manual_seed(3);
  const auto function = [](const std::vector<Tensor>& x) {
    const Tensor w = cat({x[0], x[0].square()}), s = w.reshape({2, 8});
    const Tensor h = w.narrow(0, 1, 1), c = h.tanh();
    return recur(Cell::Lstm, s, {h, c}, {w, Tensor(), Tensor()}, {1, 1}, false).out;
  };
  CHECK(gradient_error(function, {random_leaf({4, 2})}) == "");
}

TEST_CASE("recurrent layers take operands of any strides") {
  manual_seed(4);
  const Case c = {"lstm", Cell::Lstm, false, {3, 2}, 4, false};
  std::vector<Tensor> x = inputs_of(c);
  const Tensor plain = all_results(c, x, recur);
  for (Tensor& one : x) one = scattered(one);
  CHECK(differing_bits(all_results(c, x, recur), plain) == "");
}

TEST_CASE("a recurrent layer's bits do not depend on threads, nor its values on other sequences") {
  manual_seed(5);
  for (const Cell cell : {Cell::Tanh, Cell::Lstm, Cell::Gru}) {
    const int64_t n = 40, batch = 37, width = autograd::gates_of(cell) * n;
    const Tensor s = randn({6 * batch, width}, {.requires_grad = true}), h = randn({batch, n});
    const Tensor w = randn({width, n}), c = cell == Cell::Lstm ? randn({batch, n}) : Tensor();
    const Tensor g = randn({6 * batch, n});
    const auto run = [&](int threads) {
      const ThreadCount count(threads);
      const Tensor y =
          recur(cell, s, {h, c}, {w, Tensor(), Tensor()}, std::vector<int64_t>(6, batch), false)
              .out;
      return std::pair(y.detach(), autograd::grad({y}, {s}, {g})[0]);
    };
    const auto [y, ds] = run(1);
    const auto [other, other_ds] = run(3);
    CHECK(differing_bits(other, y) == "");
    CHECK(differing_bits(other_ds, ds) == "");
    const Tensor one = s.detach().reshape({6, batch, width}).select(1, 20);
    const Tensor alone =
        recur(cell, one, {h.narrow(0, 20, 1), c.defined() ? c.narrow(0, 20, 1) : c},
              {w, Tensor(), Tensor()}, std::vector<int64_t>(6, 1), false)
            .out;
    CHECK(mismatch(alone, y.reshape({6, batch, n}).select(1, 20), 1e-6, 1e-6) == "");
  }
}

TEST_CASE("recurrent layers without sequences, and names of nonlinearities") {
  const Tensor s = zeros({0, 8}, {.requires_grad = true}), none = zeros({0, 2});
  const Tensor w = randn({8, 2}, {.requires_grad = true});
  const Steps steps = recur(Cell::Lstm, s, {none, none}, {w, Tensor(), Tensor()}, {0, 0}, false);
  CHECK(steps.out.sizes() == Shape{0, 2});
  CHECK(steps.last.c.sizes() == Shape{0, 2});
  steps.out.sum().backward();
  CHECK(equal(w.grad(), zeros({8, 2})));
  CHECK(autograd::cell_of("RNN", "relu") == Cell::Relu);
  CHECK(error_of([] { autograd::cell_of("RNN", "sin"); }) ==
        "[RNN] expected nonlinearity \"tanh\" or \"relu\", got \"sin\"");
}

TEST_CASE("fast recurrent kernels give what the plain ones do") {
  manual_seed(6);
  for (const Case& c : kCases) {
    if (c.projects) continue;
    INFO(c.name);
    const kernels::Recurrence r(c.cell, c.hidden, c.batches, c.reverse);
    const int64_t n = c.hidden, width = r.gates() * n, rows = r.rows(), b = r.sequences();
    const auto random = [](const Shape& sizes) { return randn(sizes, {.dtype = kFloat64}); };
    const Tensor s = random({rows, width}), h0 = random({b, n}), c0 = random({b, n});
    const Tensor w = random({width, n}), dout = random({rows, n}), dh = random({b, n});
    const Tensor dc = random({b, n}), before = random({rows, n}), bias = random({width});
    const auto values = [&](bool fast) {
      const auto memory = [](const Shape& sizes) { return zeros(sizes, {.dtype = kFloat64}); };
      const auto at = [](const Tensor& x) { return x.data_ptr<double>(); };
      const bool lstm = c.cell == Cell::Lstm;
      const Tensor out = memory({rows, n}), h = memory({b, n}), last = memory({b, n});
      const Tensor kept = memory({rows, 6 * n}), ds = memory({rows, width});
      const Tensor dp = c.cell == Cell::Gru ? memory({rows, width}) : ds;
      const Tensor dh0 = dh.clone(), dc0 = dc.clone();
      const kernels::RecurrentForward<double> forward{
          at(s),   at(h0), lstm ? at(c0) : nullptr,   at(w),   c.bias ? at(bias) : nullptr,
          at(out), at(h),  lstm ? at(last) : nullptr, at(kept)};
      const kernels::RecurrentBackward<double> backward{lstm ? at(c0) : nullptr,
                                                        at(w),
                                                        at(out),
                                                        at(kept),
                                                        at(before),
                                                        at(dout),
                                                        at(ds),
                                                        at(dp),
                                                        at(dh0),
                                                        lstm ? at(dc0) : nullptr};
      if (fast) {
        kernels::recurrent_forward(r, forward);
        kernels::recurrent_backward(r, backward);
      } else {
        kernels::plain::recurrent_forward(r, forward);
        kernels::plain::recurrent_backward(r, backward);
      }
      return std::vector<Tensor>{out, h, last, kept, ds, dp, dh0, dc0};
    };
    const std::vector<Tensor> got = values(true), want = values(false);
    for (std::size_t i = 0; i < got.size(); ++i)
      CHECK(mismatch(got[i], want[i], 1e-13, 1e-13) == "");
  }
}
