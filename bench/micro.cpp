// Single loops at the shapes of the workloads, each beside what the machine can do:
//
//   NORMA_NUM_THREADS=1 norma_micro --benchmark_filter=conv
//
// GFLOP/s stand beside `peak`, the same of a product of large matrices, GB/s beside `copy`, that of
// copying more than the caches hold. Both are measured once, before the first
// result. More than the peak is possible for a convolution, whose multiplications are counted as
// the definition has them, and more than the copy for what fits the caches.
#include <benchmark/benchmark.h>
#include <norma/norma.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "norma/core/kernels/conv/conv.h"
#include "timing.h"

namespace {

namespace kernels = norma::kernels;
using norma::Tensor;

/// GFLOP/s and GB/s that this machine reaches on the threads in use.
struct Ceiling {
  double peak, copy;

  Ceiling() {
    const norma::NoGradGuard no_grad;
    constexpr int64_t kSide = 1024, kFloats = 64 << 20;
    const Tensor a = norma::randn({kSide, kSide});
    const bench::Timing timing{.blocks = 5, .seconds = 0.1};
    peak = 2e-6 * kSide * kSide * kSide / bench::milliseconds(timing, [&] { matmul(a, a); });
    const Tensor from = norma::zeros({kFloats}), to = norma::zeros({kFloats});
    const double ms = bench::milliseconds(timing, [&] {
      norma::parallel_for(kFloats, 1 << 16, [&](int64_t begin, int64_t end) {
        std::memcpy(to.data_ptr<float>() + begin, from.data_ptr<float>() + begin,
                    static_cast<std::size_t>(end - begin) * sizeof(float));
      });
    });
    copy = 1e-6 * 2 * kFloats * sizeof(float) / ms;
  }
};
const Ceiling& ceiling() {
  static const Ceiling measured;
  return measured;
}

void count_operations(benchmark::State& state, double operations) {
  state.counters["GFLOP/s"] =
      benchmark::Counter(1e-9 * operations, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["peak"] = ceiling().peak;
}

/// `floats` read or written in every iteration.
void count_memory(benchmark::State& state, double floats) {
  state.counters["GB/s"] =
      benchmark::Counter(4e-9 * floats, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["copy"] = ceiling().copy;
}

// --- Convolutions: batch, channels in and out, side, kernel, stride ---

struct Convolution {
  kernels::Conv2dShape shape;
  Tensor x, w, y, dx, dw;

  explicit Convolution(const benchmark::State& state) {
    const int64_t in = state.range(1), out = state.range(2), side = state.range(3),
                  kernel = state.range(4), stride = state.range(5), pad = kernel / 2;
    const int64_t size = (side + 2 * pad - kernel) / stride + 1;
    shape = {state.range(0), in,     side,   side, out, size, size, kernel,
             kernel,         stride, stride, pad,  pad, 1,    1,    1};
    x = norma::randn({shape.batch, in, side, side});
    w = norma::randn({out, in, kernel, kernel});
    y = norma::randn({shape.batch, out, size, size});
    dx = norma::empty_like(x);
    dw = norma::empty_like(w);
  }
  double operations() const {
    return 2.0 * static_cast<double>(y.numel() * shape.in_channels * shape.kernel_size());
  }
};

void conv_forward(benchmark::State& state) {
  const Convolution c(state);
  for (auto _ : state) {
    kernels::conv2d_forward<float>(c.shape, c.x.data_ptr<float>(), c.w.data_ptr<float>(), nullptr,
                                   c.y.data_ptr<float>());
  }
  count_operations(state, c.operations());
}

void conv_backward_input(benchmark::State& state) {
  const Convolution c(state);
  for (auto _ : state) {
    kernels::conv2d_backward<float>(c.shape, c.x.data_ptr<float>(), c.w.data_ptr<float>(),
                                    c.y.data_ptr<float>(), c.dx.data_ptr<float>(), nullptr,
                                    nullptr);
  }
  count_operations(state, c.operations());
}

void conv_backward_weight(benchmark::State& state) {
  const Convolution c(state);
  for (auto _ : state) {
    kernels::conv2d_backward<float>(c.shape, c.x.data_ptr<float>(), c.w.data_ptr<float>(),
                                    c.y.data_ptr<float>(), nullptr, c.dw.data_ptr<float>(),
                                    nullptr);
  }
  count_operations(state, c.operations());
}

void conv_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "in", "out", "side", "kernel", "stride"});
  benchmark->Args({64, 1, 32, 28, 3, 1})->Args({64, 32, 64, 14, 3, 1});  // cnn
  benchmark->Args({64, 3, 16, 32, 3, 1})->Args({64, 16, 16, 32, 3, 1});  // resnet20
  benchmark->Args({64, 16, 32, 32, 3, 2})->Args({64, 32, 32, 16, 3, 1});
  benchmark->Args({64, 32, 64, 16, 3, 2})->Args({64, 64, 64, 8, 3, 1});
  benchmark->Args({64, 16, 32, 32, 1, 2});
  benchmark->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(conv_forward)->Apply(conv_shapes);
BENCHMARK(conv_backward_input)->Apply(conv_shapes);
BENCHMARK(conv_backward_weight)->Apply(conv_shapes);

// --- Linear layers: rows, inputs, outputs ---

void linear_forward(benchmark::State& state) {
  const norma::NoGradGuard no_grad;
  const Tensor x = norma::randn({state.range(0), state.range(1)});
  const Tensor w = norma::randn({state.range(2), state.range(1)});
  const Tensor b = norma::randn({state.range(2)});
  for (auto _ : state) norma::functional::linear(x, w, b);
  count_operations(state, 2.0 * static_cast<double>(x.numel() * state.range(2)));
}
BENCHMARK(linear_forward)
    ->ArgNames({"rows", "in", "out"})
    ->Args({32, 2, 16})
    ->Args({32, 16, 16})
    ->Args({64, 784, 128})
    ->Args({64, 128, 128})
    ->Args({256, 784, 1024})
    ->Args({256, 1024, 1024})
    ->Args({64, 3136, 10})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// --- Batch normalisation: batch, channels, side ---

void batch_norm_forward(benchmark::State& state) {
  const norma::NoGradGuard no_grad;
  norma::nn::BatchNorm2d norm(state.range(1));
  const Tensor x = norma::randn({state.range(0), state.range(1), state.range(2), state.range(2)});
  for (auto _ : state) norm(x);
  count_memory(state,
               3.0 * static_cast<double>(x.numel()));  // read for the statistics, read, write
}

void batch_norm_backward(benchmark::State& state) {
  norma::nn::BatchNorm2d norm(state.range(1));
  const Tensor x = norma::randn({state.range(0), state.range(1), state.range(2), state.range(2)},
                                {.requires_grad = true});
  const Tensor dy = norma::randn(x.sizes());
  for (auto _ : state) {
    state.PauseTiming();
    const Tensor y = norm(x);
    norm.zero_grad();
    Tensor(x).set_grad(Tensor());
    state.ResumeTiming();
    y.backward(dy);
  }
  count_memory(state, 5.0 * static_cast<double>(x.numel()));  // x and dy twice, dx
}

void norm_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "channels", "side"});
  benchmark->Args({64, 32, 28})->Args({64, 64, 14})->Args({64, 16, 32})->Args({64, 64, 8});
  benchmark->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(batch_norm_forward)->Apply(norm_shapes);
