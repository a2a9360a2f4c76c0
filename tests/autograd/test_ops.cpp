// Every operation of the tensor core: values and gradients against PyTorch, gradients against
// central differences, inputs in odd layouts, float32 close to float64. A row is a name of
// golden_ops.txt.
#include <algorithm>
#include <map>
#include <set>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/golden_file.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

using Tensors = std::vector<Tensor>;

/// What follows the name of an operation in brackets, as in "sum[0,2]k".
struct Args {
  Shape dims;
  bool given = false, keep = false;
  int64_t operator[](int64_t i) const { return dims[i]; }
};

using Function = Tensor (*)(const Tensors& x, const Args& a);

/// OP(name, expression in the inputs x and the arguments a)
#define OP(name, ...)                                                                       \
  {                                                                                         \
    name, []([[maybe_unused]] const Tensors& x, [[maybe_unused]] const Args& a) -> Tensor { \
      return __VA_ARGS__;                                                                   \
    }                                                                                       \
  }

Tensor copy(const Tensor& x) { return x.clone(); }

const double kInfinity = std::numeric_limits<double>::infinity();

const std::map<std::string, Function> kOps = {
    // arithmetic
    OP("add", x[0] + x[1]),
    OP("sub", x[0] - x[1]),
    OP("mul", x[0] * x[1]),
    OP("div", x[0] / x[1]),
    OP("pow", pow(x[0], x[1])),
    OP("maximum", maximum(x[0], x[1])),
    OP("minimum", minimum(x[0], x[1])),
    OP("add_2.5", x[0] + 2.5),
    OP("add_3", x[0] + 3),
    OP("add_true", x[0] + true),
    OP("sub_2.5", x[0] - 2.5),
    OP("sub_3", x[0] - 3),
    OP("mul_-1.5", x[0] * -1.5),
    OP("mul_3", x[0] * 3),
    OP("mul_true", x[0] * true),
    OP("div_-2.5", x[0] / -2.5),
    OP("div_2", x[0] / 2),
    OP("radd_2.5", 2.5 + x[0]),
    OP("rsub_2.5", 2.5 - x[0]),
    OP("rsub_3", 3 - x[0]),
    OP("rmul_2.5", 2.5 * x[0]),
    OP("rdiv_2.5", 2.5 / x[0]),
    OP("rdiv_0", 0 / x[0]),
    OP("neg", -x[0]),
    OP("pow_0", x[0].pow(0)),
    OP("pow_1", x[0].pow(1)),
    OP("pow_2", x[0].pow(2)),
    OP("pow_2.0", pow(x[0], 2.0)),
    OP("pow_3", x[0].pow(3)),
    OP("pow_-1", x[0].pow(-1)),
    OP("pow_-2", x[0].pow(-2)),
    OP("pow_0.5", x[0].pow(0.5)),
    OP("pow_2.5", x[0].pow(2.5)),
    OP("pow_-0.5", x[0].pow(-0.5)),
    // in place
    OP("add_", copy(x[0]).add_(x[1])),
    OP("sub_", copy(x[0]).sub_(x[1])),
    OP("mul_", copy(x[0]).mul_(x[1])),
    OP("div_", copy(x[0]).div_(x[1])),
    OP("copy_", copy(x[0]).copy_(x[1])),
    OP("add_2.5_", copy(x[0]).add_(2.5)),
    OP("add_2_", copy(x[0]).add_(2)),
    OP("sub_2.5_", copy(x[0]).sub_(2.5)),
    OP("mul_2.5_", copy(x[0]).mul_(2.5)),
    OP("div_2.5_", copy(x[0]).div_(2.5)),
    OP("neg_", copy(x[0]).neg_()),
    OP("exp_", copy(x[0]).exp_()),
    OP("sqrt_", copy(x[0]).sqrt_()),
    OP("relu_", copy(x[0]).relu_()),
    OP("sigmoid_", copy(x[0]).sigmoid_()),
    OP("tanh_", copy(x[0]).tanh_()),
    OP("clamp_", copy(x[0]).clamp_(-0.5, 0.75)),
    OP("fill_", copy(x[0]).fill_(1.25)),
    OP("zero_", copy(x[0]).zero_()),
    OP("pow_3_", copy(x[0]).pow_(3)),
    OP("operators", (((copy(x[0]) += 1) -= 0.5) *= 3) /= 2),
    // element by element
    OP("abs", abs(x[0])),
    OP("exp", exp(x[0])),
    OP("log", log(x[0])),
    OP("sqrt", sqrt(x[0])),
    OP("square", x[0].square()),
    OP("sigmoid", sigmoid(x[0])),
    OP("tanh", tanh(x[0])),
    OP("relu", relu(x[0])),
    OP("leaky_relu", x[0].leaky_relu()),
    OP("leaky_relu_0.3", x[0].leaky_relu(0.3)),
    OP("gelu", x[0].gelu()),
    OP("gelu_tanh", x[0].gelu(true)),
    OP("clamp", clamp(x[0], -0.5, 0.75)),
    OP("clamp_int", x[0].clamp(-1, 2)),
    OP("clamp_crossed", x[0].clamp(1, -1)),
    OP("clamp_min", x[0].clamp_min(-0.5)),
    OP("clamp_max", x[0].clamp_max(0.75)),
    OP("masked_fill", x[0].masked_fill(x[1], 2.5)),
    OP("where", where(x[0], x[1], x[2])),
    // comparisons
    OP("eq", x[0] == x[1]),
    OP("eq_1", x[0] == 1),
    OP("eq_0.5", x[0] == 0.5),
    OP("ne", x[0] != x[1]),
    OP("ne_1", x[0] != 1),
    OP("ne_0.5", x[0] != 0.5),
    OP("lt", x[0] < x[1]),
    OP("lt_1", x[0] < 1),
    OP("lt_0.5", x[0] < 0.5),
    OP("le", x[0] <= x[1]),
    OP("le_1", x[0] <= 1),
    OP("le_0.5", x[0] <= 0.5),
    OP("gt", x[0] > x[1]),
    OP("gt_1", x[0] > 1),
    OP("gt_0.5", x[0] > 0.5),
    OP("ge", x[0] >= x[1]),
    OP("ge_1", x[0] >= 1),
    OP("ge_0.5", x[0] >= 0.5),
    OP("logical_not", x[0].logical_not()),
    OP("isnan", x[0].isnan()),
    OP("isfinite", x[0].isfinite()),
    // reductions
    OP("sum", a.given ? x[0].sum(a.dims, a.keep) : sum(x[0])),
    OP("mean", a.given ? x[0].mean(a.dims, a.keep) : mean(x[0])),
    OP("var", a.given ? x[0].var(a.dims, true, a.keep) : x[0].var()),
    OP("var_biased", a.given ? x[0].var(a.dims, false, a.keep) : x[0].var(false)),
    OP("std", a.given ? x[0].std(a.dims, true, a.keep) : x[0].std()),
    OP("std_biased", a.given ? x[0].std(a.dims, false, a.keep) : x[0].std(false)),
    OP("norm_0.5", x[0].norm(0.5)),
    OP("norm_1", a.given ? x[0].norm(1, a.dims, a.keep) : x[0].norm(1)),
    OP("norm_2", a.given ? x[0].norm(2, a.dims, a.keep) : x[0].norm()),
    OP("norm_3", a.given ? x[0].norm(3, a.dims, a.keep) : x[0].norm(3)),
    OP("norm_inf", a.given ? x[0].norm(kInfinity, a.dims, a.keep) : x[0].norm(kInfinity)),
    OP("max", a.given ? x[0].max(a[0], a.keep).first : x[0].max()),
    OP("min", a.given ? x[0].min(a[0], a.keep).first : x[0].min()),
    OP("max_index", x[0].max(a[0], a.keep).second),
    OP("min_index", x[0].min(a[0], a.keep).second),
    OP("argmax", a.given ? x[0].argmax(a[0], a.keep) : x[0].argmax()),
    OP("argmin", a.given ? x[0].argmin(a[0], a.keep) : x[0].argmin()),
    OP("any", a.given ? x[0].any(a[0], a.keep) : x[0].any()),
    OP("all", a.given ? x[0].all(a[0], a.keep) : x[0].all()),
    OP("softmax", softmax(x[0], a[0])),
    OP("log_softmax", log_softmax(x[0], a[0])),
    // matrices
    OP("matmul", matmul(x[0], x[1])),
    OP("matmul_tn", x[0].t().matmul(x[1])),
    OP("matmul_nt", x[0].matmul(x[1].t())),
    OP("matmul_tt", x[0].t().matmul(x[1].t())),
    OP("matmul_column", x[0].select(1, 1).matmul(x[1])),
    OP("matmul_rows", x[0].slice(0, 0, 5, 2).matmul(x[1])),
    OP("matmul_expanded", x[0].expand({3, 3}).matmul(x[1])),
    OP("matmul_permuted", x[0].permute({2, 0, 1}).matmul(x[1])),
    OP("linear", functional::linear(x[0], x[1], x.size() > 2 ? x[2] : Tensor())),
    // joins and picks
    OP("cat", cat(x, a[0])),
    OP("stack", stack(x, a[0])),
    OP("index_select", x[0].index_select(a[0], x[1])),
    OP("gather", x[0].gather(a[0], x[1])),
    // views and copies
    OP("reshape", x[0].reshape({4, -1})),
    OP("reshape_t", x[0].transpose(0, 1).reshape(-1)),
    OP("view", x[0].view({2, -1, 3})),
    OP("view_0d", x[0].view({})),
    OP("view_strided", x[0].slice(1, 0, 8, 2).view({x[0].size(0), 2, -1})),
    OP("flatten", a.dims.size() == 2   ? x[0].flatten(a[0], a[1])
                  : a.dims.size() == 1 ? x[0].flatten(a[0])
                                       : x[0].flatten()),
    OP("transpose", x[0].transpose(a[0], a[1])),
    OP("t", x[0].t()),
    OP("permute", x[0].permute({2, 0, -2})),
    OP("squeeze", a.given ? x[0].squeeze(a[0]) : x[0].squeeze()),
    OP("unsqueeze", x[0].unsqueeze(a[0])),
    OP("narrow", x[0].narrow(1, 1, 2)),
    OP("narrow_back", x[0].narrow(-1, -2, 1)),
    OP("narrow_none", x[0].narrow(0, 2, 0)),
    OP("select", x[0].select(a[0], a[1])),
    OP("index", x[0][1]),
    OP("slice", x[0].slice(0, 1, 5, 2)),
    OP("slice_back", x[0].slice(1, -3, -1)),
    OP("slice_over", x[0].slice(0, 3, 100, 7)),
    OP("expand", x[0].expand({2, 3, -1})),
    OP("expand_0d", x[0].expand({2, 2})),
    OP("expand_none", x[0].expand({0, 3})),
    OP("clone", x[0].clone()),
    OP("contiguous", x[0].t().contiguous()),
    OP("chain",
       x[0].t().slice(0, 1, 3).unsqueeze(0).expand({2, -1, -1}).permute({1, 2, 0}).flatten()),
    OP("detach", x[0].detach() * 2),
    OP("to_f64", x[0].to(kFloat64)),
    OP("to_f32", x[0].to(kFloat32) * 2),
    OP("to_i64", x[0].to(kInt64)),
    OP("to_u8", x[0].to(kUInt8)),
    OP("to_bool", x[0].to(kBool)),
    // creation
    OP("arange_5", arange(5)),
    OP("arange_5.0", arange(5.0)),
    OP("arange_1_10_3", arange(1, 10, 3)),
    OP("arange_5_0_-2", arange(5, 0, -2)),
    OP("arange_0_1_0.25", arange(0, 1, 0.25)),
    OP("arange_1_1", arange(1, 1)),
    OP("arange_f64", arange(0.5, 3, 0.7, {.dtype = kFloat64})),
    OP("arange_i64", arange(0.5, 3.7, 1, {.dtype = kInt64})),
    OP("arange_u8", arange(250, 256, 1, {.dtype = kUInt8})),
    OP("linspace_5", linspace(-1, 1, 5)),
    OP("linspace_f64", linspace(0, 1, 4, {.dtype = kFloat64})),
    OP("linspace_1", linspace(3, 5, 1)),
    OP("linspace_0", linspace(3, 5, 0)),
    OP("linspace_i64", linspace(0, 10, 4, {.dtype = kInt64})),
    OP("eye_3", eye(3)),
    OP("eye_2_3", eye(2, 3, {.dtype = kFloat64})),
    OP("eye_3_2", eye(3, 2, {.dtype = kInt64})),
    OP("full", full({2, 2}, 2.5)),
    OP("full_i64", full(2, 7, {.dtype = kInt64})),
    OP("zeros_bool", zeros({2, 0, 3}, {.dtype = kBool})),
    OP("ones_like", ones_like(x[0])),
    OP("zeros_like", zeros_like(x[0])),
    OP("full_like", full_like(x[0], 1.5)),
};

