#include <algorithm>
#include <cmath>

#include "contents.h"
#include "norma/core/error.h"

namespace norma::tensorboard {

namespace {

std::vector<double> limits() {
  std::vector<double> positive;
  double limit = 1e-12;
  while (limit < 1e20) {
    positive.push_back(limit);
    limit *= 1.1;
  }
  std::vector<double> all;
  for (auto v = positive.rbegin(); v != positive.rend(); ++v) all.push_back(-*v);
  all.push_back(0);
  all.insert(all.end(), positive.begin(), positive.end());
  return all;
}

}  // namespace

Histogram histogram_of(const char* op, const Tensor& tensor) {
  const Tensor values = tensor.detach().to(kFloat64).contiguous();
  const double* const begin = values.data_ptr<double>();
  const double* const end = begin + values.numel();
  if (begin == end) fail(op, "expected at least one value, got a tensor of shape ", values.sizes());
  const auto strange = std::count_if(begin, end, [](double v) { return !std::isfinite(v); });
  if (strange > 0)
    fail(op, "expected finite values, got ", strange, " of ", values.numel(), " that are not");

  // Bin i lies between the limits i and i + 1, and has the left one; the last has both.
  const std::vector<double> edges = limits();
  const auto last_bin = static_cast<int64_t>(edges.size()) - 2;
  std::vector<int64_t> counts(edges.size() - 1);
  Histogram histogram;
  double sum = 0, squares = 0;
  int64_t first_used = last_bin, last_used = 0;
  for (const double* v = begin; v != end; ++v) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), *v) - edges.begin();
    const int64_t bin = std::clamp<int64_t>(above - 1, 0, last_bin);
    ++counts[static_cast<std::size_t>(bin)];
    first_used = std::min(first_used, bin);
    last_used = std::max(last_used, bin);
    sum += *v;
    squares += *v * *v;
  }
  histogram.set_min(*std::min_element(begin, end));
  histogram.set_max(*std::max_element(begin, end));
  histogram.set_num(static_cast<double>(values.numel()));
  histogram.set_sum(sum);
  histogram.set_sum_squares(squares);
  // Buckets say their right limits alone: an empty one in front has the left limit of the first.
  for (int64_t bin = first_used - 1; bin <= last_used; ++bin) {
    const auto right = static_cast<std::size_t>(bin + 1);
    histogram.add_bucket_limit(edges[right]);
    histogram.add_bucket(bin < first_used ? 0 : static_cast<double>(counts[right - 1]));
  }
  return histogram;
}

}  // namespace norma::tensorboard
