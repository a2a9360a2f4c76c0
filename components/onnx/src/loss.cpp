// Losses, as results of a model or parts of them.
#include "call.h"
#include "norma/core/factory.h"

namespace norma::onnx {

namespace {

/// A little arithmetic on values of the result's type.
struct Math {
  Call& c;
  DType dtype = c.out().dtype();

  std::string number(double value) const { return c.scalar(value, dtype); }
  std::string add(const std::string& a, const std::string& b) const {
    return c.node("Add", {a, b});
  }
  std::string sub(const std::string& a, const std::string& b) const {
    return c.node("Sub", {a, b});
  }
  std::string mul(const std::string& a, const std::string& b) const {
    return c.node("Mul", {a, b});
  }
  std::string sum(const std::string& x, const Shape& dims, bool keepdim = false) const {
    return c.graph.reduce("ReduceSum", x, dims, keepdim);
  }
  std::string log_at_least_100(const std::string& x) const {
    return c.node("Max", {c.node("Log", {x}), number(-100)});
  }
};

/// What becomes of the losses of all elements or rows, which have `rank` dimensions; `total`: what
/// the mean divides by, where it is not their number.
std::string reduced(Call& c, const std::string& losses, int64_t rank,
                    const std::string& total = "") {
  const std::string how = c.word("reduction");
  Shape dims;
  for (int64_t i = 0; i < rank; ++i) dims.push_back(i);
  if (how == "none") return losses;
  const std::string flat =
      rank == 0 ? losses
                : c.graph.reduce(how == "mean" && total.empty() ? "ReduceMean" : "ReduceSum",
                                 losses, dims, false);
  return how == "mean" && !total.empty() ? c.node("Div", {flat, total}) : flat;
}

/// Σ -log p of rows [N, C, …], or of [C], by classes or by their probabilities.
std::string class_loss(Call& c, bool takes_softmax) {
  const Math m{c};
  const int64_t rank = c.rank(0), dim = rank == 1 ? 0 : 1;
  const bool by_class = c.tensor(1).dtype() == kInt64;
  const double smoothing = takes_softmax ? c.number("label_smoothing") : 0;
  const auto classes = static_cast<double>(c.shape(0)[dim]);
  Shape along = Shape::filled(rank, 1), rows;
  along[dim] = c.shape(0)[dim];
  for (int64_t i = 0; i < rank - 1; ++i) rows.push_back(i);
  const std::string logs =
      takes_softmax ? c.node("LogSoftmax", {c.in(0)}, {{"axis", dim}}) : c.in(0);
  // Of every class.
  std::string costs = c.node("Neg", {logs});
  if (c.has(2)) costs = m.mul(costs, c.node("Reshape", {c.in(2), c.graph.integers(along)}));
  if (!by_class) {
    const std::string share =
        m.add(c.linear(c.in(1), 1 - smoothing), m.number(smoothing / classes));
    const std::string losses = m.sum(m.mul(share, costs), {dim});
    return reduced(c, losses, rank - 1);
  }
  const int64_t ignored = c.integer("ignore_index");
  const std::string counts =
      c.node("Not", {c.node("Equal", {c.in(1), c.scalar(static_cast<double>(ignored), kInt64)})});
  const std::string own = c.node("Where", {counts, c.in(1), c.scalar(0, kInt64)});
  const std::string at = c.node("Unsqueeze", {own, c.graph.integers({dim})});
  const std::string picked = c.node("GatherElements", {costs, at}, {{"axis", dim}});
  std::string losses = c.node("Squeeze", {picked, c.graph.integers({dim})});
  if (smoothing != 0) {
    losses =
        m.add(c.linear(losses, 1 - smoothing), c.linear(m.sum(costs, {dim}), smoothing / classes));
  }
  losses = c.node("Where", {counts, losses, m.number(0)});
  std::string weights = c.cast(counts, m.dtype);
  if (c.has(2)) weights = m.mul(weights, c.node("Gather", {c.in(2), own}));
  const std::string total = rank == 1 ? weights : m.sum(weights, rows);
  return reduced(c, losses, rank - 1, total);
}

std::string with_logits(Call& c) {
  const Math m{c};
  const std::string x = c.in(0, m.dtype), t = c.in(1, m.dtype), one = m.number(1);
  std::string slope = c.node("Softplus", {c.node("Neg", {x})});
  if (c.has(3)) {
    const std::string more = m.mul(m.sub(c.in(3), one), t);
    slope = m.mul(slope, m.add(more, one));
  }
  std::string losses = m.add(m.mul(m.sub(one, t), x), slope);
  if (c.has(2)) losses = m.mul(losses, c.in(2));
  return reduced(c, losses, c.rank(0));
}

std::string difference(Call& c) {
  const DType dtype = c.out().dtype();
  return c.node("Sub", {c.in(0, dtype), c.in(1, dtype)});
}

std::string squared(Call& c) {
  const std::string apart = difference(c);
  return reduced(c, c.node("Mul", {apart, apart}), c.rank(0));
}

std::string absolute(Call& c) { return reduced(c, c.node("Abs", {difference(c)}), c.rank(0)); }

/// a² / 2 · inner up to `bound`, and a straight line from there on.
std::string bent(Call& c, double bound, double inner, double slope) {
  const Math m{c};
  const std::string a = c.node("Abs", {difference(c)});
  const std::string curve = c.linear(m.mul(a, a), inner / 2);
  const std::string line = c.linear(m.sub(a, m.number(bound / 2)), slope);
  return c.node("Where", {c.node("Less", {a, m.number(bound)}), curve, line});
}

std::string cross_entropy_of_bits(Call& c) {
  const Math m{c};
  const std::string x = c.in(0, m.dtype), t = c.in(1, m.dtype), one = m.number(1);
  const std::string rest = m.log_at_least_100(m.sub(one, x));
  return m.sub(m.mul(m.sub(t, one), rest), m.mul(t, m.log_at_least_100(x)));
}

std::string times_own_log(Call& c) {
  const Math m{c};
  const std::string is_zero = c.node("Equal", {c.in(0), m.number(0)});
  return c.node("Where", {is_zero, m.number(0), m.mul(c.in(0), c.node("Log", {c.in(0)}))});
}

}  // namespace

Writers loss_writers() {
  return {
      {"cross_entropy", [](Call& c) { return class_loss(c, true); }},
      {"nll_loss", [](Call& c) { return class_loss(c, false); }},
      {"binary_cross_entropy_with_logits", with_logits},
      {"mse_loss", squared},
      {"l1_loss", absolute},
      {"smooth_l1_loss",
       [](Call& c) {
         const double beta = c.number("beta");
         return bent(c, beta, 1 / beta, 1);
       }},
      {"huber_loss",
       [](Call& c) {
         const double delta = c.number("delta");
         return bent(c, delta, 1, delta);
       }},
      {"binary_cross_entropy", cross_entropy_of_bits},
      {"x log x", times_own_log},
  };
}

}  // namespace norma::onnx
