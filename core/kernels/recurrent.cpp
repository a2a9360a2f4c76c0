// Fast recurrent layers; their plain twin is plain/recurrent.h.
//
// Sequences do not meet: each thread takes some of them through all steps. The weight of the state
// is packed once for all steps and threads.
#include "norma/core/kernels/recurrent.h"

#include <optional>

#include "norma/core/grains.h"
#include "norma/core/kernels/gemm.h"
#include "norma/core/kernels/matmul.h"
#include "norma/core/kernels/plain/recurrent.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/vector_math.h"
#include "norma/core/simd.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

/// The products of one weight with the states of every step.
template <class T>
class StepProduct {
 public:
  /// c [rows, n] = a [rows, k] b + start; b is [k, n], or stored transposed.
  StepProduct(bool transposed, int64_t n, int64_t k, const T* b, const T* start, int64_t most_rows,
              int64_t steps)
      : product_{false, transposed, most_rows,          n,     k,       nullptr,
                 k,     b,          transposed ? k : n, start, nullptr, n} {
    if (!own_products() || n == 0 || k == 0) return;
    memory_ = gemm_memory(product_);
    if (steps < 2) return;
    panels_.emplace(panels_size(product_));
    packed_ = pack_panels(product_, panels_->data());
  }
  /// Of working memory for each thread.
  int64_t memory() const { return memory_; }
  void operator()(int64_t rows, const T* a, T* c, T* memory) const {
    MatrixProduct<T> p = product_;
    p.m = rows, p.a = a, p.c = c;
    if (memory_ > 0) return gemm(p, memory, packed_);
    matmul(p);
  }

 private:
  MatrixProduct<T> product_;
  int64_t memory_ = 0;
  std::optional<Scratch<T>> panels_;
  Panels<T> packed_;
};

constexpr int64_t kTogether = kGemmRows;  // sequences that a tile takes at once

/// Calls body(first, end, memory) for ranges of sequences, with `each` elements of memory per
/// sequence and `more` besides.
template <class T, class Body>
void for_sequences(const Recurrence& r, int64_t each, int64_t more, Body body) {
  const int64_t work = r.rows() * r.gates() * r.hidden * r.hidden;
  const int64_t groups = ceil_div(r.sequences(), kTogether);
  const int64_t grain = rows_grain(kMultiplyGrain, work / groups);
  const int parts = parallel_parts(groups, grain);
  const int64_t room = each * std::min(r.sequences(), ceil_div(groups, parts) * kTogether) + more;
  Scratch<T> scratch(room * parts);
  parallel_parts_for(parts, groups, [&](int64_t begin, int64_t end, int part) {
    body(begin * kTogether, std::min(end * kTogether, r.sequences()), scratch.data() + part * room);
  });
}

template <class T>
NORMA_INLINE inline void sigmoid_run(T* x, int64_t count) {
  NORMA_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) x[i] = T(1) / (T(1) + fast_exp(-x[i]));
}
template <class T>
NORMA_INLINE inline void tanh_run(const T* x, int64_t count, T* y) {
  NORMA_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) y[i] = fast_tanh(x[i]);
}

