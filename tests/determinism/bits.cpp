// Trains small networks and computes every function whose bits could depend on the processor, and
// prints a hash of each result: test_determinism.py runs it under many conditions. Without an
// argument deterministic algorithms are on.
#include <norma/norma.h>

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>

using namespace norma;

namespace {

uint64_t hash(const Tensor& x, uint64_t h = 1469598103934665603U) {
  const Tensor flat = x.detach().contiguous();
  const auto add = [&](const auto* data) {
    using Bits = std::conditional_t<sizeof *data == 4, uint32_t, uint64_t>;
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const auto bits = std::bit_cast<Bits>(data[i]);
      for (std::size_t byte = 0; byte < sizeof bits; ++byte) {
        h = (h ^ (bits >> (8 * byte) & 255)) * 1099511628211U;
      }
    }
  };
  if (x.dtype() == kFloat32) {
    add(flat.data_ptr<float>());
  } else if (x.dtype() == kFloat64) {
    add(flat.data_ptr<double>());
  } else {
    add(flat.data_ptr<int64_t>());
  }
  return h;
}

void show(const std::string& name, const Tensor& x) {
  std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(hash(x)));
}
void show(const std::string& name, const nn::Module& net) {
  uint64_t h = 0;
  for (const auto& [key, value] : net.state_dict()) h = hash(value, h + 1);
  std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(h));
}

void functions(DType dtype) {
  const Tensor x = randn({4, 999}, {.dtype = dtype}) * 3, y = rand({4, 999}, {.dtype = dtype});
  const std::string of = std::string(" ") + dtype_name(dtype);
  show("exp" + of, x.exp());
  show("log" + of, y.log());
  show("tanh" + of, x.tanh());
  show("sigmoid" + of, x.sigmoid());
  show("gelu" + of, x.gelu());
  show("gelu_tanh" + of, x.gelu(true));
  for (const auto function : {sin, cos, tan, atan, sinh, cosh, asinh, exp2, expm1, erf, erfc, sinc})
    show("functions" + of, function(x));
  for (const auto function : {asin, acos, atanh, erfinv, log1p, log2, log10, rsqrt})
    show("functions of fractions" + of, function(y));
  show("acosh" + of, acosh(y + 1));
  show("atan2" + of, atan2(x, y));
  show("hypot" + of, hypot(x, y));
  show("mish" + of, functional::mish(x));
  show("elu" + of, functional::elu(x));
  show("softplus" + of, functional::softplus(x));
  show("pow" + of, y.pow(1.7));
  show("pow_each" + of, y.pow(x));
  show("bce" + of, functional::binary_cross_entropy_with_logits(x, y));
  show("log_softmax" + of, x.log_softmax(1));
  show("norm" + of, x.norm(3));
  show("std" + of, x.std());
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 1, 1000}, {5, 7, 300}, {70, 530, 260}}) {
    const Tensor a = randn({m, k}, {.dtype = dtype}), b = randn({k, n}, {.dtype = dtype});
    const Tensor bt = randn({n, k}, {.dtype = dtype});
    show("matmul" + of, matmul(a, b));
    show("matmul_t" + of, matmul(a, bt.t()));
  }
}

template <class Optimizer>
void train(const std::string& name, nn::Sequential net, Optimizer optimizer, const Shape& input,
           DType dtype) {
  optim::CosineAnnealingLR schedule(optimizer, 7);
  for (int step = 0; step < 12; ++step) {
    const Tensor x = randn(input, {.dtype = dtype});
    const Tensor labels = randint(0, 10, {input[0]});
    Tensor loss = functional::cross_entropy(net.forward(x), labels, {.label_smoothing = 0.1});
    optimizer.zero_grad();
    loss.backward();
    optim::clip_grad_norm_(net.parameters(), 1.0, 3.0);
    optimizer.step();
    schedule.step();
  }
  net.eval();
  show(name + " " + dtype_name(dtype), net);
  show(name + "_output " + dtype_name(dtype), net.forward(randn(input, {.dtype = dtype})));
}

void networks(DType dtype) {
  nn::Sequential mlp{nn::Linear(37, 130), nn::BatchNorm1d(130), nn::ReLU(), nn::Dropout(0.3),
                     nn::Linear(130, 60), nn::LayerNorm({60}),  nn::GELU(), nn::Linear(60, 10)};
  mlp.to(dtype);
  train("mlp", mlp, optim::Adam(mlp.parameters(), {.lr = 1e-2}), {70, 37}, dtype);

  nn::Sequential cnn{nn::Conv2d(3, 16, 3, {.padding = 1, .bias = false}),
                     nn::BatchNorm2d(16),
                     nn::ReLU(),
                     nn::Conv2d(16, 16, 3, {.padding = 1, .groups = 16}),
                     nn::Conv2d(16, 24, 1),
                     nn::GroupNorm(4, 24),
                     nn::Tanh(),
                     nn::MaxPool2d(2),
                     nn::Conv2d(24, 24, 5, {.stride = 2, .padding = 2}),
                     nn::BatchNorm2d(24),
                     nn::Sigmoid(),
                     nn::AvgPool2d(2),
                     nn::Flatten(),
                     nn::Linear(24 * 4, 10)};
  cnn.to(dtype);
  train("cnn", cnn, optim::SGD(cnn.parameters(), {.lr = 0.1, .momentum = 0.9, .nesterov = true}),
        {9, 3, 16, 16}, dtype);
}

}  // namespace

int main(int argc, char**) {
  if (argc < 2) use_deterministic_algorithms(true);
  for (const DType dtype : {kFloat32, kFloat64}) {
    manual_seed(7);
    functions(dtype);
    networks(dtype);
  }
}