struct Case {
  std::string op;  // the name up to the bracket
  Args args;
  bool check = true;  // against central differences
  Tensors inputs;     // those that require gradients do
  Tensor out;
  std::vector<Tensor> grads;
};

DType dtype_of_name(const std::string& name) {
  return name == "f64"   ? kFloat64
         : name == "f32" ? kFloat32
         : name == "i64" ? kInt64
         : name == "u8"  ? kUInt8
                         : kBool;
}

void parse_name(const std::string& name, Case& result) {
  const std::size_t open = name.find('['), close = name.find(']');
  result.op = name.substr(0, open);
  if (open == std::string::npos) return;
  result.args.given = true;
  result.args.keep = name.back() == 'k';
  for (std::size_t at = open; at < close; at = name.find_first_of(",]", at + 1)) {
    result.args.dims.push_back(std::stoll(name.substr(at + 1)));
  }
}

std::vector<std::pair<std::string, Case>> read_cases() {
  std::vector<std::pair<std::string, Case>> cases;
  for (const GoldenLine& line : read_golden(NORMA_AUTOGRAD_TESTS "golden_ops.txt")) {
    if (line.words[0] == "case") {
      Case& next = cases.emplace_back(line.words[1], Case{}).second;
      parse_name(line.words[1], next);
      next.check = line.words.size() == 2;
      continue;
    }
    Case& now = cases.back().second;
    if (line.words[0] == "grad") {
      const Tensor& input = now.inputs[static_cast<std::size_t>(std::stoll(line.words[1]))];
      now.grads.resize(now.inputs.size());
      if (line.has_numbers) {
        now.grads[static_cast<std::size_t>(std::stoll(line.words[1]))] = line.tensor(input.sizes());
      }
      continue;
    }
    const bool constant = line.words.size() > 2 && line.words[2] == "const";
    const DType dtype = dtype_of_name(line.words[1]);
    Tensor value = line.tensor(line.integers(constant ? 3 : 2), dtype);
    if (line.words[0] == "out") {
      now.out = value;
    } else {
      now.inputs.push_back(value.requires_grad_(!constant && is_floating(dtype)));
    }
  }
  return cases;
}

