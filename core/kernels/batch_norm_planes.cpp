#include <algorithm>

#include "norma/core/kernels/batch_norm.h"
#include "norma/core/kernels/norm_lanes.h"
#include "norma/core/kernels/norm_planes.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr int64_t kShortest = 32;     // run worth the vectors
constexpr int64_t kPart = 16384;      // values of a channel whose sums stand by themselves
constexpr int64_t kStretch = 1024;    // values that neighbouring channels should have together
constexpr int64_t kNeighbours = 16;   // channels at most that one thread walks through together
constexpr int64_t kCached = 1 << 20;  // bytes of a channel that the second walk finds in the cache
constexpr int64_t kLanes16 = 16;      // doubles in which a sum is gathered, at every vector width

using LaneTotals = double[2][kLanes16];

/// How the values of a channel lie: pieces of a plane each, or of a part of a long plane. Several
/// pieces in a row are a part.
struct Planes {
  ChannelShape shape;
  int64_t piece, per_plane, pieces, per_part, parts;

  explicit Planes(ChannelShape s) : shape(s) {
    const int64_t cuts = (s.length + kPart - 1) / kPart;
    piece = ((s.length + cuts - 1) / cuts + 63) / 64 * 64;
    per_plane = (s.length + piece - 1) / piece;
    pieces = s.n * per_plane;
    per_part = std::max<int64_t>(1, kPart / std::min(piece, s.length));
    parts = (pieces + per_part - 1) / per_part;
  }
  int64_t count() const { return shape.n * shape.length; }

  /// Calls `use(begin, end)` for the pieces [from, to), with positions in channel 0.
  template <class Use>
  NORMA_INLINE void each(int64_t from, int64_t to, Use use) const {
    for (int64_t p = from; p < to; ++p) {
      const int64_t start = p % per_plane * piece;
      const int64_t plane = p / per_plane * shape.channels * shape.length;
      use(plane + start, plane + std::min(shape.length, start + piece));
    }
  }
};

/// One or several elements, as T and as double, for code that serves both.
template <class T>
struct Single {
  using Narrow = T;
  using Wide = double;
  static constexpr int kCount = 1;
  NORMA_INLINE static void load(const T* from, T& x) { x = *from; }
  NORMA_INLINE static void store(const T& x, T* to) { *to = x; }
  NORMA_INLINE static void widen(const T& x, double& wide) { wide = static_cast<double>(x); }
};
template <class T, int Count>
struct Several {
  using V = Vector<T, Count* static_cast<int>(sizeof(T))>;
  using Narrow = typename V::Value;
  using Wide = typename Vector<double, Count* static_cast<int>(sizeof(double))>::Value;
  static constexpr int kCount = Count;
  NORMA_INLINE static void load(const T* from, Narrow& x) { x = V::at(from).value; }
  NORMA_INLINE static void store(const Narrow& x, T* to) { V::at(to).value = x; }
  NORMA_INLINE static void widen(const Narrow& x, Wide& wide) {
    wide = __builtin_convertvector(x, Wide);
  }
};

