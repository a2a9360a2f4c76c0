// Operations at the ends of their range against PyTorch: the same NaN and infinities, and float32
// errors that are no larger than PyTorch's own. A row is a name of golden_numerics.txt.
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/golden_file.h"
#include "norma/tests/support/numerics.h"

using namespace norma;

namespace {

using Tensors = std::vector<Tensor>;
using Function = std::function<Tensor(const Tensors&)>;
namespace F = norma::functional;

constexpr double kInf = std::numeric_limits<double>::infinity();

#define OP(name, ...)                                            \
  {                                                              \
    name, [](const Tensors& x) -> Tensor { return __VA_ARGS__; } \
  }

const std::map<std::string, Function> kOps = {
    // single elements
    OP("abs", x[0].abs()),
    OP("neg", -x[0]),
    OP("exp", x[0].exp()),
    OP("log", x[0].log()),
    OP("sqrt", x[0].sqrt()),
    OP("square", x[0].square()),
    OP("sigmoid", x[0].sigmoid()),
    OP("tanh", x[0].tanh()),
    OP("relu", x[0].relu()),
    OP("leaky_relu", x[0].leaky_relu()),
    OP("gelu", x[0].gelu()),
    OP("gelu_tanh", x[0].gelu(true)),
    OP("clamp", x[0].clamp(-0.55, 0.75)),
    OP("clamp_min", x[0].clamp_min(-0.55)),
    OP("clamp_max", x[0].clamp_max(0.75)),
    OP("rdiv_1", 1 / x[0]),
    OP("add_1", x[0] + 1),
    OP("mul_1e30", x[0] * 1e30),
    OP("div_3", x[0] / 3),
    OP("div_0", x[0] / 0.0),
    OP("isnan", x[0].isnan()),
    OP("isfinite", x[0].isfinite()),
    OP("pow_0", x[0].pow(0)),
    OP("pow_1", x[0].pow(1)),
    OP("pow_2", x[0].pow(2)),
    OP("pow_3", x[0].pow(3)),
    OP("pow_-1", x[0].pow(-1)),
    OP("pow_-2", x[0].pow(-2)),
    OP("pow_0.5", x[0].pow(0.5)),
    OP("pow_-0.5", x[0].pow(-0.5)),
    OP("pow_2.5", x[0].pow(2.5)),
    OP("pow_7", x[0].pow(7)),
    // two elements
    OP("add", x[0] + x[1]),
    OP("sub", x[0] - x[1]),
    OP("mul", x[0] * x[1]),
    OP("div", x[0] / x[1]),
    OP("pow", pow(x[0], x[1])),
    OP("maximum", maximum(x[0], x[1])),
    OP("minimum", minimum(x[0], x[1])),
    OP("eq", x[0] == x[1]),
    OP("ne", x[0] != x[1]),
    OP("lt", x[0] < x[1]),
    OP("le", x[0] <= x[1]),
    OP("gt", x[0] > x[1]),
    OP("ge", x[0] >= x[1]),
    OP("where_gt", where(x[0] > x[1], x[0], x[1])),
    OP("where_log", where(x[0] > 0, x[0].log(), zeros_like(x[0]))),
    OP("masked_inf", x[0].masked_fill(x[0] < 0, -kInf).softmax(0)),
    // reductions
    OP("sum", x[0].sum()),
    OP("sum[0]", x[0].sum(0)),
    OP("sum[1]", x[0].sum(1)),
    OP("mean", x[0].mean()),
    OP("mean[0]", x[0].mean(0)),
    OP("mean[1]", x[0].mean(1)),
    OP("var", x[0].var()),
    OP("var[0]", x[0].var(0)),
    OP("var[1]", x[0].var(1)),
    OP("var_biased", x[0].var(false)),
    OP("std", x[0].std()),
    OP("std_biased", x[0].std(false)),
    OP("norm_1", x[0].norm(1)),
    OP("norm_2", x[0].norm()),
    OP("norm_3", x[0].norm(3)),
    OP("norm_inf", x[0].norm(kInf)),
    OP("max", x[0].max()),
    OP("min", x[0].min()),
    OP("max0", x[0].max(0).first),
    OP("min0", x[0].min(0).first),
    OP("argmax", x[0].argmax()),
    OP("argmin", x[0].argmin()),
    OP("any", x[0].ne(0).any()),
    // softmax and losses
    OP("softmax", x[0].softmax(1)),
    OP("softmax0", x[0].softmax(0)),
    OP("log_softmax", x[0].log_softmax(1)),
    OP("log_softmax0", x[0].log_softmax(0)),
    OP("cross_entropy", F::cross_entropy(x[0], x[1])),
    OP("cross_entropy_none", F::cross_entropy(x[0], x[1], {.reduction = Reduction::None})),
    OP("cross_entropy_sum", F::cross_entropy(x[0], x[1], {.reduction = Reduction::Sum})),
    OP("cross_entropy_smooth", F::cross_entropy(x[0], x[1], {.label_smoothing = 0.1})),
    OP("cross_entropy_soft", F::cross_entropy(x[0], x[1])),
    OP("cross_entropy_ignored", F::cross_entropy(x[0], x[1], {.ignore_index = 0})),
    OP("nll_loss", F::nll_loss(x[0], x[1])),
    OP("bce", F::binary_cross_entropy_with_logits(x[0], x[1].detach())),
    OP("bce_none",
       F::binary_cross_entropy_with_logits(x[0], x[1].detach(), {.reduction = Reduction::None})),
    OP("bce_pos",
       F::binary_cross_entropy_with_logits(
           x[0], x[1].detach(),
           {.pos_weight = full({}, 3.0, {.dtype = x[0].dtype()}), .reduction = Reduction::None})),
    OP("mse", F::mse_loss(x[0], x[1])),
    OP("mse_none", F::mse_loss(x[0], x[1], Reduction::None)),
    OP("mse_sum", F::mse_loss(x[0], x[1], Reduction::Sum)),
    OP("l1", F::l1_loss(x[0], x[1])),
    OP("l1_none", F::l1_loss(x[0], x[1], Reduction::None)),
    OP("l1_sum", F::l1_loss(x[0], x[1], Reduction::Sum)),
    // products and windows
    OP("linear", F::linear(x[0], x[1], x[2])),
    OP("linear_weight", F::linear(x[0], x[1], x[2])),
    OP("matmul", x[0].matmul(x[1])),
    OP("matmul_t", x[0].matmul(x[1].t())),
    OP("matmul_vector", x[0].matmul(x[1])),
    OP("conv", F::conv2d(x[0], x[1])),
    OP("conv_pad", F::conv2d(x[0], x[1], x[2], {.padding = 1})),
    OP("conv_stride", F::conv2d(x[0], x[1], Tensor(), {.stride = 2, .padding = 2})),
    OP("conv_1x1", F::conv2d(x[0], x[1])),
    OP("conv_depthwise", F::conv2d(x[0], x[1], Tensor(), {.padding = 1, .groups = 4})),
    OP("conv_groups", F::conv2d(x[0], x[1], Tensor(), {.padding = 1, .groups = 2})),
    OP("conv_dilated", F::conv2d(x[0], x[1], Tensor(), {.padding = 2, .dilation = 2})),
    OP("max_pool", F::max_pool2d(x[0], 2)),
    OP("max_pool_3", F::max_pool2d(x[0], 3, {.stride = 1, .padding = 1})),
    OP("avg_pool", F::avg_pool2d(x[0], 2)),
    OP("avg_pool_3", F::avg_pool2d(x[0], 3, {.stride = 1, .padding = 1})),
    OP("adaptive_avg_pool", F::adaptive_avg_pool2d(x[0], 1)),
};

struct Case {
  std::string name;
  Measure out_measure, grad_measure;
  Tensors inputs;
  Reference out;
  std::map<std::size_t, Reference> grads;
};

Tensor sequence(const GoldenLine& line) {
  const int64_t n = std::stoll(line.words[3]);
  const double a = std::stod(line.words[4]), b = std::stod(line.words[5]);
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) {
    values.push_back(a + b * (static_cast<double>(i * 7919 % 2003) / 1001.0 - 1.0));
  }
  return tensor(values).to(kFloat32);
}

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  for (const GoldenLine& line : read_golden(NORMA_AUTOGRAD_TESTS "golden_numerics.txt")) {
    const std::string& kind = line.words[0];
    if (kind == "case") {
      const std::string& word = line.words[2];
      const Measure grads = word == "ulp"       ? Measure::ByElement
                            : word == "product" ? Measure::Products
                                                : Measure::ByLargest;
      cases.push_back(
          {line.words[1], word == "out" ? Measure::ByElement : grads, grads, {}, {}, {}});
      continue;
    }
    Case& now = cases.back();
    const auto index = [&] { return static_cast<std::size_t>(std::stoll(line.words[1])); };
    if (kind == "in") {
      const bool made = line.words.size() > 2 && line.words[2] == "sequence";
      now.inputs.push_back(
          made ? sequence(line)
               : line.tensor(line.integers(2), line.words[1] == "i64" ? kInt64 : kFloat32));
    } else if (kind == "out") {
      now.out.narrow = line.numbers;
    } else if (kind == "true") {
      now.out.wide = line.numbers;
    } else if (kind == "grad") {
      now.grads[index()].narrow = line.numbers;
    } else {
      now.grads[index()].wide = line.numbers;
    }
  }
  return cases;
}

