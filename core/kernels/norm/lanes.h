// A walk over short rows: [n, channels, length] where neighbouring channels fill a row of up to 64
// elements, or "lanes", each of which belongs to the same channel in every row.
#pragma once
#include <algorithm>
#include <cstdint>

#include "norma/core/integers.h"
#include "norma/core/kernels/norm/runs.h"
#include "norma/core/kernels/norm_stats.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {

inline constexpr int64_t kMostLanes = 64;
inline constexpr int64_t kSlack = 4;      // values that are written together
inline constexpr int64_t kTogether = 16;  // rows that are added up in one go

/// `rows` rows of `width` elements, `stride` apart, and a last one of `tail` elements: `channels`
/// times `length` elements, or several times these.
struct LaneRows {
  int64_t offset, rows, stride, width, tail;
  int64_t first, channels, length;

  /// The channels [from, from + count) of a tensor. Short rows of a whole tensor join.
  LaneRows(ChannelShape s, int64_t from, int64_t count)
      : offset(from * s.length),
        rows(s.n),
        stride(s.channels * s.length),
        width(count * s.length),
        tail(0),
        first(from),
        channels(count),
        length(s.length) {
    if (count < s.channels || width > kMostLanes / 2 || width % kLanes == 0) return;
    const int64_t joined = std::min(kMostLanes / width, s.n);
    rows = s.n / joined;
    tail = s.n % joined * width;
    width = stride = joined * width;
  }
};

/// K values of each channel, `pitch` apart, as values of each lane. They are written kSlack at a
/// time: what goes past a channel is overwritten by the next one, past the last by the copy, or it
/// falls into the kSlack values that `lanes` has behind its end.
template <int K, class V>
inline ForEach<V, K> spread(const LaneRows& rows, const V* values, int64_t pitch, V* lanes) {
  if (rows.width == rows.channels) return {values, pitch};
  const int64_t own = rows.channels * rows.length;
  for (int k = 0; k < K; ++k) {
    V* const out = lanes + k * rows.width;
    for (int64_t c = 0; c < rows.channels; ++c) {
      for (int64_t i = 0; i < rows.length; i += kSlack) {
        for (int64_t j = 0; j < kSlack; ++j) out[c * rows.length + i + j] = values[k * pitch + c];
      }
    }
    for (int64_t l = own; l < rows.width; l += own) std::copy_n(out, own, out + l);
  }
  return {lanes, rows.width};
}

/// The reverse, in place: two sums of each lane to those of each channel, kMostLanes apart.
inline void gather(const LaneRows& rows, double* sums) {
  if (rows.width == rows.channels) return;
  const int64_t own = rows.channels * rows.length;
  for (int j = 0; j < 2; ++j, sums += kMostLanes) {
    for (int64_t from = own; from < rows.width; from += own) {
      for (int64_t l = 0; l < own; ++l) sums[l] += sums[from + l];
    }
    for (int64_t c = 0; c < rows.channels; ++c) {
      sums[c] = sums[c * rows.length];
      for (int64_t i = 1; i < rows.length; ++i) sums[c] += sums[c * rows.length + i];
    }
  }
}

/// Two sums of each lane, kMostLanes apart: kLanes at a time, the last of which may be taken twice.
template <class T, class Sums>
__attribute__((noinline)) void sum_lanes(const LaneRows& block, const Sums& terms,
                                         ForEach<double, Sums::kSumValues> values, double* out) {
  const LaneRows rows = block;
  const Sums job = terms;
  for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
    const int64_t count = std::min(kLanes, rows.width);
    LaneSums sums[kMostLanes / kLanes] = {};
    for (int64_t r = 0; r < rows.rows; r += kTogether) {
      const int64_t here = std::min(kTogether, rows.rows - r);
      for (int64_t l = 0; l < rows.width; l += kLanes) {
        const int64_t lane = std::min(l, rows.width - count);
        int64_t at = rows.offset + r * rows.stride + lane;
        if (count == kLanes) {
          sum_run<Level::kBytes>(job, values, lane, at, here, rows.stride, sums[l / kLanes]);
        } else {
          for (int64_t i = 0; i < here; ++i, at += rows.stride) {
            sum_rest(job, values, lane, at, count, sums[0]);
          }
        }
      }
    }
    for (int64_t l = 0; l < rows.width; l += kLanes) {
      const int64_t lane = std::min(l, rows.width - count);
      if (rows.tail > lane) {
        sum_rest(job, values, lane, rows.offset + rows.rows * rows.stride + lane,
                 std::min(kLanes, rows.tail - lane), sums[l / kLanes]);
      }
      for (int j = 0; j < 2; ++j) {
        std::copy_n(sums[l / kLanes][j], count, out + j * kMostLanes + lane);
      }
    }
  });
}