/// Values and gradients of a case for these inputs; `odd_gradient`: in an odd layout too.
void compare(const Case& golden, Function f, const Tensors& inputs, bool odd_gradient) {
  const Tensor out = f(inputs, golden.args);
  const double tolerance = golden.out.dtype() == kFloat32 ? 1e-6 : 1e-10;
  CHECK(mismatch(out, golden.out, tolerance, tolerance / 10) == "");
  CHECK(out.requires_grad() == !golden.grads.empty());
  if (!out.requires_grad()) return;
  const Tensor weights =
      arange(1, out.numel() + 1).to(kFloat64).sqrt().to(out.dtype()).reshape(out.sizes());
  out.backward(odd_gradient ? scattered(weights) : weights);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    INFO("gradient of input " << i);
    if (inputs[i].requires_grad())
      CHECK(mismatch(inputs[i].grad(), golden.grads[i], 1e-9, 1e-11) == "");
  }
}

Tensors gradients_of_sum(const Case& golden, Function f, bool expanded) {
  Tensors inputs, grads;
  for (const Tensor& x : golden.inputs) {
    inputs.push_back(x.detach().clone().requires_grad_(x.requires_grad()));
  }
  const Tensor out = f(inputs, golden.args);
  const Tensor one = ones({}, {.dtype = out.dtype()}).expand(out.sizes());
  out.backward(expanded ? one : one.clone());
  for (const Tensor& input : inputs) grads.push_back(input.grad());
  return grads;
}

}  // namespace