/// The rows of one step: `row` is the first of them.
template <class T>
void forward_rows(const Recurrence& r, const RecurrentForward<T>& f, int64_t row, int64_t first,
                  int64_t count, T* sums, T* kept) {
  const int64_t n = r.hidden, width = r.gates() * n, each = f.kept ? r.kept() * n : 0;
  simd<Level512>([=, cell = r.cell, s = f.input + row * width, h = f.h + first * n,
                  c = f.c ? f.c + first * n : nullptr, out = f.out + row * n]() NORMA_INLINE {
    if (cell == Cell::Tanh || cell == Cell::Relu) {
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < count * n; ++i) sums[i] += s[i];
      if (cell == Cell::Tanh) {
        tanh_run(sums, count * n, h);
      } else {
        NORMA_INDEPENDENT
        for (int64_t i = 0; i < count * n; ++i) h[i] = sums[i] < T(0) ? T(0) : sums[i];
      }
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < count * n; ++i) out[i] = h[i];
    }
    for (int64_t b = 0; cell == Cell::Lstm && b < count; ++b) {
      const T *const own = s + b * width, *const p = sums + b * width;
      T *const gates = kept + b * each, *const now = gates + 4 * n, *const curved = now + n;
      T *const state = c + b * n, *const hb = h + b * n, *const y = out + b * n;
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < width; ++i) gates[i] = own[i] + p[i];
      sigmoid_run(gates, 2 * n);
      tanh_run(gates + 2 * n, n, gates + 2 * n);
      sigmoid_run(gates + 3 * n, n);
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < n; ++i)
        now[i] = state[i] = gates[n + i] * state[i] + gates[i] * gates[2 * n + i];
      tanh_run(now, n, curved);
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = hb[i] = gates[3 * n + i] * curved[i];
    }
    for (int64_t b = 0; cell == Cell::Gru && b < count; ++b) {
      const T *const own = s + b * width, *const p = sums + b * width;
      T *const gates = kept + b * each, *const fresh = gates + 2 * n, *const product = fresh + n;
      T *const hb = h + b * n, *const y = out + b * n;
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < 2 * n; ++i) gates[i] = own[i] + p[i];
      sigmoid_run(gates, 2 * n);
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) {
        product[i] = p[2 * n + i];
        fresh[i] = own[2 * n + i] + gates[i] * product[i];
      }
      tanh_run(fresh, n, fresh);
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = hb[i] = fresh[i] + gates[n + i] * (hb[i] - fresh[i]);
    }
  });
}

/// Of step k, whose first row is `row`. `more`: what Gru adds to dh after the product.
template <class T>
void backward_rows(const Recurrence& r, const RecurrentBackward<T>& d, int64_t k, int64_t row,
                   int64_t first, int64_t count, T* more) {
  const int64_t n = r.hidden, width = r.gates() * n;
  // The states c before: those of the step before for the sequences that had it.
  const int64_t time = k > 0 ? r.time(k - 1) : 0;
  const int64_t later = k > 0 ? std::clamp<int64_t>(r.batch(time) - first, 0, count) : 0;
  const auto at = [](auto* values, int64_t offset) { return values ? values + offset : values; };
  simd<Level512>([=, cell = r.cell, dout = d.dout + row * n, out = d.out + row * n,
                  kept = at(d.kept, row * r.kept() * n), ds = d.dinput + row * width,
                  dp = d.dproduct + row * width, dh = d.dh + first * n, dc = at(d.dc, first * n),
                  c0 = at(d.c0, first * n),
                  c_before = at(d.kept, (r.start(time) + first) * 6 * n + 4 * n),
                  before = at(d.before, row * n)]() NORMA_INLINE {
    if (cell == Cell::Tanh) {
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < count * n; ++i)
        ds[i] = (dh[i] + dout[i]) * ((T(1) - out[i]) * (T(1) + out[i]));
    }
    if (cell == Cell::Relu) {
      NORMA_INDEPENDENT
      for (int64_t i = 0; i < count * n; ++i) ds[i] = out[i] <= T(0) ? T(0) : dh[i] + dout[i];
    }
    for (int64_t b = 0; cell == Cell::Lstm && b < count; ++b) {
      const T* const gates = kept + b * 6 * n;
      const T *const i = gates, *const forget = i + n, *const fresh = forget + n,
                     *const o = fresh + n, *const curved = o + 2 * n;
      const T* const last = b < later ? c_before + b * 6 * n : c0 + b * n;
      const T *const g = dh + b * n, *const dy = dout + b * n;
      T *const to = ds + b * width, *const total = dc + b * n;
      NORMA_INDEPENDENT
      for (int64_t j = 0; j < n; ++j) {
        const T slope = g[j] + dy[j], t = curved[j], one = T(1);
        const T sum = total[j] + slope * o[j] * ((one - t) * (one + t));
        to[j] = sum * fresh[j] * i[j] * (one - i[j]);
        to[n + j] = sum * last[j] * forget[j] * (one - forget[j]);
        to[2 * n + j] = sum * i[j] * ((one - fresh[j]) * (one + fresh[j]));
        to[3 * n + j] = slope * t * o[j] * (one - o[j]);
        total[j] = sum * forget[j];
      }
    }
    for (int64_t b = 0; cell == Cell::Gru && b < count; ++b) {
      const T* const gates = kept + b * 4 * n;
      const T *const reset = gates, *const z = reset + n, *const fresh = z + n,
                     *const product = fresh + n, *const h = before + b * n;
      const T *const g = dh + b * n, *const dy = dout + b * n;
      T *const to = ds + b * width, *const of = dp + b * width, *const rest = more + b * n;
      NORMA_INDEPENDENT
      for (int64_t j = 0; j < n; ++j) {
        const T slope = g[j] + dy[j], one = T(1);
        const T inner = slope * (one - z[j]) * ((one - fresh[j]) * (one + fresh[j]));
        to[j] = of[j] = inner * product[j] * reset[j] * (one - reset[j]);
        to[n + j] = of[n + j] = slope * (h[j] - fresh[j]) * z[j] * (one - z[j]);
        to[2 * n + j] = inner;
        of[2 * n + j] = inner * reset[j];
        rest[j] = slope * z[j];
      }
    }
  });
}

}  // namespace

