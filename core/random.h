// Random numbers: Philox4x32-10, a counter-based generator, with Norma's own distributions.
//
// Errors of all that make or fill tensors: a negative size, an undefined tensor, and where nothing
// else is said, integers or bools as the dtype; of those that fill, a result with a history.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "norma/core/tensor.h"

namespace norma {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): block i
/// of a seed is a pure function of both, so that the numbers are the same on every compiler,
/// machine and thread count. A generator is its seed and the index of the next block. Threads may
/// draw from one at the same time: no block is handed out twice.
class Generator {
 public:
  constexpr explicit Generator(uint64_t seed = 5489) : seed_(seed) {}
  Generator(const Generator& other) : Generator(other.seed()) { set_state(other.state()); }
  Generator& operator=(const Generator& other) {
    set_state(other.state());
    return *this;
  }

  void manual_seed(uint64_t seed) { set_state({seed, 0}); }  ///< begins anew
  uint64_t seed() const { return seed_; }
  /// The seed and the position: all there is to save.
  struct State {
    uint64_t seed = 0;  ///< what manual_seed was given
    uint64_t next = 0;  ///< the index of the next block
    bool operator==(const State&) const = default;
  };
  State state() const { return {seed_, next_}; }  ///< to be given to `set_state`
  void set_state(const State& state);             ///< goes on from there

  /// Four random words of block `index`.
  static std::array<uint32_t, 4> block(uint64_t seed, uint64_t index);
  /// Takes `count` blocks; returns the index of the first.
  uint64_t reserve(uint64_t count);

  /// One draw each; every call takes one block.
  uint64_t next_u64();
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Uniform in {0, …, n-1}, without bias. Errors: n = 0.
  uint64_t below(uint64_t n);
  /// Standard normal.
  double normal();

 private:
  std::atomic<uint64_t> seed_, next_ = 0;
};

/// The quantile function of the standard normal distribution, from +, -, *, / and sqrt alone, so
/// that it gives the same bits everywhere (Wichura, algorithm AS 241; relative error 1e-15).
double normal_quantile(double p);

/// The generator behind every function that is not given one, of all threads.
Generator& default_generator();
/// Begins the default generator anew.
void manual_seed(uint64_t seed);

/// While it lives, this thread draws from a copy of the default generator, which itself stays as it
/// is. PyTorch: `random.fork_rng()`.
class RandomStateGuard {
 public:
  RandomStateGuard();
  ~RandomStateGuard();
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

 private:
  Generator copy_;
  Generator* outer_;
};

/// Uniform in [0, 1).
Tensor rand(const Shape& sizes, const TensorOptions& options = {},
            Generator& generator = default_generator());
/// Standard normal.
Tensor randn(const Shape& sizes, const TensorOptions& options = {},
             Generator& generator = default_generator());
/// Integers in [low, high), kInt64 unless said otherwise. Errors: low >= high, numbers that the
/// dtype does not hold.
Tensor randint(int64_t low, int64_t high, const Shape& sizes,
               const TensorOptions& options = {.dtype = kInt64},
               Generator& generator = default_generator());
/// A random order of 0, …, n-1, kInt64. Errors: n < 0.
Tensor randperm(int64_t n, Generator& generator = default_generator());
/// Uniform in [0, 1), as `empty_like`.
Tensor rand_like(const Tensor& other, const LikeOptions& options = {});
/// Standard normal, as `empty_like`.
Tensor randn_like(const Tensor& other, const LikeOptions& options = {});
/// Integers in [low, high) or [0, high), of the shape and dtype of `other`. Errors: as of
/// `randint`.
Tensor randint_like(const Tensor& other, int64_t low, int64_t high,
                    const LikeOptions& options = {});
Tensor randint_like(const Tensor& other, int64_t high, const LikeOptions& options = {});

/// Normal numbers of these means and standard deviations, of the shape both broadcast to, or of
/// `sizes`. Not differentiable, like all that is drawn. Errors: std < 0, means of integers.
Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator = default_generator());
Tensor normal(const Tensor& mean, double std = 1, Generator& generator = default_generator());
Tensor normal(double mean, const Tensor& std, Generator& generator = default_generator());
Tensor normal(double mean, double std, const Shape& sizes, const TensorOptions& options = {},
              Generator& generator = default_generator());
/// 1 with the probability that each element of `p` says, 0 otherwise. Errors: others than [0, 1].
Tensor bernoulli(const Tensor& p, Generator& generator);
/// `num_samples` positions for every row of weights, a vector or a matrix of numbers of 0 or more,
/// each row with a sum above 0. Without `replacement` no position twice: as many as are not 0.
/// Errors: other weights, num_samples below 1 or above that.
Tensor multinomial(const Tensor& weights, int64_t num_samples, bool replacement,
                   Generator& generator);

/// In-place fills; return `tensor`. Errors: low > high, or std < 0.
Tensor uniform_(Tensor tensor, double low, double high, Generator& generator = default_generator());
Tensor normal_(Tensor tensor, double mean, double std, Generator& generator = default_generator());
/// 1 with probability p, 0 otherwise. Errors: p outside of [0, 1].
Tensor bernoulli_(Tensor tensor, double p, Generator& generator = default_generator());
/// -log(u) / lambd for uniform u in (0, 1]: density lambd e^(-lambd x). Errors: lambd <= 0.
Tensor exponential_(Tensor tensor, double lambd = 1, Generator& generator = default_generator());

}  // namespace norma
