// BatchNorm, LayerNorm and GroupNorm where digits are easily lost: float32 errors are no larger
// than PyTorch's own.
#include <map>

#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/golden_file.h"
#include "norma/tests/support/numerics.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

struct Case {
  std::string name, kind;
  int64_t n, c, length;
  double eps;
  Tensor x;
  std::map<std::string, Tensor> params;
  std::map<std::string, Reference> results;
  std::map<std::string, double> errors;
};

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  for (const GoldenLine& line : read_golden(NORMA_LAYERS_TESTS "golden_norm_numerics.txt")) {
    const std::vector<std::string>& w = line.words;
    if (w[0] == "case") {
      const int64_t n = std::stoll(w[3]), c = std::stoll(w[4]), length = std::stoll(w[5]);
      cases.push_back(
          {w[1], w[2], n, c, length, std::stod(w[6]), norma::zeros({n, c, length}), {}, {}, {}});
      continue;
    }
    Case& now = cases.back();
    if (w[0] == "fill") {
      const int64_t at = std::stoll(w[1]), c = now.c, length = now.length;
      const double a = std::stod(w[2]), b = std::stod(w[3]);
      const bool layer = now.kind == "layer";
      for (int64_t i = 0; i < (layer ? 1 : now.n) * length; ++i) {
        const double value =
            a + b * (static_cast<double>((i + 17 * at) * 7919 % 2003) / 1001.0 - 1.0);
        const int64_t row = layer ? at : i / length * c + at;
        now.x.data_ptr<float>()[row * length + i % length] = static_cast<float>(value);
      }
    } else if (w[0] == "set") {
      now.x.data_ptr<float>()[std::stoll(w[1])] = static_cast<float>(std::stod(w[2]));
    } else if (w[0] == "param") {
      now.params[w[1]] = norma::tensor(line.numbers).to(norma::kFloat32);
    } else if (w[0] == "got") {
      now.results[w[1]].narrow = line.numbers;
    } else if (w[0] == "true") {
      now.results[w[1]].wide = line.numbers;
    } else {
      now.errors[w[1]] = std::stod(w[2]);
    }
  }
  return cases;
}

Tensor weights_like(const Tensor& y) {
  std::vector<double> values;
  for (int64_t i = 0; i < y.numel(); ++i) {
    values.push_back((static_cast<double>((i * 5 + 2) % 11) - 4.5) * 0.125);
  }
  return norma::tensor(values).reshape(y.sizes()).to(y.dtype());
}

using Results = std::map<std::string, std::vector<double>>;

void take(const Case& golden, nn::Module& layer) {
  for (const auto& [name, tensor] : layer.state_dict()) {
    if (!golden.params.contains(name)) continue;
    const norma::NoGradGuard no_grad;
    Tensor(tensor).copy_(golden.params.at(name));
  }
}

Results run(const Case& golden, norma::DType dtype) {
  const Tensor x = golden.x.detach().to(dtype).clone().requires_grad_();
  Results results;
  const auto finish = [&](nn::Module& layer, const Tensor& y) {
    y.backward(weights_like(y));
    results["y"] = to_vector(y);
    results["dx"] = to_vector(x.grad());
    for (const auto& [name, parameter] : layer.named_parameters())
      results["d" + name] = to_vector(parameter.grad());
    for (const auto& [name, buffer] : layer.named_buffers()) results[name] = to_vector(buffer);
  };
  if (golden.kind == "layer") {
    nn::LayerNorm layer(golden.length, {.eps = golden.eps});
    take(golden, layer);
    layer.to(dtype);
    finish(layer, layer(x));
  } else if (golden.kind == "group") {
    nn::GroupNorm layer(golden.c, golden.c, {.eps = golden.eps});
    take(golden, layer);
    layer.to(dtype);
    finish(layer, layer(x));
  } else {
    nn::BatchNorm1d layer(golden.c, {.eps = golden.eps});
    take(golden, layer);
    layer.to(dtype);
    layer.train(golden.kind == "batch");
    finish(layer, layer(x));
  }
  return results;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::fabs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("statistics of awkward batches: no larger errors than PyTorch's, the same NaN") {
  for (const Case& golden : read_cases()) {
    INFO(golden.name);
    Results narrow = run(golden, norma::kFloat32), wide = run(golden, norma::kFloat64);
    for (const auto& entry : golden.results) {
      INFO(entry.first);
      CHECK(worse_than(entry.second, narrow[entry.first], Measure::ByLargest) == "");
      CHECK(differs(entry.second.wide, wide[entry.first], Measure::ByLargest, 1e-12) == "");
    }
    for (const auto& entry : golden.errors) {
      INFO(entry.first);
      const double unit = spare_units() * last_place(largest_of(wide[entry.first]));
      const double error = largest_difference(narrow[entry.first], wide[entry.first]);
      INFO("wrong by " << error << ", PyTorch by " << entry.second << ", a unit is " << unit);
      CHECK(error <= std::max(entry.second, unit));
    }
  }
}
