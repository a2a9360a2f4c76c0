// Sums of products by the names of their dimensions. Two operands are one batched product of
// matrices: dimensions of both that the result keeps are its batches, those of both that it sums
// are its inner ones.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma {

using namespace autograd;

namespace {

constexpr const char* kOp = "einsum";

/// A dimension's name: that of a letter, or behind them of a place in the ellipsis.
using Label = int;
using Labels = std::vector<Label>;
constexpr Label kLetters = 52,
                kDots = 52;  // kDots + i: i-th dimension of an ellipsis, from the end

Label label_of(char letter) { return letter >= 'a' ? letter - 'a' + 26 : letter - 'A'; }
char letter_of(Label label) {
  return static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26);
}

bool has(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}
int64_t place_of(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) - labels.begin();
}

/// One side's subscripts: letters, -1 for the ellipsis.
Labels parse(const std::string& text, const std::string& equation) {
  Labels out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (std::isalpha(static_cast<unsigned char>(text[i]))) {
      out.push_back(label_of(text[i]));
    } else if (text.compare(i, 3, "...") == 0 && !has(out, -1)) {
      out.push_back(-1);
      i += 2;
    } else {
      fail(kOp, "expected letters and at most one \"...\" for an operand, got '", text[i],
           "' in \"", equation, "\"");
    }
  }
  return out;
}

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
  bool has_output = false;

  explicit Equation(const std::string& equation) {
    const std::size_t arrow = equation.find("->");
    std::string left = equation.substr(0, arrow);
    for (std::size_t comma = 0; comma != std::string::npos;) {
      comma = left.find(',');
      inputs.push_back(parse(left.substr(0, comma), equation));
      left = comma == std::string::npos ? "" : left.substr(comma + 1);
    }
    if (arrow == std::string::npos) return;
    has_output = true;
    output = parse(equation.substr(arrow + 2), equation);
  }
};

/// The diagonal of dimensions a < b of one size, in the place of a.
Tensor diagonal(const Tensor& x, int64_t a, int64_t b) {
  const TensorImpl* from = impl_of(x);
  Shape sizes = from->sizes, strides = from->strides;
  strides[a] += strides[b];
  sizes.erase(b);
  strides.erase(b);
  return record({"einsum", {{"offset", int64_t{0}}, {"dim1", a}, {"dim2", b}, {"place", a}}},
                make_view(x, sizes, strides, from->offset), {&x},
                [a, b, whole = x.sizes()](const Tensor& g, InputGrads& d) {
                  d[0] = zeros(whole, {.dtype = g.dtype()});
                  diagonal(d[0], a, b).copy_(g);
                });
}

/// A tensor whose dimensions have names, each of them once.
struct Named {
  Tensor x;
  Labels labels;

  void erase(Label label) { labels.erase(labels.begin() + place_of(labels, label)); }
  /// Dimensions that nobody needs are summed, those of size 1 dropped.
  void sum(const Labels& gone) {
    Shape dims;
    for (Label label : gone) dims.push_back(place_of(labels, label));
    if (!dims.empty()) x = x.sum(dims);
    for (Label label : gone) erase(label);
  }
  int64_t size(Label label) const { return x.size(place_of(labels, label)); }
  void drop(Label label) {
    x = x.squeeze(place_of(labels, label));
    erase(label);
  }
  /// The dimensions in this order.
  Tensor ordered(const Labels& order) const {
    Shape dims;
    bool same = true;
    for (Label label : order) {
      dims.push_back(place_of(labels, label));
      same &= dims.back() == dims.size() - 1;
    }
    return same ? x : x.permute(dims);
  }
};

Named named(const Tensor& operand, const Labels& subscripts, std::size_t index) {
  const Shape& sizes = defined_impl(operand, kOp)->sizes;
  const bool dots = has(subscripts, -1);
  const auto letters = static_cast<int64_t>(subscripts.size()) - (dots ? 1 : 0);
  if (dots ? letters > sizes.size() : letters != sizes.size()) {
    fail(kOp, "expected ", dots ? "at least " : "", letters, " dimensions, as operand ", index,
         " has subscripts, got ", sizes);
  }
  Named out{operand, {}};
  for (Label label : subscripts) {
    if (label >= 0) {
      out.labels.push_back(label);
    } else {
      for (int64_t i = sizes.size() - letters; i > 0; --i)
        out.labels.push_back(kDots + static_cast<Label>(i) - 1);
    }
  }
  for (int64_t b = 1; b < out.x.dim();) {
    const Label label = out.labels[static_cast<std::size_t>(b)];
    const int64_t a = place_of(out.labels, label);
    if (a == b) {
      ++b;
      continue;
    }
    if (out.x.size(a) != out.x.size(b)) {
      fail(kOp, "expected one size for the repeated subscript ", letter_of(label), " of operand ",
           index, ", got ", out.x.size(a), " and ", out.x.size(b));
    }
    out.x = diagonal(out.x, a, b);
    out.labels.erase(out.labels.begin() + b);
  }
  return out;
}

