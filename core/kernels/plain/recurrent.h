// Recurrent layers, by their definition. The fast version: core/kernels/recurrent.h.
//
// A step computes p = h Wᵀ + b of the state h, and from it and the input's part s:
//
//     Tanh, Relu   h' = f(s + p)
//     Lstm         i, f, o = σ(s + p), g = tanh(s + p);  c' = f c + i g,  h' = o tanh(c')
//     Gru          r, z = σ(s + p),  n = tanh(s + r p);  h' = n + z (h - n)
//
// The gates lie in the order i f g o, and r z n. Kept for backward: the gates, and c' and tanh(c')
// or the p of n.
#pragma once
#include "norma/core/kernels/plain/elementwise.h"
#include "norma/core/kernels/plain/matmul.h"
#include "norma/core/kernels/recurrent_shape.h"

namespace norma::kernels::plain {

template <class T>
void recurrent_forward(const Recurrence& r, const RecurrentForward<T>& f) {
  const int64_t n = r.hidden, width = r.gates() * n;
  std::vector<T> sums(static_cast<std::size_t>(width)), unused(static_cast<std::size_t>(6 * n));
  std::copy_n(f.h0, r.sequences() * n, f.h);
  if (f.c) std::copy_n(f.c0, r.sequences() * n, f.c);
  for (int64_t k = 0; k < r.steps(); ++k) {
    for (int64_t b = 0; b < r.batch(r.time(k)); ++b) {
      const int64_t row = r.start(r.time(k)) + b;
      const T* const s = f.input + row * width;
      T *const h = f.h + b * n, *const c = f.c ? f.c + b * n : nullptr, *const p = sums.data();
      T* const kept = f.kept ? f.kept + row * r.kept() * n : unused.data();
      multiply<T>({false, true, 1, width, n, h, n, f.weight, n, f.bias, p, width});
      for (int64_t j = 0; j < n; ++j) {
        const auto sum = [=](int64_t gate) {
          return double(s[gate * n + j]) + double(p[gate * n + j]);
        };
        const auto keep = [=](int64_t which, double value) {
          return double(kept[which * n + j] = static_cast<T>(value));
        };
        if (r.cell == Cell::Tanh) h[j] = static_cast<T>(tanh(sum(0)));
        if (r.cell == Cell::Relu) h[j] = static_cast<T>(sum(0) < 0 ? 0 : sum(0));
        if (r.cell == Cell::Lstm) {
          const double i = keep(0, sigmoid(sum(0))), forget = keep(1, sigmoid(sum(1)));
          const double g = keep(2, tanh(sum(2))), o = keep(3, sigmoid(sum(3)));
          c[j] = static_cast<T>(keep(4, forget * double(c[j]) + i * g));
          h[j] = static_cast<T>(o * keep(5, tanh(double(c[j]))));
        }
        if (r.cell == Cell::Gru) {
          const double reset = keep(0, sigmoid(sum(0))), z = keep(1, sigmoid(sum(1)));
          const double product = keep(3, double(p[2 * n + j]));
          const double fresh = keep(2, tanh(double(s[2 * n + j]) + reset * product));
          h[j] = static_cast<T>(fresh + z * (double(h[j]) - fresh));
        }
        f.out[row * n + j] = h[j];
      }
    }
  }
}

/// With dh and dc of h' and c', step by step from the last:
///
///     Tanh, Relu   ds = dh f'
///     Lstm         dc += dh o (1 - tanh²(c'));  di = dc g,  df = dc c,  dg = dc i,
///                  do = dh tanh(c'), each times the gate's slope;  dc becomes dc f
///     Gru          dn = dh (1 - z) (1 - n²),  dz = dh (h - n) z (1 - z),  dr = dn p r (1 - r);
///                  of p: dr, dz, dn r;  dh keeps dh z
///
/// and dh becomes (of p) W, to which Gru adds what it keeps.
template <class T>
void recurrent_backward(const Recurrence& r, const RecurrentBackward<T>& d) {
  const int64_t n = r.hidden, width = r.gates() * n;
  std::vector<T> sums(static_cast<std::size_t>(n));
  for (int64_t k = r.steps() - 1; k >= 0; --k) {
    for (int64_t b = 0; b < r.batch(r.time(k)); ++b) {
      const int64_t row = r.start(r.time(k)) + b, last = r.before(k, b);
      const T* const kept = d.kept + row * r.kept() * n;
      T *const ds = d.dinput + row * width, *const dp = d.dproduct + row * width;
      T *const dh = d.dh + b * n, *const dc = d.dc ? d.dc + b * n : nullptr;
      for (int64_t j = 0; j < n; ++j) {
        const auto value = [=](int64_t which) { return double(kept[which * n + j]); };
        const auto give = [=](T* to, int64_t gate, double slope) {
          to[gate * n + j] = static_cast<T>(slope);
        };
        const double g = double(dh[j]) + double(d.dout[row * n + j]);
        const double y = double(d.out[row * n + j]);
        dh[j] = T(0);
        if (r.cell == Cell::Tanh) give(ds, 0, tanh_backward(g, y));
        if (r.cell == Cell::Relu) give(ds, 0, y <= 0 ? 0 : g);
        if (r.cell == Cell::Lstm) {
          const double i = value(0), forget = value(1), fresh = value(2), o = value(3),
                       t = value(5);
          const double before = double(last < 0 ? d.c0[b * n + j] : d.kept[(last * 6 + 4) * n + j]);
          const double total = double(dc[j]) + tanh_backward(g * o, t);
          give(ds, 0, sigmoid_backward(total * fresh, i));
          give(ds, 1, sigmoid_backward(total * before, forget));
          give(ds, 2, tanh_backward(total * i, fresh));
          give(ds, 3, sigmoid_backward(g * t, o));
          dc[j] = static_cast<T>(total * forget);
        }
        if (r.cell == Cell::Gru) {
          const double reset = value(0), z = value(1), fresh = value(2), product = value(3);
          const double slope = tanh_backward(g * (1 - z), fresh);
          give(ds, 0, sigmoid_backward(slope * product, reset));
          give(ds, 1, sigmoid_backward(g * (double(d.before[row * n + j]) - fresh), z));
          give(ds, 2, slope);
          give(dp, 0, double(ds[j])), give(dp, 1, double(ds[n + j]));
          give(dp, 2, slope * reset);
          dh[j] = static_cast<T>(g * z);
        }
      }
      multiply<T>({false, false, 1, n, width, dp, width, d.weight, n, nullptr, sums.data(), n});
      for (int64_t j = 0; j < n; ++j) dh[j] += sums[static_cast<std::size_t>(j)];
    }
  }
}

}  // namespace norma::kernels::plain