/// The map over the rows [from, to), and behind the last one over the tail.
template <class T, class Map>
__attribute__((noinline)) void map_rows(const LaneRows& block, const Map& map, int64_t from,
                                        int64_t to,
                                        ForEach<typename Map::MapValue, Map::kMapValues> values) {
  const LaneRows rows = block;
  const Map job = map;
  // Rows that take their values once. A multiple of 4 KB apart, they share few sets of the cache.
  const int64_t tile = rows.stride * static_cast<int64_t>(sizeof(T)) % 4096 == 0 ? 2 : 8;
  for_level<NormLevel<T>>([=]<class Level>() NORMA_INLINE {
    const int64_t end = to + (to == rows.rows && rows.tail > 0);
    for (int64_t r = from; r < end;) {
      const int64_t here = r < to ? std::min(tile, to - r) : 1;
      map_run<Level::kBytes>(job, values, rows.offset + r * rows.stride,
                             r < to ? rows.width : rows.tail, here, rows.stride);
      r += here;
    }
  });
}

/// The map over everything, in the order of memory.
template <class T, class Map>
void map_all_rows(ChannelShape shape, const Map& map, const typename Map::MapValue* values) {
  const LaneRows rows(shape, 0, shape.channels);
  Scratch<typename Map::MapValue> lanes(Map::kMapValues * rows.width + kSlack);
  const auto of_lanes = spread<Map::kMapValues>(rows, values, shape.channels, lanes.data());
  parallel_for(rows.rows, rows_grain(kNormGrain, rows.width),
               [&](int64_t from, int64_t to) { map_rows<T>(rows, map, from, to, of_lanes); });
}

/// A job (see pass.h) over one block of channels.
template <class T, class Job>
void pass_block(const LaneRows& rows, const Job& job) {
  constexpr int kSumValues = Job::Sums::kSumValues, kMapValues = Job::Map::kMapValues;
  double from[kSumValues * kMostLanes], from_lanes[kSumValues * kMostLanes + kSlack];
  double sums[2 * kMostLanes] = {};
  typename Job::Map::MapValue values[kMapValues * kMostLanes],
      value_lanes[kMapValues * kMostLanes + kSlack];
  job.begin(rows.first, rows.channels, from, kMostLanes);
  if (job.needs_sums()) {
    sum_lanes<T>(rows, job.sums, spread<kSumValues>(rows, from, kMostLanes, from_lanes), sums);
    gather(rows, sums);
  }
  job.finish(rows.first, rows.channels, from, sums, values, kMostLanes);
  if (!job.needs_map()) return;
  map_rows<T>(rows, job.map, 0, rows.rows,
              spread<kMapValues>(rows, values, kMostLanes, value_lanes));
}

/// Block of channels after block of channels.
template <class T, class Job>
void pass_lanes(ChannelShape shape, const Job& job) {
  const int64_t channels = shape.channels, most = std::min(channels, kMostLanes / shape.length);
  parallel_for(ceil_div(channels, most), rows_grain(kNormGrain, shape.n * most * shape.length),
               [&](int64_t from, int64_t to) {
                 for (int64_t c = from * most; c < std::min(to * most, channels); c += most) {
                   pass_block<T>(LaneRows(shape, c, std::min(most, channels - c)), job);
                 }
               });
}

}  // namespace norma::kernels
