// What the kernels of recurrent layers are told.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace norma::kernels {

/// How a step makes the next state of the gates' sums; see plain/recurrent.h.
enum class Cell { Tanh, Relu, Lstm, Gru };

/// One direction of one layer over sequences of several lengths, the longest first. Row
/// `start(t) + b` of a matrix belongs to time t of sequence b < batches[t].
struct Recurrence {
  Recurrence(Cell kind, int64_t width, std::vector<int64_t> batch_sizes, bool backwards)
      : cell(kind), hidden(width), batches(std::move(batch_sizes)), reverse(backwards) {
    starts.push_back(0);
    for (const int64_t batch : batches) starts.push_back(starts.back() + batch);
  }
  Cell cell;                             ///< the kind of step
  int64_t hidden;                        ///< H, the size of the state
  std::vector<int64_t> batches, starts;  ///< the first never grow
  bool reverse;                          ///< from the last time to the first

  /// Sums of a step, in units of `hidden`, and what backward needs besides the results.
  int64_t gates() const { return cell == Cell::Lstm ? 4 : cell == Cell::Gru ? 3 : 1; }
  int64_t kept() const { return cell == Cell::Lstm ? 6 : cell == Cell::Gru ? 4 : 0; }
  int64_t steps() const { return static_cast<int64_t>(batches.size()); }
  int64_t rows() const { return starts.back(); }
  int64_t sequences() const { return batch(0); }
  /// The time of step k.
  int64_t time(int64_t k) const { return reverse ? steps() - 1 - k : k; }
  int64_t batch(int64_t t) const { return batches[static_cast<std::size_t>(t)]; }
  int64_t start(int64_t t) const { return starts[static_cast<std::size_t>(t)]; }
  /// The row of the step before step k in sequence b; -1 where it is the initial state.
  int64_t before(int64_t k, int64_t b) const {
    const int64_t t = k > 0 ? time(k - 1) : 0;
    return k > 0 && b < batch(t) ? start(t) + b : -1;
  }
};

/// All row-major and without gaps; G = gates() · H, B = sequences().
template <class T>
struct RecurrentForward {
  const T* input;    ///< [rows, G]: the sums' part from the input, with the biases
  const T *h0, *c0;  ///< [B, H]; c of Lstm only
  const T* weight;   ///< [G, H], of the state
  const T* bias;     ///< [G], added to its products, or null; of use for Gru
  T* out;            ///< [rows, H]: h of every step
  T *h, *c;          ///< [B, H]: the last ones
  T* kept;           ///< [rows, kept() · H], or null
};

/// The arrays of its backward.
template <class T>
struct RecurrentBackward {
  const T *c0, *weight;  ///< as forward had them
  const T *out, *kept;   ///< as forward left them
  const T* before;       ///< [rows, H]: h before every step
  const T* dout;         ///< [rows, H]
  T* dinput;             ///< [rows, G]
  T* dproduct;  ///< the same of the products' gradients: for Gru others, else dinput itself
  T *dh, *dc;   ///< [B, H]: of the last states, on return of the initial ones
};

}  // namespace norma::kernels
