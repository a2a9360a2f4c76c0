// What tests on several ranks share: a group, there from the first use, and shares of a batch.
#pragma once
#include <norma/distributed.h>

#include <string>
#include <vector>

#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

namespace ranks {

namespace dist = norma::distributed;

inline int size() {
  if (!dist::is_initialized()) dist::init_process_group();
  return dist::get_world_size();
}
inline int rank() { return size() > 0 ? dist::get_rank() : -1; }

/// Where this rank's samples begin and end, of `count`; every rank has one more than the one before
/// if they are uneven.
struct Share {
  int64_t begin, end;
  norma::Tensor of(const norma::Tensor& batch) const { return batch.slice(0, begin, end); }
  int64_t count() const { return end - begin; }
};
inline Share even(int64_t count) {
  return {count * rank() / size(), count * (rank() + 1) / size()};
}
/// Of 1 + 2 + … + n times `unit` samples, rank r has (r + 1) units.
inline Share uneven(int64_t unit) {
  const int64_t r = rank();
  return {unit * r * (r + 1) / 2, unit * (r + 1) * (r + 2) / 2};
}
inline int64_t uneven_total(int64_t unit) { return unit * size() * (size() + 1) / 2; }

/// "" when all ranks have the same bits, else what differs.
inline std::string differing_ranks(const norma::Tensor& tensor) {
  for (const norma::Tensor& other : dist::all_gather(tensor)) {
    const std::string what = differing_bits(other, tensor);
    if (!what.empty()) return what;
  }
  return "";
}

}  // namespace ranks
