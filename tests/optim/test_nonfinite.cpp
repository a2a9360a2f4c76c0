// Optimisers and a gradient that is once not finite: PyTorch's outcome, and only where it was.
#include <functional>
#include <map>
#include <memory>

#include "norma/tests/optim/support.h"
#include "norma/tests/support/golden_file.h"

using norma::Tensor;
namespace optim = norma::optim;

namespace {

using Make = std::function<std::unique_ptr<optim::Optimizer>(const Tensor&)>;

template <class Kind, class Options>
Make make(const Options& options) {
  return [options](const Tensor& p) { return std::make_unique<Kind>(std::vector{p}, options); };
}

const std::map<std::string, Make> kOptimisers = {
    {"sgd", make<optim::SGD>(optim::SGDOptions{.lr = 0.1})},
    {"momentum", make<optim::SGD>(optim::SGDOptions{.lr = 0.1, .momentum = 0.9})},
    {"nesterov", make<optim::SGD>(optim::SGDOptions{
                     .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true})},
    {"adam", make<optim::Adam>(optim::AdamOptions{.lr = 0.1})},
    {"amsgrad", make<optim::Adam>(optim::AdamOptions{.lr = 0.1, .amsgrad = true})},
    {"adamw", make<optim::AdamW>(optim::AdamWOptions{.lr = 0.1})},
};

/// 70 ones after three steps; element 33 has the gradient `value` in the second.
std::vector<double> outcome(const Make& make, double value) {
  Tensor p = norma::ones({70}).requires_grad_();
  const std::unique_ptr<optim::Optimizer> optimiser = make(p);
  for (int step = 0; step < 3; ++step) {
    Tensor g = norma::ones({70});
    if (step == 1) g.select(0, 33).fill_(value);
    p.set_grad(g);
    optimiser->step();
  }
  return to_vector(p);
}

}  // namespace

TEST_CASE(
    "a gradient that is not finite: PyTorch's outcome, and the other elements as without it") {
  int count = 0;
  for (const GoldenLine& line : read_golden(NORMA_OPTIM_TESTS "golden_nonfinite.txt")) {
    INFO(line.words[0] << " " << line.words[1]);
    const Make& make = kOptimisers.at(line.words[0]);
    const std::vector<double> got = outcome(make, std::stod(line.words[1]));
    const std::vector<double> usual = outcome(make, 1.0);
    const double want = line.numbers[0];
    if (std::isnan(want)) {
      CHECK(std::isnan(got[33]));
    } else if (std::isinf(want)) {
      CHECK(got[33] == want);
    } else {
      CHECK(got[33] == Approx(want).epsilon(1e-6));
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (i != 33 && got[i] != usual[i]) FAIL("element " << i << " changed");
    }
    ++count;
  }
  CHECK(count == 30);
}