BENCHMARK(batch_norm_backward)->Apply(norm_shapes);

// --- Element by element, and the optimisers: numbers of elements ---

void add(benchmark::State& state) {
  const norma::NoGradGuard no_grad;
  const Tensor x = norma::randn({state.range(0)}), y = norma::randn({state.range(0)});
  x + y;  // takes the memory, which is slow the first time
  for (auto _ : state) x + y;
  count_memory(state, 3.0 * static_cast<double>(x.numel()));
}

void relu(benchmark::State& state) {
  const norma::NoGradGuard no_grad;
  const Tensor x = norma::randn({state.range(0)});
  norma::relu(x);
  for (auto _ : state) norma::relu(x);
  count_memory(state, 2.0 * static_cast<double>(x.numel()));
}

template <class Optimizer, class Options>
void step(benchmark::State& state, const Options& options, double floats) {
  Tensor weight = norma::randn({state.range(0)}, {.requires_grad = true});
  weight.set_grad(norma::randn({state.range(0)}));
  Optimizer optimizer({weight}, options);
  optimizer.step();  // makes the moments
  for (auto _ : state) optimizer.step();
  count_memory(state, floats * static_cast<double>(weight.numel()));
}
void sgd(benchmark::State& state) {
  step<norma::optim::SGD>(
      state, norma::optim::SGDOptions{.lr = 1e-6, .momentum = 0.9, .weight_decay = 1e-4}, 5);
}
void adam(benchmark::State& state) {
  step<norma::optim::Adam>(state, norma::optim::AdamOptions{.lr = 1e-6}, 7);
}

void element_counts(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1 << 12)->Arg(1 << 17)->Arg(1 << 20)->Arg(1 << 24);
  benchmark->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(add)->Apply(element_counts);
BENCHMARK(relu)->Apply(element_counts);
BENCHMARK(sgd)->Apply(element_counts);
BENCHMARK(adam)->Apply(element_counts);

}  // namespace

BENCHMARK_MAIN();