/// Adds the two terms of each element in [begin, end) to totals, lane by lane.
template <class T, int Bytes, class Job>
NORMA_INLINE inline void add_run(const Job& job, const typename Job::Channel& channel,
                                 int64_t begin, int64_t end, LaneTotals& total) {
  constexpr int kCount = Bytes / static_cast<int>(sizeof(double));
  constexpr int kRegisters = static_cast<int>(kLanes16) / kCount;
  using D = Vector<double, Bytes>;
  typename D::Value sums[2][kRegisters];
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) {
    for (int j = 0; j < 2; ++j) sums[j][i] = D::at(total[j] + i * kCount).value;
  }
  int64_t at = begin;
  for (; at + kLanes16 <= end; at += kLanes16) {
#pragma GCC unroll 8
    for (int i = 0; i < kRegisters; ++i) {
      job.template add<Several<T, kCount>>(channel, at + i * kCount, sums[0][i], sums[1][i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) {
    for (int j = 0; j < 2; ++j) D::at(total[j] + i * kCount).value = sums[j][i];
  }
  for (int64_t l = 0; at < end; ++at, ++l) {
    job.template add<Single<T>>(channel, at, total[0][l], total[1][l]);
  }
}

/// The map of a job over the elements in [begin, end).
template <class T, int Bytes, class Job>
NORMA_INLINE inline void map_run(const Job& job, const typename Job::Channel& channel,
                                 int64_t begin, int64_t end) {
  constexpr int kCount = Bytes / static_cast<int>(sizeof(T));
  int64_t at = begin;
  for (; at + kCount <= end; at += kCount) job.template map<Several<T, kCount>>(channel, at);
  for (; at < end; ++at) job.template map<Single<T>>(channel, at);
}

/// Vectors of the widest kind for float; double, for reference runs, spares their code.
template <class T, class F>
void at_width(F f) {
  if constexpr (sizeof(T) == sizeof(float)) {
    at_level([=]<class Level>() NORMA_INLINE { f.template operator()<Level::kBytes>(); });
  } else {
    f.template operator()<16>();
  }
}

NORMA_INLINE inline double sum_lanes(double (&lanes)[kLanes16]) {
  for (int64_t width = kLanes16 / 2; width > 0; width /= 2) {
    for (int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

/// The map of a job over these pieces of these channels, whose `states` begin with the first one's.
template <class T, class Job>
__attribute__((noinline)) void map_pieces(const Planes& shape, const Job& work, int64_t from,
                                          int64_t to, int64_t first, int64_t count,
                                          const typename Job::Channel* states) {
  const Planes planes = shape;
  const Job job = work;
  at_width<T>([=]<int Bytes>() NORMA_INLINE {
    planes.each(from, to, [&](int64_t begin, int64_t end) NORMA_INLINE {
      for (int64_t c = 0; c < count; ++c) {
        const int64_t plane = (first + c) * planes.shape.length;
        map_run<T, Bytes>(job, states[c], plane + begin, plane + end);
      }
    });
  });
}

/// The same over everything, in the order of memory.
template <class T, class Job>
void map_all(const Planes& planes, const Job& job, const typename Job::Channel* states) {
  const int64_t channels = planes.shape.channels;
  const int64_t length = std::min(planes.piece, planes.shape.length);
  parallel_for(planes.pieces * channels, std::max<int64_t>(1, kNormGrain / length),
               [&](int64_t from, int64_t to) {
                 while (from < to) {
                   const int64_t piece = from / channels, c = from % channels;
                   const int64_t count = std::min(channels - c, to - from);
                   map_pieces<T>(planes, job, piece, piece + 1, c, count, states + c);
                   from += count;
                 }
               });
}

/// A job of two walks over the values of each channel: sums over all of them, then a map. It has
///
///     Channel begin(c)                        what the sums need to know of a channel
///     add<Elements>(channel, at, sum, sum)    adds two terms of the elements at a place
///     finish(c, channel, sums)                what the map needs, from the sums
///     map<Elements>(channel, at)              the map
///
/// Functions that several paths take are compiled once, so that all give the same bits.
template <class T, class Job>
class TwoWalks {
 public:
  using Channel = typename Job::Channel;

  TwoWalks(ChannelShape shape, const Job& job) : planes_(shape), job_(job) {}

  void run() const {
    const int64_t channels = planes_.shape.channels;
    const int64_t threads = detail::parallel_parts(planes_.count() * channels, kNormGrain);
    const int64_t bytes = planes_.count() * Job::kInputs * static_cast<int64_t>(sizeof(T));
    if (bytes > kCached || (threads > 1 && channels < 4 * threads)) return share(channels, threads);
    // Neighbours of short planes make long stretches of memory, as long as there are enough for all.
    const int64_t together =
        std::clamp<int64_t>(kStretch / planes_.shape.length, 1,
                            std::clamp<int64_t>(channels / (4 * threads), 1, kNeighbours));
    const int64_t groups = (channels + together - 1) / together;
    const int64_t grain = std::max<int64_t>(1, kNormGrain / (planes_.count() * together));
    parallel_for(groups, grain, [&](int64_t from, int64_t to) {
      for (int64_t g = from; g < to; ++g) {
        alone(g * together, std::min(together, channels - g * together));
      }
    });
  }

 private:
  /// One thread takes these channels through both walks, the second one from its cache.
  void alone(int64_t first, int64_t count) const {
    Channel states[kNeighbours];
    double sums[2 * kNeighbours] = {}, part_sums[2 * kNeighbours];
    for (int64_t c = 0; c < count; ++c) states[c] = job_.begin(first + c);
    if (job_.needs_sums()) {
      for (int64_t part = 0; part < planes_.parts; ++part) {
        sum_part(part, first, count, states, part_sums);
        for (int64_t i = 0; i < 2 * count; ++i) sums[i] += part_sums[i];
      }
    }
    for (int64_t c = 0; c < count; ++c) job_.finish(first + c, states[c], &sums[2 * c]);
    if (!job_.needs_map()) return;
    map_pieces<T>(planes_, job_, 0, planes_.pieces, first, count, states);
  }

  /// Each walk goes through everything in the order of memory, and all threads share it: for few
  /// channels, and for more values of a channel than the cache keeps.
  void share(int64_t channels, int64_t threads) const {
    const Scratch<Channel> state_memory(channels);
    const Scratch<double> sum_memory(planes_.parts * channels * 2);
    Channel* const states = state_memory.data();
    double* const part_sums = sum_memory.data();
    for (int64_t c = 0; c < channels; ++c) states[c] = job_.begin(c);
    if (job_.needs_sums()) {
      const int64_t together = std::clamp<int64_t>(planes_.parts * channels / (4 * threads), 1,
                                                   std::min(channels, kNeighbours));
      const int64_t groups = (channels + together - 1) / together;
      const int64_t grain = std::max<int64_t>(1, kNormGrain / (kPart * together));
      parallel_for(planes_.parts * groups, grain, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; ++i) {
          const int64_t part = i / groups, c = i % groups * together;
          sum_part(part, c, std::min(together, channels - c), states + c,
                   part_sums + 2 * (part * channels + c));
        }
      });
    }
    for (int64_t c = 0; c < channels; ++c) {
      double sums[2] = {0.0, 0.0};
      for (int64_t part = 0; job_.needs_sums() && part < planes_.parts; ++part) {
        for (int j = 0; j < 2; ++j) sums[j] += part_sums[2 * (part * channels + c) + j];
      }
      job_.finish(c, states[c], sums);
    }
    if (job_.needs_map()) map_all<T>(planes_, job_, states);
  }

  __attribute__((noinline)) void sum_part(int64_t part, int64_t first, int64_t count,
                                          const Channel* states, double* sums) const {
    const Planes planes = planes_;
    const Job job = job_;
    at_width<T>([=]<int Bytes>() NORMA_INLINE {
      LaneTotals totals[kNeighbours];
      for (int64_t c = 0; c < count; ++c) {
        for (auto& lanes : totals[c]) std::fill(lanes, lanes + kLanes16, 0.0);
      }
      const int64_t from = part * planes.per_part;
      planes.each(from, std::min(planes.pieces, from + planes.per_part),
                  [&](int64_t begin, int64_t end) NORMA_INLINE {
                    for (int64_t c = 0; c < count; ++c) {
                      const int64_t plane = (first + c) * planes.shape.length;
                      add_run<T, Bytes>(job, states[c], plane + begin, plane + end, totals[c]);
                    }
                  });
      for (int64_t c = 0; c < count; ++c) {
        for (int j = 0; j < 2; ++j) sums[2 * c + j] = sum_lanes(totals[c][j]);
      }
    });
  }

  Planes planes_;
  Job job_;
};

/// y = the line of x, and where Relu says so the larger of that and 0.
template <class T, bool Relu>
struct Apply {
  using Channel = ChannelLine<T>;

  const T* x;
  T* y;

  template <class Elements>
  NORMA_INLINE void map(const Channel& line, int64_t at) const {
    typename Elements::Narrow value;
    Elements::load(x + at, value);
    line.apply(value);
    if constexpr (Relu) keep_positive(value);
    Elements::store(value, y + at);
  }
};

template <class T, bool Relu>
struct Forward {
  static constexpr int64_t kInputs = 1;
  struct Channel {
    double shift;
    ChannelLine<T> line;
  };

  ChannelShape shape;
  const T* x;
  ChannelParams<T> params;
  double eps;
  RunningStats<T> running;
  T* y;
  BatchNormStats stats;

  bool needs_sums() const { return true; }
  bool needs_map() const { return true; }
  /// A shift near the mean, as in `moments`.
  __attribute__((noinline)) Channel begin(int64_t c) const {
    const T* const plane = x + c * shape.length;
    const int64_t few = std::min<int64_t>(shape.length, kLanes);
    T sum = T(0);
    for (int64_t i = 0; i < few; ++i) sum += plane[i] - plane[0];
    return {static_cast<double>(plane[0] + sum / static_cast<T>(few)), {}};
  }
  template <class Elements>
  NORMA_INLINE void add(const Channel& channel, int64_t at, typename Elements::Wide& sum,
                        typename Elements::Wide& square) const {
    typename Elements::Narrow value;
    typename Elements::Wide d;
    Elements::load(x + at, value);
    Elements::widen(value, d);
    d -= channel.shift;
    sum += d;
    square += d * d;
  }
  __attribute__((noinline)) void finish(int64_t c, Channel& channel, const double* sums) const {
    const double n = static_cast<double>(shape.n * shape.length);
    T shift = static_cast<T>(channel.shift);
    double rest = 0.0, var = 0.0;
    if (!moments_from_sums<T>(sums[0], sums[1], 1.0 / n, rest, var)) {
      Block block{};
      block.offset = c * shape.length;
      block.rows = shape.n;
      block.stride = shape.channels * shape.length;
      block.width = block.length = shape.length;
      block.channels = 1;
      double mean[kLanes], plain_var[kLanes];
      plain_moments(block, x, mean, plain_var);
      shift = static_cast<T>(mean[0]);
      rest = std::isfinite(mean[0]) ? mean[0] - static_cast<double>(shift) : 0.0;
      var = plain_var[0];
    }
    update_running(running, c, n, static_cast<double>(shift) + rest, var);
    channel.line = make_line(c, shift, rest, var, eps, params, stats);
  }
  template <class Elements>
  NORMA_INLINE void map(const Channel& channel, int64_t at) const {
    Apply<T, Relu>{x, y}.template map<Elements>(channel.line, at);
  }
};

template <class T, bool Relu>
struct Backward {
  static constexpr int64_t kInputs = 2;
  struct Channel {
    ChannelLine<T> line;
    double wide_shift;
    T shift, factor, slope, constant;
  };

  ChannelShape shape;
  const T *dy, *x, *weight;
  BatchNormStats stats;
  bool batch_stats;
  T *dx, *dweight, *dbias;

  bool needs_sums() const { return batch_stats || dweight || dbias; }
  bool needs_map() const { return dx != nullptr; }
  Channel begin(int64_t c) const {
    return {noted_line<T>(c, stats), stats.shift[c], static_cast<T>(stats.shift[c]), 0, 0, 0};
  }
  /// x, and what reaches it through the ReLU.
  template <class Elements>
  NORMA_INLINE void load(const Channel& channel, int64_t at, typename Elements::Narrow& value,
                         typename Elements::Narrow& g) const {
    Elements::load(x + at, value);
    Elements::load(dy + at, g);
    if constexpr (Relu) {
      typename Elements::Narrow result = value;
      channel.line.apply(result);
      keep_where_positive(result, g);
    }
  }
  template <class Elements>
  NORMA_INLINE void add(const Channel& channel, int64_t at, typename Elements::Wide& sum,
                        typename Elements::Wide& product) const {
    typename Elements::Narrow value, g;
    typename Elements::Wide wide, wide_g;
    load<Elements>(channel, at, value, g);
    Elements::widen(value, wide);
    Elements::widen(g, wide_g);
    sum += wide_g;
    product += wide_g * (wide - channel.wide_shift);
  }
  __attribute__((noinline)) void finish(int64_t c, Channel& channel, const double* sums) const {
    const GradientLine line = gradient_line(c, static_cast<double>(shape.n * shape.length), sums[0],
                                            sums[1], weight, stats, dweight, dbias);
    channel.factor = static_cast<T>(line.factor);
    channel.slope = static_cast<T>(line.slope);
    channel.constant = static_cast<T>(line.constant);
  }
  template <class Elements>
  NORMA_INLINE void map(const Channel& channel, int64_t at) const {
    typename Elements::Narrow value, g;
    load<Elements>(channel, at, value, g);
    if (batch_stats) g += (value - channel.shift) * channel.slope + channel.constant;
    g *= channel.factor;
    Elements::store(g, dx + at);
  }
};

}  // namespace

bool has_long_planes(ChannelShape shape) { return shape.length >= kShortest; }

bool has_planes(ChannelShape shape) {
  return has_long_planes(shape) && shape.n * shape.length > kFewestInPlanes;
}

template <class T>
void batch_norm_train_planes(ChannelShape shape, const T* x, ChannelParams<T> params, double eps,
                             RunningStats<T> running, bool relu, T* y, BatchNormStats stats) {
  if (relu) {
    TwoWalks<T, Forward<T, true>>(shape, {shape, x, params, eps, running, y, stats}).run();
  } else {
    TwoWalks<T, Forward<T, false>>(shape, {shape, x, params, eps, running, y, stats}).run();
  }
}

template <class T>
void apply_planes(ChannelShape shape, const T* x, bool relu, T* y, BatchNormStats stats) {
  const Scratch<ChannelLine<T>> memory(shape.channels);
  ChannelLine<T>* const lines = memory.data();
  for (int64_t c = 0; c < shape.channels; ++c) lines[c] = noted_line<T>(c, stats);
  if (relu) {
    map_all<T>(Planes(shape), Apply<T, true>{x, y}, lines);
  } else {
    map_all<T>(Planes(shape), Apply<T, false>{x, y}, lines);
  }
}

template <class T>
void batch_norm_backward_planes(ChannelShape shape, const T* dy, const T* x, const T* weight,
                                BatchNormStats stats, bool batch_stats, bool relu, T* dx,
                                T* dweight, T* dbias) {
  if (relu) {
    TwoWalks<T, Backward<T, true>>(shape,
                                   {shape, dy, x, weight, stats, batch_stats, dx, dweight, dbias})
        .run();
  } else {
    TwoWalks<T, Backward<T, false>>(shape,
                                    {shape, dy, x, weight, stats, batch_stats, dx, dweight, dbias})
        .run();
  }
}

#define NORMA_INSTANTIATE(T)                                                                 \
  template void batch_norm_train_planes<T>(ChannelShape, const T*, ChannelParams<T>, double, \
                                           RunningStats<T>, bool, T*, BatchNormStats);       \
  template void apply_planes<T>(ChannelShape, const T*, bool, T*, BatchNormStats);           \
  template void batch_norm_backward_planes<T>(ChannelShape, const T*, const T*, const T*,    \
                                              BatchNormStats, bool, bool, T*, T*, T*);
NORMA_INSTANTIATE(float)
NORMA_INSTANTIATE(double)
#undef NORMA_INSTANTIATE

}  // namespace norma::kernels
