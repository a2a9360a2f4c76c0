// Replays cases that PyTorch computed, in both precisions, and reports the worst error per family.
//   usage: parity [-v] FILE.json ...          -v: also where the worst errors are
//          parity -l                          lists the operations that cases may name
// An error is relative to the largest element of the tensor, or to the largest input where all
// elements should be 0. Allowed are
//   float64: 1e-10 for an operation, 1e-8 along a training;
//   float32: 1e-5 for a result, 1e-4 for a gradient, and never more than twice the error of
//            PyTorch's own float32 against its float64 result (see cases.py) and one unit in the
//            last place of the largest element: two correct roundings can differ by that.
// Where cancellation leaves PyTorch itself with more than the limit, twice its error is the limit,
// in float64 scaled by the ratio of the two precisions' units; and what should be 0 by cancellation
// may be as far off as the largest input's last places, 2^-48 of it.
#include "norma/tests/parity/parity.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace parity {
namespace {

std::map<std::string, Replay>& replays() {
  static std::map<std::string, Replay> all;
  return all;
}

enum Kind { kForward, kGradient };

struct Worst {
  double error[2][2] = {};  // [float32][gradient]
  std::string where[2][2];
  double against_torch = 0;  // float32 error / PyTorch's own, beyond one unit
  int cases = 0, failures = 0;
};

class Replayer {
 public:
  Replayer(std::string family, const norma::NamedTensors& tensors) : family_(std::move(family)) {
    for (const auto& [name, tensor] : tensors) tensors_[name] = tensor;
  }

  void replay(const Json& line, int number) {
    ++worst.cases;
    failed_ = false;
    for (const norma::DType dtype : {norma::kFloat64, norma::kFloat32}) {
      where_ = family_ + "/" + line.at("op").get<std::string>() + ", case " +
               std::to_string(number) + ", " + norma::dtype_name(dtype);
      try {
        replay_as(dtype, line, std::to_string(number));
      } catch (const std::exception& error) {
        failure(std::string("throws ") + error.what());
      }
    }
    worst.failures += failed_;
  }

  Worst worst;

 private:
  static Tensor seen(Tensor x, const Json& views) {
    for (const Json& view : views) {
      const auto name = view.at(0).get<std::string>();
      const auto number = [&](std::size_t i) { return view.at(i).get<int64_t>(); };
      if (name == "permute") {
        x = x.permute(shape_of(view.at(1)));
      } else if (name == "slice") {
        x = x.slice(number(1), number(2), number(3), number(4));
      } else if (name == "select") {
        x = x.select(number(1), number(2));
      } else if (name == "expand") {
        x = x.expand(shape_of(view.at(1)));
      } else {
        throw std::runtime_error("unknown view " + name);
      }
    }
    return x;
  }

  // Among the finite elements.
  static double largest_finite(const Tensor& x) {
    const Tensor values = x.to(norma::kFloat64).contiguous();
    double largest = 0;
    for (int64_t i = 0; i < values.numel(); ++i) {
      const double value = std::fabs(values.data_ptr<double>()[i]);
      if (std::isfinite(value)) largest = std::max(largest, value);
    }
    return largest;
  }

  void replay_as(norma::DType dtype, const Json& line, const std::string& number) {
    Tensors leaves, x;
    scale_ = 0;
    for (std::size_t k = 0; k < line.at("inputs").size(); ++k) {
      const Json& input = line.at("inputs").at(k);
      const Tensor& stored = tensors_.at(number + ".x" + std::to_string(k));
      scale_ = std::max(scale_, largest_finite(stored));
      leaves.push_back(stored.dtype() == norma::kFloat32 ? stored.to(dtype).clone()
                                                         : stored.clone());
      if (input.at("grad").get<bool>()) leaves.back().requires_grad_();
      x.push_back(seen(leaves.back(), input.at("views")));
    }
    const auto operation = replays().find(family_ + "/" + line.at("op").get<std::string>());
    if (operation == replays().end()) throw std::runtime_error("no such operation here");
    const Tensors y = operation->second(x, line.at("options"));

    const Json& outputs = line.at("outputs");
    if (y.size() != outputs.size()) {
      return failure("gives " + std::to_string(y.size()) + " outputs, expected " +
                     std::to_string(outputs.size()));
    }
    const auto histories = line.at("options").value("histories", std::size_t{0});
    Tensor total;
    for (std::size_t k = 0; k < y.size(); ++k) {
      const bool history = k > 0 && k <= histories;
      compare("output " + std::to_string(k), y[k], tensors_.at(number + ".y" + std::to_string(k)),
              dtype,
              {.kind = history ? kGradient : kForward,
               .along_training = histories > 0,
               .by_step = history && dtype == norma::kFloat32,
               .torch_error = outputs.at(k).at("float32_error").get<double>()});
      if (!y[k].requires_grad()) continue;
      const Tensor part = (y[k] * cotangent(y[k], k)).sum().to(dtype);
      total = total.defined() ? total + part : part;
    }
    if (total.defined()) total.backward();
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      const std::string what = "gradient of input " + std::to_string(k);
      const Json& input = line.at("inputs").at(k);
      if (!input.contains("float32_error")) {
        if (leaves[k].grad().defined()) failure(what + ": PyTorch has none");
      } else if (!leaves[k].grad().defined()) {
        failure(what + ": there is none");
      } else {
        compare(what, leaves[k].grad(), tensors_.at(number + ".g" + std::to_string(k)), dtype,
                {.kind = kGradient, .torch_error = input.at("float32_error").get<double>()});
      }
    }
  }

  struct Standard {
    Kind kind;
    bool along_training = false;
    bool by_step = false;  // the first dimension counts steps, whose median error counts
    double torch_error = 0;
  };