Tensor weights_like(const Tensor& out) {
  std::vector<double> values;
  for (int64_t i = 0; i < out.numel(); ++i) {
    const double w = static_cast<double>((i * 3 + 1) % 7 - 3) * 0.25;
    values.push_back(w == 0 ? 1.0 : w);
  }
  return tensor(values).reshape(out.sizes()).to(out.dtype());
}

/// The result and the gradients of a case in one of the floating types.
std::pair<Tensor, Tensors> run(const Case& golden, const Function& f, DType dtype) {
  Tensors inputs, grads;
  for (const Tensor& input : golden.inputs) {
    const bool floating = is_floating(input.dtype());
    inputs.push_back(floating ? input.to(dtype).clone().requires_grad_() : input);
  }
  const Tensor out = f(inputs);
  if (out.requires_grad()) out.backward(weights_like(out));
  for (const Tensor& input : inputs) grads.push_back(input.grad());
  return {out, grads};
}

}  // namespace

TEST_CASE("at the ends of the range: PyTorch's NaN and infinities, and no larger errors") {
  std::set<std::string> seen;
  for (const Case& golden : read_cases()) {
    INFO(golden.name);
    const std::string op = golden.name.substr(0, golden.name.find(':'));
    REQUIRE(kOps.contains(op));
    seen.insert(op);
    const auto [narrow, narrow_grads] = run(golden, kOps.at(op), kFloat32);
    const auto [wide, wide_grads] = run(golden, kOps.at(op), kFloat64);
    const bool zeros = golden.grad_measure == Measure::ByElement;
    CHECK(worse_than(golden.out, to_vector(narrow), golden.out_measure, zeros) == "");
    CHECK(differs(golden.out.wide, to_vector(wide), golden.out_measure, 1e-13, zeros) == "");
    for (const auto& entry : golden.grads) {
      INFO("gradient of input " << entry.first);
      const Measure measure = golden.grad_measure;
      CHECK(worse_than(entry.second, to_vector(narrow_grads[entry.first]), measure) == "");
      CHECK(differs(entry.second.wide, to_vector(wide_grads[entry.first]), measure, 1e-9) == "");
    }
  }
  CHECK(seen.size() == kOps.size());
}

TEST_CASE("ignored rows give no gradient, whatever they hold") {
  for (const double value : {kInf, -kInf, std::numeric_limits<double>::quiet_NaN()}) {
    Tensor x = tensor({{0.0, 1.0}, {0.0, 1.0}}, {.dtype = kFloat64});
    x.select(0, 1).fill_(value);
    const Tensor usual = x.slice(0, 0, 1).detach().clone().requires_grad_();
    x.requires_grad_();
    const Tensor loss = F::cross_entropy(x, tensor({0, -100}));
    const Tensor want = F::cross_entropy(usual, tensor({0}));
    CHECK(equal(loss, want));
    loss.backward();
    want.backward();
    CHECK(equal(x.grad(), cat({usual.grad(), zeros({1, 2}, {.dtype = kFloat64})})));
  }
}

TEST_CASE("a mean is right where the sum of its values is too large for float32") {
  CHECK(tensor({3e38, 2e38, 1e38}).mean().item<float>() == 2e38f);
  CHECK(tensor({3e38, 3e38}).sum().item<float>() == std::numeric_limits<float>::infinity());
}
