#include "norma/layers/rnn_cell.h"

#include <cmath>

#include "norma/autograd/functional.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/recurrent.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

using autograd::Cell;

RNNCellBase::RNNCellBase(const char* name, Cell cell, int64_t input_size, int64_t hidden_size,
                         bool bias)
    : name_(name), cell_(cell), input_size_(input_size), hidden_size_(hidden_size) {
  check_at_least(name, "input_size", input_size, 1);
  check_at_least(name, "hidden_size", hidden_size, 1);
  const int64_t width = checked_product(name, "hidden_size", autograd::gates_of(cell), hidden_size);
  weight_ih = register_parameter("weight_ih", empty({width, input_size}));
  weight_hh = register_parameter("weight_hh", empty({width, hidden_size}));
  bias_ih = register_parameter("bias_ih", bias ? empty({width}) : Tensor());
  bias_hh = register_parameter("bias_hh", bias ? empty({width}) : Tensor());
  reset_parameters();
}

void RNNCellBase::reset_parameters() {
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden_size_));
  for (const Tensor& weight : parameters()) init::uniform_(weight, -bound, bound);
}

Tensor RNNCellBase::checked(const char* what, const Tensor& state, const Shape& expected) const {
  const DType dtype = weight_ih.dtype();
  if (!state.defined()) return zeros(expected, {.dtype = dtype});
  if (state.sizes() != expected || state.dtype() != dtype) {
    fail(name_, "expected ", what, " of shape ", expected, " and dtype ", dtype, ", got ",
         state.sizes(), " and ", state.dtype());
  }
  return state;
}

std::tuple<Tensor, Tensor> RNNCellBase::step(const Tensor& input, const Tensor& h,
                                             const Tensor& c) const {
  const Shape& sizes = defined_impl(input, name_)->sizes;
  const bool single = sizes.size() == 1;
  if ((!single && sizes.size() != 2) || sizes.back() != input_size_) {
    fail(name_, "expected an input of shape [N, ", input_size_, "] or [", input_size_, "], got ",
         sizes);
  }
  if (input.dtype() != weight_ih.dtype()) {
    fail(name_, "expected an input of the weights' dtype ", weight_ih.dtype(), ", got ",
         input.dtype(), "; convert with to()");
  }
  const Cell cell = cell_;
  if (cell == Cell::Lstm && h.defined() != c.defined()) {
    fail(name_, "expected both of h and c or none of them, got only ", h.defined() ? "h" : "c");
  }
  Shape state = sizes;
  state[state.size() - 1] = hidden_size_;
  const auto rows = [](const Tensor& x) { return x.dim() == 1 ? x.unsqueeze(0) : x; };
  const Tensor x = rows(input), h0 = rows(checked("a state h", h, state));
  const Tensor c0 = cell == Cell::Lstm ? rows(checked("a state c", c, state)) : Tensor();
  const autograd::Steps steps = autograd::recur_layer(
      cell, x, {h0, c0}, {weight_ih, weight_hh, bias_ih, bias_hh, Tensor()}, {x.size(0)}, false);
  return {steps.last.h.reshape(state), c0.defined() ? steps.last.c.reshape(state) : Tensor()};
}

std::string RNNCellBase::extra_repr() const {
  return text(input_size_, ", ", hidden_size_, bias_ih.defined() ? "" : ", bias=False");
}

RNNCell::RNNCell(int64_t input_size, int64_t hidden_size, const RNNCellOptions& options)
    : Cloneable("RNNCell", autograd::cell_of("RNNCell", options.nonlinearity), input_size,
                hidden_size, options.bias),
      options_(options) {}

Tensor RNNCell::forward(const Tensor& input, const Tensor& hx) {
  return std::get<0>(step(input, hx, Tensor()));
}
Tensor RNNCell::operator()(const Tensor& input, const Tensor& hx) {
  return Cloneable::operator()(input, hx);
}

std::string RNNCell::extra_repr() const {
  const bool usual = options_.nonlinearity == "tanh";
  return RNNCellBase::extra_repr() + (usual ? "" : ", nonlinearity=" + options_.nonlinearity);
}

LSTMCell::LSTMCell(int64_t input_size, int64_t hidden_size, const LSTMCellOptions& options)
    : Cloneable("LSTMCell", Cell::Lstm, input_size, hidden_size, options.bias) {}

LSTMCell::State LSTMCell::forward(const Tensor& input, const State& hx) {
  return step(input, std::get<0>(hx), std::get<1>(hx));
}
LSTMCell::State LSTMCell::operator()(const Tensor& input, const State& hx) {
  return Cloneable::operator()(input, hx);
}

GRUCell::GRUCell(int64_t input_size, int64_t hidden_size, const GRUCellOptions& options)
    : Cloneable("GRUCell", Cell::Gru, input_size, hidden_size, options.bias) {}

Tensor GRUCell::forward(const Tensor& input, const Tensor& hx) {
  return std::get<0>(step(input, hx, Tensor()));
}
Tensor GRUCell::operator()(const Tensor& input, const Tensor& hx) {
  return Cloneable::operator()(input, hx);
}

}  // namespace norma::nn