/// Without `->`, the ellipsis and then the letters that occur once, in the order of the alphabet.
Labels implicit_output(const std::vector<Labels>& inputs, Label dots) {
  Labels out;
  for (Label i = dots; i > 0; --i) out.push_back(kDots + i - 1);
  for (Label label = 0; label < kLetters; ++label) {
    int64_t times = 0;
    for (const Labels& input : inputs) times += std::count(input.begin(), input.end(), label);
    if (times == 1) out.push_back(label);
  }
  return out;
}

Labels explicit_output(const Equation& equation, const std::vector<Named>& operands, Label dots) {
  Labels out;
  for (Label label : equation.output) {
    if (label < 0) {
      for (Label i = dots; i > 0; --i) out.push_back(kDots + i - 1);
      continue;
    }
    if (has(out, label)) {
      fail(kOp, "expected every subscript of the output once, got ", letter_of(label), " twice");
    }
    const auto knows = [=](const Named& operand) { return has(operand.labels, label); };
    if (std::none_of(operands.begin(), operands.end(), knows)) {
      fail(kOp, "expected output subscripts that an operand has, got ", letter_of(label));
    }
    out.push_back(label);
  }
  return out;
}

/// Throws unless dimensions of one name have one size, or size 1.
void check_sizes(const std::vector<Named>& operands) {
  std::array<int64_t, kDots + Shape::kMaxDims> sizes;
  sizes.fill(1);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    for (Label label : operands[i].labels) {
      int64_t& known = sizes[static_cast<std::size_t>(label)];
      const int64_t size = operands[i].size(label);
      if (known != 1 && size != 1 && size != known) {
        fail(kOp, "expected sizes that broadcast for ",
             label < kDots ? std::string("subscript ") + letter_of(label) : "the ellipsis",
             ", got ", size, " for operand ", i, " after ", known);
      }
      if (size != 1) known = size;
    }
  }
}

Shape joined(const Named& of, std::initializer_list<const Labels*> groups) {
  Shape sizes;
  for (const Labels* group : groups) {
    int64_t product = 1;
    for (Label label : *group) product *= of.size(label);
    sizes.push_back(product);
  }
  return sizes;
}

Labels concatenated(std::initializer_list<const Labels*> groups) {
  Labels out;
  for (const Labels* group : groups) out.insert(out.end(), group->begin(), group->end());
  return out;
}

/// The product of a and b, summed over what is not `needed` behind it.
Named multiplied(Named a, Named b, const std::vector<bool>& needed) {
  const auto is_needed = [&](Label label) { return needed[static_cast<std::size_t>(label)]; };
  // A dimension of size 1 beside a longer one is none.
  for (Label label : Labels(a.labels)) {
    if (!has(b.labels, label) || a.size(label) == b.size(label)) continue;
    (a.size(label) == 1 ? a : b).drop(label);
  }
  Labels batch, inner, left, right, gone_a, gone_b;
  for (Label label : a.labels) {
    if (has(b.labels, label)) {
      (is_needed(label) ? batch : inner).push_back(label);
    } else {
      (is_needed(label) ? left : gone_a).push_back(label);
    }
  }
  for (Label label : b.labels) {
    if (!has(a.labels, label)) (is_needed(label) ? right : gone_b).push_back(label);
  }
  a.sum(gone_a);
  b.sum(gone_b);
  Named out{{}, concatenated({&batch, &left, &right})};
  Shape sizes;
  for (Label label : out.labels)
    sizes.push_back(has(a.labels, label) ? a.size(label) : b.size(label));
  if (inner.empty()) {  // nothing to sum: element by element
    Shape wide_a, wide_b;
    for (Label label : out.labels) {
      wide_a.push_back(has(a.labels, label) ? a.size(label) : 1);
      wide_b.push_back(has(b.labels, label) ? b.size(label) : 1);
    }
    out.x = a.ordered(concatenated({&batch, &left})).reshape(wide_a) *
            b.ordered(concatenated({&batch, &right})).reshape(wide_b);
    return out;
  }
  Shape shape_a = joined(a, {&batch, &left, &inner}), shape_b = joined(b, {&batch, &inner, &right});
  if (batch.empty()) {
    shape_a.erase(0);
    shape_b.erase(0);
  }
  const Tensor matrices = a.ordered(concatenated({&batch, &left, &inner})).reshape(shape_a);
  out.x = matrices.matmul(b.ordered(concatenated({&batch, &inner, &right})).reshape(shape_b))
              .reshape(sizes);
  return out;
}

