// Two passes over the values of each channel: sums over all of them, then a map.
//
// A job has two parts, `sums` (of kSumValues doubles per channel) and `map` (of kMapValues), and
//
//     begin(first, channels, values, pitch)                the channels' values for the sums, first
//                                                          of all the shift
//     finish(first, channels, shift, sums, values, pitch)  those for the map
//
// What they compute is not inlined: all paths take the same code, and give the same bits.
#pragma once
#include "norma/core/kernels/norm/lanes.h"
#include "norma/core/kernels/norm/planes.h"

namespace norma::kernels {

/// Whether runs are long enough for vectors by themselves.
inline bool has_planes(ChannelShape shape) { return shape.length >= 32; }

/// A single channel is one long plane.
inline ChannelShape joined(ChannelShape shape) {
  if (shape.channels > 1) return shape;
  return {1, 1, shape.n * shape.length};
}

template <class T, class Job>
void pass(ChannelShape shape, const Job& job) {
  if (has_planes(shape)) return pass_planes<T>(shape, job);
  pass_lanes<T>(shape, job);
}

}  // namespace norma::kernels