TEST_CASE("every operation gives PyTorch's values and gradients") {
  std::set<std::string> seen;
  for (auto& [name, golden] : read_cases()) {
    INFO(name);
    seen.insert(golden.op);
    REQUIRE(kOps.contains(golden.op));
    const Function f = kOps.at(golden.op);
    Tensors odd, narrow;
    for (const Tensor& input : golden.inputs) {
      INFO("input of shape " << input.sizes());
      odd.push_back(scattered(input).requires_grad_(input.requires_grad()));
      narrow.push_back(input.dtype() == kFloat64 ? input.detach().to(kFloat32) : input);
    }
    {
      INFO("inputs in row-major order");
      compare(golden, f, golden.inputs, false);
    }
    {
      INFO("inputs in another order and with gaps");
      // PyTorch's own layout decides what view() may do; contiguous() is meant to differ.
      if (golden.op != "view" && golden.op != "view_0d" && golden.op != "view_strided")
        compare(golden, f, odd, true);
    }
    {
      INFO("float32");
      const Tensor out = f(narrow, golden.args);
      if (golden.out.dtype() == kFloat64 && !golden.inputs.empty() && golden.op != "to_f64") {
        CHECK(out.dtype() == kFloat32);
      }
      if (!golden.inputs.empty() && golden.check) {
        CHECK(mismatch(out.to(kFloat64), golden.out.to(kFloat64), 1e-5, 2e-6) == "");
      }
    }
    if (!golden.grads.empty()) {
      INFO("the gradient that sum() sends: one number, expanded");
      const Tensors plain = gradients_of_sum(golden, f, false),
                    repeated = gradients_of_sum(golden, f, true);
      for (std::size_t i = 0; i < plain.size(); ++i)
        CHECK(mismatch(repeated[i], plain[i], 1e-12) == "");
    }
    if (golden.check && !golden.grads.empty()) {
      // Where a kink has a derivative of 0, its second derivative is none.
      Tensors away;
      for (const Tensor& x : golden.inputs) {
        away.push_back(x.detach().masked_fill(x.eq(0), 1));
        away.back().requires_grad_(x.requires_grad());
      }
      const std::string error =
          gradient_error([&, &args = golden.args](const Tensors& x) { return f(x, args); }, away);
      CHECK(error == "");
    }
  }
  CHECK(seen.size() == kOps.size());
}
