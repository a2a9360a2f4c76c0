// Recurrent layers: one direction of one layer is one operation, which is told the part of the sums
// that comes from the input, with the biases.
#include "call.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

/// The rows of a weight by ONNX's order of the gates: input, output, forget, cell of an LSTM;
/// update, reset, new of a GRU.
Tensor in_order(const Tensor& weight, const std::string& op) {
  if (op != "lstm" && op != "gru") return weight;
  const std::vector<Tensor> gates = weight.chunk(op == "lstm" ? 4 : 3, 0);
  return op == "lstm" ? cat({gates[0], gates[3], gates[1], gates[2]})
                      : cat({gates[1], gates[0], gates[2]});
}

/// Sequences of several lengths: where the rows of the steps, which those that have ended lack, are
/// in a row of padded ones, and the other way.
struct Packed {
  Tensor to_padded, to_packed, lengths;

  Packed(const Tensor& batches, int64_t sequences) {
    std::vector<int64_t> padded, packed, counts(static_cast<std::size_t>(sequences), 0);
    for (int64_t t = 0, row = 0; t < batches.numel(); ++t) {
      const auto batch = batches.select(0, t).item<int64_t>();
      for (int64_t i = 0; i < sequences; ++i) {
        padded.push_back(i < batch ? row + i : 0);
        if (i >= batch) continue;
        packed.push_back(t * sequences + i);
        ++counts[static_cast<std::size_t>(i)];
      }
      row += batch;
    }
    to_padded = tensor(padded), to_packed = tensor(packed), lengths = tensor(counts).to(kInt32);
  }
};

std::string recurrence(Call& c) {
  const std::string& op = c.step().op;
  const Tensor weight = c.tensor(3);
  const int64_t hidden = weight.size(1), gates = weight.size(0), steps = c.integer("num_steps");
  const Size sequences = c.size("batch_size");
  const bool is_packed = c.has(5);
  if (is_packed && (!c.is_constant(5) || sequences.per_sample != 0))
    c.refuse("lengths of sequences that are constant");
  std::optional<Packed> packed;
  if (is_packed) packed.emplace(c.tensor(5), sequences.fixed);
  const auto picked = [&](const std::string& x, const Tensor& rows) {
    return c.node("Gather", {x, c.graph.constant(rows)}, {{"axis", int64_t{0}}});
  };
  const std::string sums = is_packed ? picked(c.in(0), packed->to_padded) : c.in(0);
  if (!c.is_constant(3) || (c.has(4) && !c.is_constant(4))) c.refuse("weights that are constant");
  const DType dtype = c.out().dtype();
  const auto constant = [&](const Tensor& x) { return c.graph.constant(x.unsqueeze(0)); };
  const auto state = [&](int i) { return c.node("Unsqueeze", {c.in(i), c.graph.integers({0})}); };
  // Its own weights only put the sums in order.
  const Tensor bias = c.has(4) ? in_order(c.tensor(4), op) : zeros({gates}, {.dtype = dtype});
  std::vector<std::string> inputs = {c.reshaped(sums, {{steps, 0}, sequences, {gates, 0}}),
                                     constant(in_order(eye(gates, {.dtype = dtype}), op)),
                                     constant(in_order(weight, op)),
                                     constant(cat({zeros({gates}, {.dtype = dtype}), bias})),
                                     is_packed ? c.graph.constant(packed->lengths) : "",
                                     state(1)};
  if (op == "lstm") inputs.push_back(state(2));
  const std::string direction = c.flag("reverse") ? "reverse" : "forward";
  std::vector<std::string> results;
  if (op == "lstm") {
    results = c.graph.nodes("LSTM", inputs, 3, {{"hidden_size", hidden}, {"direction", direction}});
  } else if (op == "gru") {
    // Norma's bias of the state is within the reset gate's product.
    results = c.graph.nodes(
        "GRU", inputs, 2,
        {{"hidden_size", hidden}, {"direction", direction}, {"linear_before_reset", int64_t{1}}});
  } else {
    const std::string f = op == "rnn_tanh" ? "Tanh" : "Relu";
    results = c.graph.nodes(
        "RNN", inputs, 2,
        {{"hidden_size", hidden}, {"direction", direction}, {"activations", std::vector{f}}});
  }
  if (is_packed) {
    const std::string padded =
        c.node("Reshape", {results[0], c.graph.integers({steps * sequences.fixed, hidden})});
    results[0] = picked(padded, packed->to_packed);
  }
  // As the operation gives them: one after the other.
  for (std::string& result : results) result = c.node("Reshape", {result, c.graph.integers({-1})});
  return c.node("Concat", results, {{"axis", int64_t{0}}});
}

}  // namespace

Writers recurrent_writers() {
  return {{"lstm", recurrence},
          {"gru", recurrence},
          {"rnn_tanh", recurrence},
          {"rnn_relu", recurrence}};
}

}  // namespace norma::onnx
