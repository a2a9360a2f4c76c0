#include "norma/autograd/recurrent.h"

#include "norma/autograd/functional.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/matmul.h"
#include "norma/core/kernels/recurrent.h"
#include "norma/core/kernels/reduce.h"

namespace norma::autograd {

namespace {

using kernels::Recurrence, kernels::RecurrentForward, kernels::RecurrentBackward;

const char* name_of(Cell cell) {
  constexpr const char* kNames[] = {"rnn_tanh", "rnn_relu", "lstm", "gru"};
  return kNames[static_cast<int>(cell)];
}

/// The states after one step; p: the state's part of the sums.
States step(Cell cell, const Tensor& s, const Tensor& p, const States& now) {
  if (cell == Cell::Tanh) return {(s + p).tanh(), Tensor()};
  if (cell == Cell::Relu) return {(s + p).relu(), Tensor()};
  const int64_t gates = cell == Cell::Lstm ? 4 : 3, n = s.size(1) / gates;
  const auto of = [n](const Tensor& sums, int64_t gate) { return sums.narrow(1, gate * n, n); };
  if (cell == Cell::Lstm) {
    const Tensor sums = s + p;
    const Tensor c = of(sums, 1).sigmoid() * now.c + of(sums, 0).sigmoid() * of(sums, 2).tanh();
    return {of(sums, 3).sigmoid() * c.tanh(), c};
  }
  const Tensor reset = (of(s, 0) + of(p, 0)).sigmoid(), z = (of(s, 1) + of(p, 1)).sigmoid();
  const Tensor fresh = (of(s, 2) + reset * of(p, 2)).tanh();
  return {fresh + z * (now.h - fresh), Tensor()};
}

/// The rows of `changed`, and those of `all` behind them.
Tensor with_rest(const Tensor& changed, const Tensor& all) {
  const int64_t count = changed.size(0), rest = all.size(0) - count;
  return rest == 0 ? changed : cat({changed, all.narrow(0, count, rest)});
}

/// h before every step, row by row.
template <class T>
void fill_before(const Recurrence& r, const T* h0, const T* out, T* before) {
  for (int64_t k = 0; k < r.steps(); ++k) {
    const int64_t n = r.hidden, count = r.batch(r.time(k));
    T* const to = before + r.start(r.time(k)) * n;
    const int64_t last = k > 0 ? r.time(k - 1) : 0;
    const int64_t later = k > 0 ? std::min(r.batch(last), count) : 0;
    std::copy_n(out + r.start(last) * n, later * n, to);
    std::copy_n(h0 + later * n, (count - later) * n, to + later * n);
  }
}

/// All results of a recurrence, one after the other.
struct Results {
  Tensor all;
  const Recurrence& r;

  int64_t count() const { return r.rows() * r.hidden; }
  int64_t states() const { return r.sequences() * r.hidden; }
  int64_t size() const { return count() + (r.cell == Cell::Lstm ? 2 : 1) * states(); }
  Tensor part(int64_t first, int64_t rows) const {
    return all.narrow(0, first, rows * r.hidden).view({rows, r.hidden});
  }
  Steps steps() const {
    const Tensor c = r.cell == Cell::Lstm ? part(count() + states(), r.sequences()) : Tensor();
    return {part(0, r.rows()), {part(count(), r.sequences()), c}};
  }
  template <class T>
  T* out() const {
    return values_of<T>(all);
  }
  template <class T>
  T* h() const {
    return out<T>() + count();
  }
  template <class T>
  T* c() const {
    return r.cell == Cell::Lstm ? h<T>() + states() : nullptr;
  }
};

struct RecurrentNode {
  Recurrence r;
  Saved input, h0, c0, weight, bias, results, kept;
  bool has_bias;

  /// Through the composition, whose inputs are views here: an input may depend on another one.
  void by_operations(const Tensor& g, InputGrads& d) const {
    std::vector<Tensor> inputs, own;
    std::vector<int> places;
    int place = 0;
    for (const Saved* saved : {&input, &h0, &c0, &weight, &bias}) {
      Tensor x = saved->defined() ? **saved : Tensor();
      if (x.defined()) x = x.view(x.sizes());
      own.push_back(x);
      if (d.needs(place)) inputs.push_back(x), places.push_back(place);
      ++place;
    }
    const Steps s = recur_by_operations(r.cell, own[0], {own[1], own[2]}, {own[3], own[4], {}},
                                        r.batches, r.reverse);
    std::vector<Tensor> all = {s.out.reshape({-1}), s.last.h.reshape({-1})};
    if (r.cell == Cell::Lstm) all.push_back(s.last.c.reshape({-1}));
    const std::vector<Tensor> grads = grad({cat(all)}, inputs, {g}, true, true, true);
    for (std::size_t i = 0; i < grads.size(); ++i) d[places[i]] = grads[i];
  }