  // The largest distance from `first` to `last`; infinite where only one is finite, or both differ.
  static double distance(const double* got, const double* want, int64_t first, int64_t last) {
    double largest = 0;
    for (int64_t i = first; i < last; ++i) {
      if (got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))) continue;
      const double here = std::fabs(got[i] - want[i]);
      largest = std::isfinite(here) ? std::max(largest, here) : INFINITY;
    }
    return largest;
  }

  void compare(const std::string& what, const Tensor& got, const Tensor& want,
               norma::DType precision, const Standard& standard) {
    const bool floating = norma::is_floating(want.dtype());
    const norma::DType dtype = floating ? precision : want.dtype();
    if (got.sizes() != want.sizes() || got.dtype() != dtype) {
      return failure(what + ": " + got.sizes().str() + " " + norma::dtype_name(got.dtype()) +
                     ", expected " + want.sizes().str() + " " + norma::dtype_name(dtype));
    }
    const Tensor g = got.detach().to(norma::kFloat64).contiguous();
    const Tensor w = want.to(norma::kFloat64).contiguous();
    double largest = largest_finite(w);
    if (largest == 0) largest = scale_;
    const int64_t parts = standard.by_step ? w.size(0) : 1;
    std::vector<double> errors;
    for (int64_t i = 0; i < parts; ++i) {
      errors.push_back(distance(g.data_ptr<double>(), w.data_ptr<double>(), i * w.numel() / parts,
                                (i + 1) * w.numel() / parts));
    }
    std::sort(errors.begin(), errors.end());
    const double error = errors[errors.size() / 2], torch_error = standard.torch_error;

    const bool single = precision == norma::kFloat32;
    const double unit = std::ldexp(largest, -23), twice = 2 * torch_error + unit;
    const double limit = (standard.kind == kGradient ? 1e-4 : 1e-5) * largest;
    double allowed = 0;
    if (floating && single) {
      allowed = torch_error <= limit ? std::min(twice, limit) : twice;
    } else if (floating) {
      allowed = std::max((standard.along_training ? 1e-8 : 1e-10) * largest,
                         std::max(std::ldexp(2 * torch_error, -29), std::ldexp(scale_, -48)));
    }
    if (!(error <= allowed)) {
      char text[160];
      std::snprintf(text, sizeof(text),
                    ": error %.2g, allowed %.2g (largest %.3g, PyTorch's own in float32 %.2g)",
                    error, allowed, largest, torch_error);
      failure(what + " " + want.sizes().str() + text);
    }
    // The table is about numbers, not about what rounding left of zeros.
    if (!floating || torch_error > 1e-3 * largest) return;
    if (double& worst_error = worst.error[single][standard.kind]; error / largest > worst_error) {
      worst_error = error / largest;
      worst.where[single][standard.kind] = where_ + ", " + what;
    }
    if (single && error > unit && torch_error > 0) {
      worst.against_torch = std::max(worst.against_torch, (error - unit) / torch_error);
    }
  }

  void failure(const std::string& message) {
    std::printf("FAILED %s: %s\n", where_.c_str(), message.c_str());
    failed_ = true;
  }

  std::string family_, where_;
  std::map<std::string, Tensor> tensors_;
  bool failed_ = false;
  double scale_ = 0;  // the largest input
};

int run(int count, char** paths, bool verbose) {
  std::map<std::string, Worst> families;
  int failures = 0;
  for (int i = 0; i < count; ++i) {
    const std::string path = paths[i], stem = path.substr(0, path.rfind('.'));
    const std::string family = stem.substr(stem.find_last_of('/') + 1);
    const Json file = Json::parse(std::ifstream(path));
    Replayer replayer(family, norma::load_safetensors(stem + ".safetensors").tensors);
    int number = 0;
    for (const Json& line : file.at("cases")) replayer.replay(line, number++);
    families[family] = replayer.worst;
    failures += replayer.worst.failures;
  }
  std::printf("%-16s %6s %10s %10s %10s %10s %10s\n", "worst error of", "cases", "float64",
              "gradient", "float32", "gradient", "/PyTorch's");
  for (const auto& [family, worst] : families) {
    std::printf("%-16s %6d %10.1e %10.1e %10.1e %10.1e %10.2f\n", family.c_str(), worst.cases,
                worst.error[0][0], worst.error[0][1], worst.error[1][0], worst.error[1][1],
                worst.against_torch);
    for (int i = 0; verbose && i < 4; ++i) {
      std::printf("    %.1e  %s\n", worst.error[i / 2][i % 2], worst.where[i / 2][i % 2].c_str());
    }
  }
  if (failures > 0) std::printf("%d cases failed\n", failures);
  return failures > 0 ? 1 : 0;
}

}  // namespace

Tensor cotangent(const Tensor& y, std::size_t index) {
  Tensor values = norma::empty(y.sizes(), {.dtype = norma::kFloat64});
  double* data = values.data_ptr<double>();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t mixed = i * 7919 + 101 * static_cast<int64_t>(index) + 13;
    data[i] = static_cast<double>(mixed % 1024 - 512) / 512;
  }
  return values.to(y.dtype());
}

Family::Family(const std::string& name, const std::map<std::string, Replay>& operations) {
  for (const auto& [operation, replay] : operations) replays()[name + "/" + operation] = replay;
}

}  // namespace parity

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "-l") {
    for (const auto& known : parity::replays()) std::puts(known.first.c_str());
    return 0;
  }
  const bool verbose = argc > 1 && std::string(argv[1]) == "-v";
  const int first = verbose ? 2 : 1;
  if (argc <= first) {
    std::fprintf(stderr, "usage: %s [-v] FILE.json ... | -l\n", argv[0]);
    return 2;
  }
  return parity::run(argc - first, argv + first, verbose);
}
