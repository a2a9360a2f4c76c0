// How tensors are filled with random numbers. For Norma's own sources, which are compiled without
// contraction to fused multiply-add where they compute with what they draw.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "norma/core/error.h"
#include "norma/core/random.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma {

/// log(x) for normal positive x from exact operations alone: the same bits everywhere.
double portable_log(double x);

inline constexpr double kScale53 = 1.0 / 9007199254740992.0;  // 2^-53

inline uint64_t word64(const std::array<uint32_t, 4>& words, int i) {
  const std::size_t first = 2 * static_cast<std::size_t>(i);
  return static_cast<uint64_t>(words[first + 1]) << 32 | words[first];
}

template <class T>
constexpr int64_t kPerBlock = sizeof(T) == 4 ? 4 : 2;

/// Calls `take(i, number)` for each of the first `count` numbers that `draw(words, k)` makes of the
/// blocks from `first` on, k counting those within a block of four words.
template <class T, class Draw, class Take>
void from_blocks(int64_t count, uint64_t seed, uint64_t first, const Draw& draw, const Take& take) {
  const int64_t blocks = (count + kPerBlock<T> - 1) / kPerBlock<T>;
  parallel_for(blocks, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const auto words = Generator::block(seed, first + static_cast<uint64_t>(b));
      const int64_t at = b * kPerBlock<T>, n = std::min<int64_t>(kPerBlock<T>, count - at);
      for (int64_t k = 0; k < n; ++k) take(at + k, draw(words, static_cast<int>(k)));
    }
  });
}

/// Fills `tensor` with the numbers that `draw` makes; returns the first block and how many it took.
template <class T, class Draw>
std::pair<uint64_t, uint64_t> fill_from_blocks(const Tensor& tensor, Generator& generator,
                                               Draw draw) {
  const int64_t count = tensor.numel();
  const auto blocks = static_cast<uint64_t>((count + kPerBlock<T> - 1) / kPerBlock<T>);
  const uint64_t first = generator.reserve(blocks), seed = generator.seed();
  T* out = values_of<T>(tensor);
  from_blocks<T>(count, seed, first, draw, [out](int64_t i, T number) { out[i] = number; });
  return {first, blocks};
}

/// Random fills write to row-major memory; other layouts are filled through a copy.
template <class Fill>
Tensor fill_in_place(const char* op, Tensor& tensor, Fill fill) {
  TensorImpl* impl = defined_impl(tensor, op);
  if (!is_floating(impl->dtype)) {
    fail(op, "expected a floating tensor, got ", impl->dtype);
  }
  if (impl->node && impl->requires_grad && !tensor.is_leaf()) {
    fail(op, "expected a tensor without history, got the result of ", tensor.grad_fn_name());
  }
  Tensor target = impl->contiguous ? tensor : new_tensor(impl->sizes, impl->dtype);
  with_memory(0, [&] {
    dispatch_floating(impl->dtype, [&]<class T>() { fill.template operator()<T>(target); });
  });
  if (!target.is_same(tensor)) {
    tensor.detach().copy_(target);
  } else {
    impl->storage->bump_version();
  }
  return tensor;
}

template <class T>
T uniform_draw(const std::array<uint32_t, 4>& words, int i) {
  if constexpr (sizeof(T) == 4) {
    return static_cast<T>(words[static_cast<std::size_t>(i)] >> 8) * 0x1p-24f;
  } else {
    return static_cast<T>(word64(words, i) >> 11) * kScale53;
  }
}

}  // namespace norma