template <class T>
void recurrent_forward(const Recurrence& r, const RecurrentForward<T>& f) {
  if (plain_kernels()) return plain::recurrent_forward(r, f);
  const int64_t n = r.hidden, width = r.gates() * n;
  std::copy_n(f.h0, r.sequences() * n, f.h);
  if (f.c) std::copy_n(f.c0, r.sequences() * n, f.c);
  if (r.rows() * n == 0) return;
  const StepProduct<T> product(true, width, n, f.weight, f.bias, r.sequences(), r.steps());
  const int64_t each = width + (f.kept ? 0 : r.kept() * n);
  for_sequences<T>(r, each, product.memory(), [&](int64_t first, int64_t end, T* memory) {
    T *const sums = memory + product.memory(), *const space = sums + (end - first) * width;
    for (int64_t k = 0; k < r.steps(); ++k) {
      const int64_t t = r.time(k), count = std::min(r.batch(t), end) - first;
      if (count <= 0) continue;
      const int64_t row = r.start(t) + first;
      product(count, f.h + first * n, sums, memory);
      forward_rows(r, f, row, first, count, sums, f.kept ? f.kept + row * r.kept() * n : space);
    }
  });
}

template <class T>
void recurrent_backward(const Recurrence& r, const RecurrentBackward<T>& d) {
  if (plain_kernels()) return plain::recurrent_backward(r, d);
  const int64_t n = r.hidden, width = r.gates() * n;
  if (r.rows() * n == 0) return;
  const StepProduct<T> product(false, n, width, d.weight, nullptr, r.sequences(), r.steps());
  const bool adds = r.cell == Cell::Gru;
  for_sequences<T>(r, adds ? n : 0, product.memory(), [&](int64_t first, int64_t end, T* memory) {
    T* const more = memory + product.memory();
    for (int64_t k = r.steps() - 1; k >= 0; --k) {
      const int64_t t = r.time(k), count = std::min(r.batch(t), end) - first;
      if (count <= 0) continue;
      const int64_t row = r.start(t) + first;
      T* const dh = d.dh + first * n;
      backward_rows(r, d, k, row, first, count, more);
      product(count, d.dproduct + row * width, dh, memory);
      if (!adds) continue;
      simd<Level256>([=]() NORMA_INLINE {
        NORMA_INDEPENDENT
        for (int64_t i = 0; i < count * n; ++i) dh[i] += more[i];
      });
    }
  });
}

#define NORMA_RECURRENT(T)                                                        \
  template void recurrent_forward(const Recurrence&, const RecurrentForward<T>&); \
  template void recurrent_backward(const Recurrence&, const RecurrentBackward<T>&);
NORMA_RECURRENT(float)
NORMA_RECURRENT(double)
#undef NORMA_RECURRENT

}  // namespace norma::kernels