  template <class T>
  void by_kernel(const Tensor& grad, InputGrads& d) const {
    const int64_t n = r.hidden, width = r.gates() * n, rows = r.rows(), b = r.sequences();
    const DType dtype = grad.dtype();
    const Tensor g = grad.contiguous();
    const Results from{g, r}, y{*results, r};
    const Tensor before = new_tensor({rows, n}, dtype);
    fill_before<T>(r, values_of<T>(*h0), y.out<T>(), values_of<T>(before));
    d[0] = new_tensor({rows, width}, dtype);
    const Tensor products = r.cell == Cell::Gru ? new_tensor({rows, width}, dtype) : d[0];
    d[1] = new_tensor({b, n}, dtype);
    std::copy_n(from.h<T>(), b * n, values_of<T>(d[1]));
    if (r.cell == Cell::Lstm) {
      d[2] = new_tensor({b, n}, dtype);
      std::copy_n(from.c<T>(), b * n, values_of<T>(d[2]));
    }
    kernels::recurrent_backward<T>(
        r, {data_or_null<T>(c0.defined() ? *c0 : Tensor()), values_of<T>(*weight), y.out<T>(),
            data_or_null<T>(kept.defined() ? *kept : Tensor()), values_of<T>(before), from.out<T>(),
            values_of<T>(d[0]), values_of<T>(products), values_of<T>(d[1]), data_or_null<T>(d[2])});
    if (d.needs(3)) {
      d[3] = new_tensor({width, n}, dtype);
      kernels::parallel_matmul<T>({true, false, width, n, rows, values_of<T>(products), width,
                                   values_of<T>(before), n, nullptr, values_of<T>(d[3]), n});
    }
    if (has_bias && d.needs(4)) {
      d[4] = new_tensor({width}, dtype);
      kernels::sum_middle(values_of<T>(d[4]), values_of<T>(products), {1, rows, width});
    }
  }
};

}  // namespace

Cell cell_of(const char* op, const std::string& nonlinearity) {
  if (nonlinearity == "tanh") return Cell::Tanh;
  if (nonlinearity == "relu") return Cell::Relu;
  fail(op, "expected nonlinearity \"tanh\" or \"relu\", got \"", nonlinearity, '"');
}

int64_t gates_of(Cell cell) { return Recurrence(cell, 1, {}, false).gates(); }

Steps recur_by_operations(Cell cell, const Tensor& input, const States& first,
                          const StepWeights& weights, const std::vector<int64_t>& batches,
                          bool reverse) {
  const Recurrence r(cell, first.h.size(1), batches, reverse);
  std::vector<Tensor> out(batches.size());
  States now = first;
  for (int64_t k = 0; k < r.steps(); ++k) {
    const int64_t t = r.time(k), count = r.batch(t);
    const States active = {now.h.narrow(0, 0, count),
                           now.c.defined() ? now.c.narrow(0, 0, count) : Tensor()};
    States next = step(cell, input.narrow(0, r.start(t), count),
                       functional::linear(active.h, weights.weight, weights.bias), active);
    if (weights.projection.defined()) next.h = functional::linear(next.h, weights.projection);
    out[static_cast<std::size_t>(t)] = next.h;
    now.h = with_rest(next.h, now.h);
    if (next.c.defined()) now.c = with_rest(next.c, now.c);
  }
  return {cat(out), now};
}

Steps recur(Cell cell, const Tensor& input, const States& first, const StepWeights& weights,
            const std::vector<int64_t>& batches, bool reverse) {
  if (weights.projection.defined())
    return recur_by_operations(cell, input, first, weights, batches, reverse);
  const Tensor s = input.contiguous(), h0 = first.h.contiguous(), w = weights.weight.contiguous();
  const Tensor c0 = first.c.defined() ? first.c.contiguous() : Tensor();
  const Tensor bias = weights.bias.defined() ? weights.bias.contiguous() : Tensor();
  const Recurrence r(cell, h0.size(1), batches, reverse);
  const std::vector<const Tensor*> list = {&input, &first.h, &first.c, &weights.weight,
                                           &weights.bias};
  const Inputs inputs(list);
  Results results{Tensor(), r};
  results.all = new_tensor({results.size()}, s.dtype());
  const bool keeps = recording(inputs) && r.kept() > 0;
  const Tensor kept = keeps ? new_tensor({r.rows(), r.kept() * r.hidden}, s.dtype()) : Tensor();
  dispatch_floating(s.dtype(), [&]<class T>() {
    kernels::recurrent_forward<T>(r, {values_of<T>(s), values_of<T>(h0), data_or_null<T>(c0),
                                      values_of<T>(w), data_or_null<T>(bias), results.out<T>(),
                                      results.h<T>(), results.c<T>(), data_or_null<T>(kept)});
  });
  if (recording(inputs) || observer()) {
    const auto saved = [](const Tensor& values, const Tensor& of) {
      return values.defined() ? Saved(values, of) : Saved();
    };
    RecurrentNode node{r,
                       Saved(s, input),
                       Saved(h0, first.h),
                       saved(c0, first.c),
                       Saved(w, weights.weight),
                       saved(bias, weights.bias),
                       Saved(results.all),
                       saved(kept, kept),
                       bias.defined()};
    // For observers: how many sequences have each step, where not all have.
    const bool even = batches.front() == batches.back();
    const Tensor lengths = observer() && !even ? tensor(batches) : Tensor();
    results.all =
        record({name_of(cell),
                {{"num_steps", r.steps()}, {"batch_size", r.sequences()}, {"reverse", reverse}}},
               results.all, inputs,
               [node = std::move(node)](const Tensor& g, InputGrads& d) {
                 if (grad_enabled()) return node.by_operations(g, d);
                 dispatch_floating(g.dtype(), [&]<class T>() { node.by_kernel<T>(g, d); });
               },
               {&lengths});
  }
  return results.steps();
}

Steps recur_layer(Cell cell, const Tensor& x, const States& first, const LayerWeights& weights,
                  const std::vector<int64_t>& batches, bool reverse) {
  const auto& [w_ih, w_hh, b_ih, b_hh, projection] = weights;
  // The n of a GRU has W_hh h + b_hh as a factor: there the biases are not one.
  const bool apart = cell == Cell::Gru || !b_ih.defined();
  const Tensor input = functional::linear(x, w_ih, apart ? b_ih : b_ih + b_hh);
  return recur(cell, input, first, {w_hh, apart ? b_hh : Tensor(), projection}, batches, reverse);
}

}  // namespace norma::autograd
