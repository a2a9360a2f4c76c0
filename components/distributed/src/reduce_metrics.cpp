#include "norma/distributed/reduce_metrics.h"

#include <limits>

#include "norma/core/error.h"
#include "norma/distributed/process_group.h"
#include "rank_rows.h"

namespace norma::distributed {

void detail::reduce_metrics(std::span<double> means, int64_t samples) {
  const char* const op = "reduce_metrics";
  if (samples < 0) fail(op, "expected a number of samples from 0, got ", samples);
  if (!is_initialized()) return;
  RankRows rows(op, static_cast<int64_t>(means.size()) + 1);
  rows.own()[0] = static_cast<double>(samples);
  for (std::size_t i = 0; i < means.size(); ++i) rows.own()[i + 1] = means[i];
  rows.gather();
  for (std::size_t i = 0; i < means.size(); ++i) {
    double sum = 0.0, count = 0.0;
    for (int64_t rank = 0; rank < rows.count(); ++rank) {
      if (rows[rank][0] == 0.0) continue;
      count += rows[rank][0];
      sum += rows[rank][0] * rows[rank][i + 1];
    }
    means[i] = count > 0.0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace norma::distributed