/// Dimensions that are contracted, counted from the start.
std::vector<int64_t> wrapped(const Shape& dims, int64_t rank) {
  std::vector<int64_t> out;
  for (int64_t dim : dims) out.push_back(wrap_dim(dim, rank, "tensordot"));
  return out;
}

}  // namespace

Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands) {
  return with_memory(0, [&] {
    const Equation parsed(equation);
    if (operands.empty() || operands.size() != parsed.inputs.size()) {
      fail(kOp, "expected ", parsed.inputs.size(), " operands for \"", equation, "\", got ",
           operands.size());
    }
    std::vector<Named> parts;
    Label dots = 0;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      parts.push_back(named(operands[i], parsed.inputs[i], i));
      for (Label label : parts.back().labels) dots = std::max(dots, label - kDots + 1);
      if (operands[i].dtype() != operands[0].dtype()) {
        fail(kOp, "expected operands of one dtype, got ", operands[0].dtype(), " and ",
             operands[i].dtype(), "; convert with to()");
      }
    }
    check_sizes(parts);
    const Labels output = parsed.has_output ? explicit_output(parsed, parts, dots)
                                            : implicit_output(parsed.inputs, dots);
    // How many of the operands that are left have a dimension, and 1 if the output has it.
    std::vector<int> uses(kDots + Shape::kMaxDims, 0);
    for (Label label : output) ++uses[static_cast<std::size_t>(label)];
    for (const Named& part : parts)
      for (Label label : part.labels) ++uses[static_cast<std::size_t>(label)];
    std::vector<bool> needed(uses.size());
    const auto use = [&](const Named& part) {
      for (Label label : part.labels) --uses[static_cast<std::size_t>(label)];
      for (std::size_t i = 0; i < uses.size(); ++i) needed[i] = uses[i] > 0;
    };
    Named result = parts[0];
    use(result);
    for (std::size_t i = 1; i < parts.size(); ++i) {
      use(parts[i]);
      result = multiplied(std::move(result), std::move(parts[i]), needed);
    }
    Labels gone;
    for (Label label : result.labels)
      if (!has(output, label)) gone.push_back(label);
    result.sum(gone);
    // Dimensions of size 1 that were dropped beside a longer one are back with that.
    return result.ordered(output);
  });
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Shape& dims_a, const Shape& dims_b) {
  const char* const op = "tensordot";
  const Shape sa = defined_impl(a, op)->sizes, sb = defined_impl(b, op)->sizes;
  if (dims_a.size() != dims_b.size()) {
    fail(op, "expected as many dimensions of both operands, got ", dims_a, " and ", dims_b);
  }
  return with_memory(0, [&] {
    const std::vector<int64_t> inner_a = wrapped(dims_a, sa.size()),
                               inner_b = wrapped(dims_b, sb.size());
    Shape order_a, order_b, out;
    int64_t left = 1, right = 1, inner = 1;
    for (std::size_t i = 0; i < inner_a.size(); ++i) {
      if (sa[inner_a[i]] != sb[inner_b[i]]) {
        fail(op, "expected equal sizes in the contracted dimensions, got ", sa[inner_a[i]],
             " in dimension ", inner_a[i], " of ", sa, " and ", sb[inner_b[i]], " in dimension ",
             inner_b[i], " of ", sb);
      }
      inner *= sa[inner_a[i]];
      order_b.push_back(inner_b[i]);
    }
    for (int64_t d = 0; d < sa.size(); ++d) {
      if (std::find(inner_a.begin(), inner_a.end(), d) != inner_a.end()) continue;
      order_a.push_back(d);
      out.push_back(sa[d]);
      left *= sa[d];
    }
    for (int64_t d : inner_a) order_a.push_back(d);
    for (int64_t d = 0; d < sb.size(); ++d) {
      if (std::find(inner_b.begin(), inner_b.end(), d) != inner_b.end()) continue;
      order_b.push_back(d);
      out.push_back(sb[d]);
      right *= sb[d];
    }
    return a.permute(order_a)
        .reshape({left, inner})
        .matmul(b.permute(order_b).reshape({inner, right}))
        .reshape(out);
  });
}

Tensor tensordot(const Tensor& a, const Tensor& b, int64_t dims) {
  const int64_t rank = defined_impl(a, "tensordot")->sizes.size();
  if (dims < 0 || dims > rank || dims > defined_impl(b, "tensordot")->sizes.size()) {
    fail("tensordot", "expected from 0 to as many dimensions as ", a.sizes(), " and ", b.sizes(),
         " have, got ", dims);
  }
  Shape last, first;
  for (int64_t i = 0; i < dims; ++i) {
    last.push_back(rank - dims + i);
    first.push_back(i);
  }
  return tensordot(a, b, last, first);
}

}  // namespace norma
