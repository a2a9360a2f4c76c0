// In eval() a sample's answer does not depend on its company: for every layer and five models the
// rows of a batch have the bits that they have alone, in any batch, at any place, on any number of
// threads. (Below AVX2, OpenBLAS orders the sums of a Linear layer by the size of the batch.)
#include <functional>
#include <numeric>

#include "norma/bench/models.h"
#include "norma/core/kernels/gemm.h"
#include "norma/core/sanitizer.h"
#include "norma/core/simd.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

using Forward = std::function<Tensor(const Tensor&)>;

constexpr int64_t kMost = 70;
#ifdef NORMA_SANITIZE
const std::vector<int64_t> kBatches{1, 2, 3, 5, 8, 17, 37, 70};
#else
const std::vector<int64_t> kBatches = [] {
  std::vector<int64_t> sizes(kMost);
  std::iota(sizes.begin(), sizes.end(), 1);
  return sizes;
}();
#endif

/// "" when the samples of `x` have the same answers in every company.
std::string influence(const Forward& forward, const Tensor& x) {
  const NoGradGuard no_grad;
  const int64_t samples = x.size(0);
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < samples; ++i) rows.push_back(forward(x.slice(0, i, i + 1)));
  const Tensor alone = cat(rows, 0);
  for (const int threads : {1, 2}) {
    const ThreadCount count(threads);
    for (const int64_t batch : kBatches) {
      if (batch > samples) break;
      const int64_t first = (samples - batch) * (batch % 3) / 2;
      const std::string other = differing_bits(forward(x.slice(0, first, first + batch)),
                                               alone.slice(0, first, first + batch));
      if (!other.empty()) return text("batch of ", batch, ", ", threads, " threads: ", other);
    }
    const int64_t some = std::min<int64_t>(samples, 37);
    std::string other =
        differing_bits(forward(x.slice(0, 1, 2).expand(x.slice(0, 0, some).sizes())),
                       alone.slice(0, 1, 2).expand(alone.slice(0, 0, some).sizes()));
    if (!other.empty()) return text("copies, ", threads, " threads: ", other);
    const Tensor order = randperm(samples);
    other = differing_bits(forward(x.index_select(0, order)), alone.index_select(0, order));
    if (!other.empty()) return text("permuted, ", threads, " threads: ", other);
  }
  return "";
}

/// Running statistics and weights that are not those of a new layer.
void disturb(nn::Module& module) {
  for (auto& [name, parameter] : module.named_parameters()) {
    const NoGradGuard no_grad;
    parameter.add_(randn(parameter.sizes(), {.dtype = parameter.dtype()}) * 0.1);
  }
  for (auto& [name, buffer] : module.named_buffers()) {
    if (is_floating(buffer.dtype())) buffer.add_(rand(buffer.sizes(), {.dtype = buffer.dtype()}));
  }
}

template <class Layer>
void check(const char* name, Layer layer, const Shape& sample) {
  disturb(layer);
  layer.eval();
  for (const DType dtype : {kFloat32, kFloat64}) {
    layer.to(dtype);
    Shape sizes{kMost};
    for (const int64_t size : sample) sizes.push_back(size);
    INFO(name << " of " << sizes.str() << " " << dtype_name(dtype));
    CHECK(influence([&](const Tensor& x) { return layer(x); }, randn(sizes, {.dtype = dtype})) ==
          "");
  }
}

bool has_no_own_products() {
  if (kernels::own_products() || simd_level() != SimdLevel::Baseline) return false;
  WARN("skipped: this processor's products are OpenBLAS's");
  return true;
}

}  // namespace

TEST_CASE("rows of Linear do not depend on each other") {
  if (has_no_own_products()) return;
  manual_seed(1);
  for (const auto& [in, out] : std::vector<std::pair<int64_t, int64_t>>{{1, 1},
                                                                        {2, 16},
                                                                        {16, 2},
                                                                        {37, 10},
                                                                        {128, 96},
                                                                        {209, 32},
                                                                        {417, 25},
                                                                        {300, 121},
                                                                        {64, 145}}) {
    check("Linear", nn::Linear(in, out), {in});
    check("Linear without bias", nn::Linear(in, out, {.bias = false}), {in});
  }
  check("Linear on sequences", nn::Linear(24, 30), {5, 24});
}

TEST_CASE("rows of recorded calls in eval() have the bits of those without a graph") {
  if (has_no_own_products()) return;
  nn::Linear layer(50, 30);
  layer.eval();
  const Tensor x = randn({9, 50}), y = layer(x);
  const NoGradGuard no_grad;
  for (int use = 0; use < 3; ++use) {
    CHECK(differing_bits(layer(x), y) == "");
    CHECK(differing_bits(layer(x.slice(0, 4, 5)), y.slice(0, 4, 5)) == "");
  }
}

TEST_CASE("samples of normalisations do not depend on each other") {
  manual_seed(2);
  for (const int64_t size : {1, 3, 16, 37, 130}) {
    check("BatchNorm1d", nn::BatchNorm1d(size), {size});
    check("LayerNorm", nn::LayerNorm({size}), {size});
    check("LayerNorm", nn::LayerNorm({size}), {4, size});
  }
  for (const auto& [h, w] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3, 5}, {12, 12}}) {
    check("BatchNorm2d", nn::BatchNorm2d(6), {6, h, w});
    check("GroupNorm", nn::GroupNorm(3, 6), {6, h, w});
    check("LayerNorm", nn::LayerNorm({6, h, w}), {6, h, w});
  }
}

TEST_CASE("samples of activations, pooling and softmax do not depend on each other") {
  manual_seed(3);
  for (const Shape& sample : {Shape{1}, Shape{37}, Shape{3, 7, 9}, Shape{5, 16, 16}}) {
    check("ReLU", nn::ReLU(), sample);
    check("LeakyReLU", nn::LeakyReLU(), sample);
    check("Sigmoid", nn::Sigmoid(), sample);
    check("Tanh", nn::Tanh(), sample);
    check("GELU", nn::GELU(), sample);
    check("GELU by tanh", nn::GELU({.approximate = "tanh"}), sample);
    check("Softmax", nn::Softmax(1), sample);
    check("Softmax of the last", nn::Softmax(-1), sample);
    check("Dropout", nn::Dropout(), sample);
    check("Flatten", nn::Flatten(), sample);
  }
  for (const auto& [h, w] : std::vector<std::pair<int64_t, int64_t>>{{7, 9}, {16, 16}}) {
    check("MaxPool2d", nn::MaxPool2d(2), {3, h, w});
    check("AvgPool2d", nn::AvgPool2d(3), {3, h, w});
    check("AdaptiveAvgPool2d to one cell", nn::AdaptiveAvgPool2d(1), {3, h, w});
    check("AdaptiveAvgPool2d", nn::AdaptiveAvgPool2d(3), {3, h, w});
  }
}

TEST_CASE("samples of the benchmark's models do not depend on each other") {
  if (has_no_own_products()) return;
  for (const std::string& name : bench::workload_names()) {
    bench::Workload workload = bench::make_workload(name, kMost);
    workload.model->eval();
    INFO(name);
    CHECK(influence([&](const Tensor& x) { return (*workload.model)(x); }, workload.inputs) == "");
  }
}
