// A walk over planes: [n, channels, length] where the values of a channel lie in long runs.
#pragma once
#include <algorithm>
#include <cstdint>

#include "norma/core/integers.h"
#include "norma/core/kernels/norm/runs.h"
#include "norma/core/kernels/norm_stats.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {

/// Channels at most that one thread walks through together.
inline constexpr int64_t kNeighbours = 16;

/// How the values of a channel lie: pieces of a plane each, or of a part of a long plane. Several
/// pieces in a row are a part, whose sums stand by themselves: so they are the same for any number
/// of threads.
struct Planes {
  static constexpr int64_t kPart = 16384;  // values of a part

  ChannelShape shape;
  int64_t piece, per_plane, pieces, per_part, parts;

  explicit Planes(ChannelShape s) : shape(s) {
    const int64_t cuts = ceil_div(s.length, kPart);
    piece = round_up(ceil_div(s.length, cuts), int64_t{64});
    per_plane = ceil_div(s.length, piece);
    pieces = s.n * per_plane;
    per_part = std::max<int64_t>(1, kPart / std::min(piece, s.length));
    parts = ceil_div(pieces, per_part);
  }
  int64_t count() const { return shape.n * shape.length; }

  /// Calls `use(c, at, count)` for the pieces [from, to) of the channels [first, first + channels).
  template <class Use>
  NORMA_INLINE void each(int64_t from, int64_t to, int64_t first, int64_t channels, Use use) const {
    for (int64_t p = from; p < to; ++p) {
      const int64_t start = p % per_plane * piece, here = std::min(piece, shape.length - start);
      int64_t at = (p / per_plane * shape.channels + first) * shape.length + start;
      for (int64_t c = 0; c < channels; ++c, at += shape.length) use(c, at, here);
    }
  }
};

/// Two sums for each of `count` channels from `first` on, over one part of their values. What lies
/// beside the values of one channel is `pitch` apart, here and below.
template <class T, class Sums>
__attribute__((noinline)) void sum_planes(const Planes& shape, const Sums& terms, int64_t part,
                                          int64_t first, int64_t count, const double* values,
                                          double* sums, int64_t pitch) {
  const Planes planes = shape;
  const Sums job = terms;
  for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
    const int64_t from = part * planes.per_part;
    const int64_t to = std::min(planes.pieces, from + planes.per_part);
    LaneSums lanes[kNeighbours];
    for (int64_t c = 0; c < count; ++c) {
      for (auto& sum : lanes[c]) std::fill(sum, sum + kLanes, 0.0);
    }
    planes.each(from, to, first, count, [&](int64_t c, int64_t at, int64_t here) NORMA_INLINE {
      const ForAll<double, Sums::kSumValues> own{values + c, pitch};
      const int64_t rest = sum_run<Level::kBytes>(job, own, 0, at, here / kLanes, kLanes, lanes[c]);
      sum_rest(job, own, 0, rest, here % kLanes, lanes[c]);
    });
    for (int64_t c = 0; c < count; ++c) {
      for (int j = 0; j < 2; ++j) sums[j * pitch + c] = sum_lanes(lanes[c][j]);
    }
  });
}

/// The map over the pieces [from, to) of these channels.
template <class T, class Map>
__attribute__((noinline)) void map_planes(const Planes& shape, const Map& map, int64_t from,
                                          int64_t to, int64_t first, int64_t count,
                                          const typename Map::MapValue* values, int64_t pitch) {
  const Planes planes = shape;
  const Map job = map;
  for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
    planes.each(from, to, first, count, [&](int64_t c, int64_t at, int64_t here) NORMA_INLINE {
      const ForAll<typename Map::MapValue, Map::kMapValues> own{values + c, pitch};
      map_run<Level::kBytes>(job, own, at, here, 1, 0);
    });
  });
}

/// The map over everything, in the order of memory.
template <class T, class Map>
void map_all_planes(const Planes& planes, const Map& map, const typename Map::MapValue* values) {
  const int64_t channels = planes.shape.channels;
  const int64_t length = std::min(planes.piece, planes.shape.length);
  parallel_for(planes.pieces * channels, rows_grain(kNormGrain, length),
               [&](int64_t from, int64_t to) {
                 while (from < to) {
                   const int64_t piece = from / channels, c = from % channels;
                   const int64_t count = std::min(channels - c, to - from);
                   map_planes<T>(planes, map, piece, piece + 1, c, count, values + c, channels);
                   from += count;
                 }
               });
}

