// What a small target runs: an MLP with BatchNorm and a block of convolutions, evaluated on weights
// from arrays. Its size is held by a test.
#include <norma/norma.h>

#include <array>
#include <cstdio>

namespace nn = norma::nn;
using norma::Tensor;

namespace {

// Stands for weights that a tool wrote as arrays: any numbers, the same in every build.
constexpr std::array<float, 1024> numbers() {
  std::array<float, 1024> values{};
  unsigned state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24) - 0.5f;
  }
  return values;
}
constexpr auto kNumbers = numbers();

/// Parameters from the array, one after the other; running statistics stay.
void give_weights(nn::Module& model) {
  const norma::NoGradGuard no_grad;
  int64_t next = 0;
  for (auto& [name, parameter] : model.named_parameters()) {
    const int64_t count = parameter.numel();
    parameter.copy_(norma::from_blob(kNumbers.data() + next, parameter.sizes()));
    next += count;
  }
}

double sum_of(nn::Sequential& model, const Tensor& input) {
  give_weights(model);
  model.eval();
  const norma::NoGradGuard no_grad;
  return model(input).to(norma::kFloat64).sum().item<double>();
}

}  // namespace

int main() {
  try {
    nn::Sequential mlp(nn::Linear(8, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 4));
    nn::Sequential block(nn::Conv2d(1, 4, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(4),
                         nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(64, 4));
    std::printf("%.4f\n", sum_of(mlp, norma::from_blob(kNumbers.data(), {2, 8})));
    std::printf("%.4f\n", sum_of(block, norma::from_blob(kNumbers.data(), {1, 1, 8, 8})));
  } catch (const norma::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
