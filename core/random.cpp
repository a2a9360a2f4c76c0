// Compiled without contraction to fused multiply-add, which would change last bits between
// machines.
#include "norma/core/random.h"
#include "norma/core/integers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "norma/core/draws.h"
#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/philox.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/threads.h"

namespace norma {

namespace {

double ratio(const double (&num)[8], const double (&den)[8], double r) {
  double n = num[7], d = den[7];
  for (int i = 6; i >= 0; --i) {
    n = n * r + num[i];
    d = d * r + den[i];
  }
  return n / d;
}

// Of one tensor. What is filled more often is no initial value.
constexpr int kMostDraws = 8;

constexpr double kScale53 = 1.0 / 9007199254740992.0;  // 2^-53

uint64_t word64(const std::array<uint32_t, 4>& words, int i) {
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

template <class T>
double normal_draw(const std::array<uint32_t, 4>& words, int i) {
  if constexpr (sizeof(T) == 4) {
    return normal_quantile((static_cast<double>(words[static_cast<std::size_t>(i)]) + 0.5) *
                           0x1p-32);
  } else {
    return normal_quantile((static_cast<double>(word64(words, i) >> 12) + 0.5) * 0x1p-52);
  }
}

/// The number that a draw makes of a block.
template <class T>
T drawn(Draw::Kind kind, double a, double b, const std::array<uint32_t, 4>& words, int k) {
  if (kind == Draw::Normal) return static_cast<T>(a + b * normal_draw<T>(words, k));
  return static_cast<T>(a) + uniform_draw<T>(words, k) * static_cast<T>(b - a);
}

/// A fill that can be drawn again.
template <class T>
void fill(const Tensor& tensor, Generator& generator, Draw::Kind kind, double a, double b) {
  const auto [first, count] = fill_from_blocks<T>(
      tensor, generator, [=](const auto& words, int k) { return drawn<T>(kind, a, b, words, k); });
  TensorImpl* impl = impl_of(tensor);
  const bool is_whole =
      impl->data() == impl->storage->data() &&
      impl->numel * item_size(impl->dtype) == static_cast<int64_t>(impl->storage->bytes());
  Draw* const last = impl->storage->draws();
  const int age = last ? last->age + 1 : 0;
  if (&generator != &default_generator() || !is_whole || impl->numel == 0) return;
  if (age >= kMostDraws) return void(last->age = kMostDraws);
  impl->storage->set_draws(std::make_unique<Draw>(Draw{.generator = &generator,
                                                       .seed = generator.seed(),
                                                       .first = first,
                                                       .count = count,
                                                       .kind = kind,
                                                       .a = a,
                                                       .b = b,
                                                       .dtype = impl->dtype,
                                                       .before = impl->storage->take_draws(),
                                                       .age = age}));
}

}  // namespace

double portable_log(double x) {
  const auto bits = __builtin_bit_cast(uint64_t, x);
  auto exponent = static_cast<int>(bits >> 52) - 1023;
  auto m = __builtin_bit_cast(double, (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172
  const double s = (m - 1.0) / (m + 1.0), t = s * s;
  double series = 0.0;
  for (int k = 23; k >= 1; k -= 2) series = series * t + 1.0 / k;
  return 2.0 * s * series + exponent * 0.6931471805599453;
}

void Generator::set_state(const State& state) {
  seed_ = state.seed;
  next_ = state.next;
}

std::array<uint32_t, 4> Generator::block(uint64_t seed, uint64_t index) {
  uint32_t words[4][1];
  philox(seed, index, words);
  return {words[0][0], words[1][0], words[2][0], words[3][0]};
}

uint64_t Generator::reserve(uint64_t count) {
  return next_.fetch_add(count, std::memory_order_relaxed);
}

uint64_t Generator::next_u64() { return word64(block(seed_, reserve(1)), 0); }

double Generator::uniform() { return static_cast<double>(next_u64() >> 11) * kScale53; }

uint64_t Generator::below(uint64_t n) {
  if (n == 0) fail("random", "expected a range with at least one number, got none");
  const uint64_t limit =
      std::numeric_limits<uint64_t>::max() - std::numeric_limits<uint64_t>::max() % n;
  for (;;) {
    const uint64_t value = next_u64();
    if (value < limit) return value % n;
  }
}

double Generator::normal() {
  return normal_quantile((static_cast<double>(next_u64() >> 12) + 0.5) * 0x1p-52);
}

double normal_quantile(double p) {
  static constexpr double kA[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                   1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                   4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                   3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr double kB[8] = {1.0000000000000000000e0,  4.2313330701600911252e+1,
                                   6.8718700749205790830e+2, 5.3941960214247511077e+3,
                                   2.1213794301586595867e+4, 3.9307895800092710610e+4,
                                   2.8729085735721942674e+4, 5.2264952788528545610e+3};
  static constexpr double kC[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                   5.76949722146069140550e0,  3.64784832476320460504e0,
                                   1.27045825245236838258e0,  2.41780725177450611770e-1,
                                   2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double kD[8] = {1.0000000000000000000e0,   2.05319162663775882187e0,
                                   1.67638483018380384940e0,  6.89767334985100004550e-1,
                                   1.48103976427480074590e-1, 1.51986665636164571966e-2,
                                   5.47593808499534494600e-4, 1.05075007164441684324e-9};
  static constexpr double kE[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                   1.78482653991729133580e0,  2.96560571828504891230e-1,
                                   2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                   2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double kF[8] = {1.0000000000000000000e0,   5.99832206555887937690e-1,
                                   1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                   7.86869131145613259100e-4, 1.84631831751005468180e-5,
                                   1.42151175831644588870e-7, 2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) return q * ratio(kA, kB, 0.180625 - q * q);
  const double r = std::sqrt(-portable_log(q < 0 ? p : 1.0 - p));
  const double value = r <= 5.0 ? ratio(kC, kD, r - 1.6) : ratio(kE, kF, r - 5.0);
  return q < 0 ? -value : value;
}

namespace {
constinit Generator shared_generator;
constinit thread_local Generator* own_generator = nullptr;  // of a RandomStateGuard
}  // namespace

Generator& default_generator() { return own_generator ? *own_generator : shared_generator; }

RandomStateGuard::RandomStateGuard()
    : copy_(default_generator()), outer_(std::exchange(own_generator, &copy_)) {}

RandomStateGuard::~RandomStateGuard() { own_generator = outer_; }

void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }

Tensor rand(const Shape& sizes, const TensorOptions& options, Generator& generator) {
  Tensor result = uniform_(new_tensor(sizes, options.dtype), 0.0, 1.0, generator);
  return options.requires_grad ? result.requires_grad_() : result;
}

Tensor randn(const Shape& sizes, const TensorOptions& options, Generator& generator) {
  Tensor result = normal_(new_tensor(sizes, options.dtype), 0.0, 1.0, generator);
  return options.requires_grad ? result.requires_grad_() : result;
}

Tensor rand_like(const Tensor& other, const LikeOptions& options) {
  const TensorOptions like = options_like("rand_like", other, options);
  return rand(other.sizes(), like);
}
Tensor randn_like(const Tensor& other, const LikeOptions& options) {
  const TensorOptions like = options_like("randn_like", other, options);
  return randn(other.sizes(), like);
}
Tensor randint_like(const Tensor& other, int64_t low, int64_t high, const LikeOptions& options) {
  const TensorOptions like = options_like("randint_like", other, options);
  return randint(low, high, other.sizes(), like);
}
Tensor randint_like(const Tensor& other, int64_t high, const LikeOptions& options) {
  return randint_like(other, 0, high, options);
}

Tensor randint(int64_t low, int64_t high, const Shape& sizes, const TensorOptions& options,
               Generator& generator) {
  if (low >= high) {
    fail("randint", "expected low < high, got ", low, " and ", high);
  }
  const auto [least, most] = range_of(options.dtype);
  if (!is_floating(options.dtype) && (low < least || high - 1 > most)) {
    fail("randint", "expected a range that fits ", options.dtype, ", got [", low, ", ", high, ")");
  }
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  Tensor result = new_tensor(sizes, options.dtype);
  dispatch(options.dtype, [&]<class T>() {
    T* out = values_of<T>(result);
    for (int64_t i = 0; i < result.numel(); ++i) {
      out[i] =
          static_cast<T>(static_cast<int64_t>(static_cast<uint64_t>(low) + generator.below(range)));
    }
  });
  return options.requires_grad ? result.requires_grad_() : result;
}

Tensor randperm(int64_t n, Generator& generator) {
  if (n < 0) fail("randperm", "expected 0 or more, got ", n);
  Tensor result = arange(n);
  int64_t* order = values_of<int64_t>(result);
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(order[i], order[generator.below(static_cast<uint64_t>(i) + 1)]);
  }
  return result;
}

Tensor uniform_(Tensor tensor, double low, double high, Generator& generator) {
  if (!(low <= high)) {
    fail("uniform_", "expected low <= high, got ", low, " and ", high);
  }
  return fill_in_place("uniform_", tensor, [&]<class T>(const Tensor& target) {
    fill<T>(target, generator, Draw::Uniform, low, high);
  });
}

Tensor normal_(Tensor tensor, double mean, double std, Generator& generator) {
  if (!(std >= 0)) fail("normal_", "expected a standard deviation of 0 or more, got ", std);
  return fill_in_place("normal_", tensor, [&]<class T>(const Tensor& target) {
    fill<T>(target, generator, Draw::Normal, mean, std);
  });
}

Tensor bernoulli_(Tensor tensor, double p, Generator& generator) {
  if (!(p >= 0 && p <= 1)) fail("bernoulli_", "expected a probability from 0 to 1, got ", p);
  return fill_in_place("bernoulli_", tensor, [&]<class T>(const Tensor& target) {
    fill_from_blocks<T>(target, generator, [=](const auto& words, int i) {
      return static_cast<T>(static_cast<double>(uniform_draw<T>(words, i)) < p);
    });
  });
}

// --- Drawing again ---

const Draw* last_draw(const Tensor& tensor) {
  return tensor.defined() ? impl_of(tensor)->storage->draws() : nullptr;
}

void set_replaced(const Tensor& tensor) {
  if (last_draw(tensor)) impl_of(tensor)->storage->draws()->replaced = true;
}

void move_draws(const Tensor& from, const Tensor& to) {
  impl_of(to)->storage->set_draws(impl_of(from)->storage->take_draws());
}

namespace {

int64_t elements(const Tensor& tensor) {
  return static_cast<int64_t>(impl_of(tensor)->storage->bytes()) / item_size(tensor.dtype());
}

template <class T>
T* memory(const Tensor& tensor) {
  return static_cast<T*>(impl_of(tensor)->storage->data());
}

/// What the draw gives from the block that is `shift` further on, in the dtype of today.
Tensor values_of(const Draw& draw, const Tensor& tensor, uint64_t shift) {
  Tensor values = new_tensor({elements(tensor)}, tensor.dtype());
  dispatch_floating(draw.dtype, [&]<class Then>() {
    dispatch_floating(tensor.dtype(), [&]<class T>() {
      from_blocks<Then>(
          elements(tensor), draw.seed, draw.first + shift,
          [&](const auto& words, int k) {
            return drawn<Then>(draw.kind, draw.a, draw.b, words, k);
          },
          [out = memory<T>(values)](int64_t i, Then number) { out[i] = static_cast<T>(number); });
    });
  });
  return values;
}

}  // namespace

bool can_redraw(const Tensor& tensor) {
  const Draw* draw = last_draw(tensor);
  if (!draw || draw->age >= kMostDraws) return false;
  if (draw->replaced) return true;
  const Tensor values = values_of(*draw, tensor, 0);
  bool is_one_value = true;
  dispatch_floating(tensor.dtype(), [&]<class T>() {
    const T *now = memory<T>(tensor), *then = memory<T>(values);
    int64_t others = 0;
    T other = 0;
    for (int64_t i = 0; i < elements(tensor) && is_one_value; ++i) {
      if (now[i] == then[i]) continue;
      is_one_value = others++ == 0 || now[i] == other;
      other = now[i];
    }
    // A single number may have been computed, unless it is one of these.
    if (others == 1 && other != 0 && other != 1) is_one_value = false;
  });
  return is_one_value;
}

void redraw(const Tensor& tensor, uint64_t shift) {
  Draw* const last = impl_of(tensor)->storage->draws();
  if (!last->replaced) {
    const Tensor before = values_of(*last, tensor, 0), after = values_of(*last, tensor, shift);
    dispatch_floating(tensor.dtype(), [&]<class T>() {
      T* const now = memory<T>(tensor);
      for (int64_t i = 0; i < elements(tensor); ++i) {
        if (now[i] == memory<T>(before)[i]) now[i] = memory<T>(after)[i];
      }
    });
    impl_of(tensor)->storage->bump_version();
  }
  for (Draw* draw = last; draw; draw = draw->before.get()) draw->first += shift;
}

}  // namespace norma