/// One thread takes these channels through both passes of a job (see pass.h), the second one from
/// its cache.
template <class T, class Job>
void pass_alone(const Planes& planes, const Job& job, int64_t first, int64_t count) {
  double from[kNeighbours * Job::Sums::kSumValues];
  double sums[2 * kNeighbours] = {}, part_sums[2 * kNeighbours] = {};
  typename Job::Map::MapValue values[kNeighbours * Job::Map::kMapValues];
  job.begin(first, count, from, kNeighbours);
  for (int64_t part = 0; job.needs_sums() && part < planes.parts; ++part) {
    sum_planes<T>(planes, job.sums, part, first, count, from, part_sums, kNeighbours);
    for (int64_t i = 0; i < 2 * kNeighbours; ++i) sums[i] += part_sums[i];
  }
  job.finish(first, count, from, sums, values, kNeighbours);
  if (!job.needs_map()) return;
  map_planes<T>(planes, job.map, 0, planes.pieces, first, count, values, kNeighbours);
}

/// Each pass goes through everything in the order of memory, and all threads share it: for few
/// channels, and for more values of a channel than the cache keeps.
template <class T, class Job>
void pass_shared(const Planes& planes, const Job& job, int64_t threads) {
  const int64_t channels = planes.shape.channels, parts = job.needs_sums() ? planes.parts : 0;
  Scratch<double> from(channels * Job::Sums::kSumValues);
  Scratch<double> sum_memory((parts + 1) * channels * 2);
  Scratch<typename Job::Map::MapValue> values(channels * Job::Map::kMapValues);
  double *const sums = sum_memory.data(), *const part_sums = sums + 2 * channels;
  job.begin(0, channels, from.data(), channels);
  const int64_t together =
      std::clamp<int64_t>(parts * channels / (4 * threads), 1, std::min(channels, kNeighbours));
  const int64_t groups = ceil_div(channels, together);
  parallel_for(parts * groups, rows_grain(kNormGrain, Planes::kPart * together),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t part = i / groups, c = i % groups * together;
                   sum_planes<T>(planes, job.sums, part, c, std::min(together, channels - c),
                                 from.data() + c, part_sums + 2 * part * channels + c, channels);
                 }
               });
  std::fill_n(sums, 2 * channels, 0.0);
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t i = 0; i < 2 * channels; ++i) sums[i] += part_sums[2 * part * channels + i];
  }
  job.finish(0, channels, from.data(), sums, values.data(), channels);
  if (job.needs_map()) map_all_planes<T>(planes, job.map, values.data());
}

template <class T, class Job>
void pass_planes(ChannelShape shape, const Job& job) {
  constexpr int64_t kStretch = 1024;    // values that neighbours should have together
  constexpr int64_t kCached = 1 << 20;  // bytes of a channel that the map finds in the cache
  const Planes planes(shape);
  const int64_t channels = shape.channels, count = planes.count();
  const int64_t threads = parallel_parts(count * channels, kNormGrain);
  const bool cached = count * Job::kInputs * static_cast<int64_t>(sizeof(T)) <= kCached;
  if (!cached || (threads > 1 && channels < 4 * threads)) {
    return pass_shared<T>(planes, job, threads);
  }
  // Neighbours of short planes make long stretches of memory, as long as there are enough for all.
  const int64_t together = std::clamp<int64_t>(
      kStretch / shape.length, 1, std::clamp<int64_t>(channels / (4 * threads), 1, kNeighbours));
  parallel_for(ceil_div(channels, together), rows_grain(kNormGrain, count * together),
               [&](int64_t from, int64_t to) {
                 for (int64_t c = from * together; c < std::min(to * together, channels);
                      c += together) {
                   pass_alone<T>(planes, job, c, std::min(together, channels - c));
                 }
               });
}

}  // namespace norma::kernels
