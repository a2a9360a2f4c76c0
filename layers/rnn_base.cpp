#include "norma/layers/rnn_base.h"

#include <cmath>

#include "norma/autograd/functional.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/recurrent.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"
#include "norma/layers/integer_list.h"

namespace norma::nn {

using autograd::Cell;
using utils::rnn::PackedSequence;

RNNBase::RNNBase(const Settings& settings) : settings_(settings) {
  const auto& [name, cell, inputs, hidden, layers, bias, first, p, both, proj] = settings_;
  check_at_least(name, "input_size", inputs, 1);
  check_at_least(name, "hidden_size", hidden, 1);
  check_at_least(name, "num_layers", layers, 1);
  if (!(p >= 0.0 && p <= 1.0)) {
    fail(name,
         "dropout should be a number in range [0, 1] representing the probability of an "
         "element being zeroed, got ",
         p);
  }
  if (proj < 0 || proj >= hidden) {
    fail(name, "expected proj_size of at least 0 and smaller than hidden_size, got ", proj, " and ",
         hidden);
  }
  if (p > 0 && layers == 1) {
    warn(name, "expected more than one layer for a dropout of ", p,
         ", which is applied between layers, got num_layers=1");
  }
  const int64_t gates = checked_product(name, "hidden_size", autograd::gates_of(cell), hidden);
  const int64_t width = proj > 0 ? proj : hidden;
  for (int64_t layer = 0; layer < layers; ++layer) {
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const std::string suffix = text("_l", layer, direction == 1 ? "_reverse" : "");
      autograd::LayerWeights own;
      const auto add = [&](const char* what, const Shape& sizes) {
        return register_parameter(what + suffix, empty(sizes));
      };
      own.w_ih = add("weight_ih", {gates, layer == 0 ? inputs : width * directions()});
      own.w_hh = add("weight_hh", {gates, width});
      if (bias) own.b_ih = add("bias_ih", {gates}), own.b_hh = add("bias_hh", {gates});
      if (proj > 0) own.projection = add("weight_hr", {proj, hidden});
      weights_.push_back(own);
    }
  }
  reset_parameters();
}

void RNNBase::reset_parameters() {
  const double bound = 1.0 / std::sqrt(static_cast<double>(settings_.hidden_size));
  for (const Tensor& weight : parameters()) init::uniform_(weight, -bound, bound);
}

RNNBase::Result RNNBase::layers(Tensor x, const Tensor& h, const Tensor& c,
                                const std::vector<int64_t>& batches) const {
  std::vector<Tensor> last_h, last_c;
  for (int64_t layer = 0; layer < settings_.num_layers; ++layer) {
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const int64_t at = layer * directions() + direction;
      const autograd::Steps steps = autograd::recur_layer(
          settings_.cell, x, {h.select(0, at), c.defined() ? c.select(0, at) : c},
          weights_[static_cast<std::size_t>(at)], batches, direction == 1);
      outputs.push_back(steps.out);
      last_h.push_back(steps.last.h);
      last_c.push_back(steps.last.c);
    }
    x = directions() == 2 ? cat(outputs, 1) : outputs[0];
    if (layer + 1 < settings_.num_layers)
      x = functional::dropout(x, settings_.dropout, is_training());
  }
  return {x, stack(last_h), c.defined() ? stack(last_c) : c};
}

void RNNBase::check_dtype(const char* what, const Tensor& tensor) const {
  const DType dtype = weights_[0].w_ih.dtype();
  if (tensor.dtype() != dtype) {
    fail(settings_.name, "expected ", what, " of the weights' dtype ", dtype, ", got ",
         tensor.dtype(), "; convert with to()");
  }
}

Tensor RNNBase::checked_state(const char* what, const Tensor& state, int64_t batch, int64_t width,
                              bool single) const {
  const int64_t count = settings_.num_layers * directions();
  const Shape full = {count, batch, width}, expected = single ? Shape{count, width} : full;
  if (!state.defined()) return zeros(full, {.dtype = weights_[0].w_ih.dtype()});
  if (state.sizes() != expected) {
    fail(settings_.name, "expected ", what, " of shape ", expected, ", got ", state.sizes());
  }
  check_dtype(what, state);
  return single ? state.unsqueeze(1) : state;
}

void RNNBase::check_states(Tensor& h, Tensor& c, int64_t batch, bool single) const {
  const int64_t hidden = settings_.hidden_size, proj = settings_.proj_size;
  const bool is_lstm = settings_.cell == Cell::Lstm;
  if (is_lstm && h.defined() != c.defined())
    fail(settings_.name, "expected both of h and c or none of them, got only ",
         h.defined() ? "h" : "c");
  h = checked_state("a state h", h, batch, proj > 0 ? proj : hidden, single);
  if (is_lstm) c = checked_state("a state c", c, batch, hidden, single);
}

RNNBase::Result RNNBase::run(const Tensor& input, Tensor h, Tensor c) const {
  const Shape& sizes = defined_impl(input, settings_.name)->sizes;
  const bool single = sizes.size() == 2, first = settings_.batch_first && !single;
  if ((!single && sizes.size() != 3) || sizes.back() != settings_.input_size) {
    fail(settings_.name, "expected an input of shape ",
         settings_.batch_first ? "[N, L, " : "[L, N, ", settings_.input_size, "] or [L, ",
         settings_.input_size, "], got ", sizes);
  }
  check_dtype("an input", input);
  const int64_t time = sizes[first ? 1 : 0], batch = single ? 1 : sizes[first ? 0 : 1];
  if (time == 0) fail(settings_.name, "expected sequences of one or more steps, got ", sizes);
  check_states(h, c, batch, single);
  const Tensor x = (first ? input.transpose(0, 1) : input).reshape({time * batch, sizes.back()});
  Result result = layers(x, h, c, integer_list(time, batch));
  if (single) {
    result.h = result.h.squeeze(1);
    if (c.defined()) result.c = result.c.squeeze(1);
    return result;
  }
  result.output = result.output.reshape({time, batch, result.output.size(1)});
  if (first) result.output = result.output.transpose(0, 1);
  return result;
}

RNNBase::Result RNNBase::run(const PackedSequence& input, Tensor h, Tensor c) const {
  const Shape& sizes = defined_impl(input.data(), settings_.name)->sizes;
  if (sizes.size() != 2 || sizes[1] != settings_.input_size) {
    fail(settings_.name, "expected packed sequences of shape [ΣL, ", settings_.input_size,
         "], got ", sizes);
  }
  check_dtype("an input", input.data());
  const std::vector<int64_t> batches = input.batches();
  check_states(h, c, batches[0], false);
  const auto sorted = [](const Tensor& x, const Tensor& order) {
    return x.defined() && order.defined() ? x.index_select(1, order) : x;
  };
  const Tensor &order = input.sorted_indices(), &back = input.unsorted_indices();
  const Result result = layers(input.data(), sorted(h, order), sorted(c, order), batches);
  return {result.output, sorted(result.h, back), sorted(result.c, back)};
}

std::string RNNBase::extra_repr() const {
  const auto& [name, cell, inputs, hidden, layers, bias, first, p, both, proj] = settings_;
  std::string line = text(inputs, ", ", hidden);
  if (proj != 0) line += text(", proj_size=", proj);
  if (layers != 1) line += text(", num_layers=", layers);
  if (!bias) line += ", bias=False";
  if (first) line += ", batch_first=True";
  if (p != 0) line += text(", dropout=", p);
  if (both) line += ", bidirectional=True";
  return line;
}

}  // namespace norma::nn
