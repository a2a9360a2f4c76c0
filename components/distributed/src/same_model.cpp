// Whether all ranks have the same model.
#include <algorithm>
#include <string>
#include <vector>

#include "reducer.h"

namespace norma::distributed {

namespace {

/// A line for each thing that has to agree.
std::vector<std::string> description(const nn::Module& model, const DataParallelOptions& options) {
  std::vector<std::string> lines = {
      text("broadcast_buffers = ", options.broadcast_buffers),
      text("find_unused_parameters = ", options.find_unused_parameters),
      text("bucket_cap_mb = ", options.bucket_cap_mb)};
  for (const auto& [name, tensor] : model.named_parameters()) {
    lines.push_back(text("the parameter ", name, " of shape ", tensor.sizes(), ", ", tensor.dtype(),
                         ", requires_grad = ", tensor.requires_grad()));
  }
  for (const auto& [name, tensor] : model.named_buffers()) {
    lines.push_back(text("the buffer ", name, " of shape ", tensor.sizes(), ", ", tensor.dtype()));
  }
  return lines;
}

/// Line `i` of what lies between line ends; "nothing more" behind the last.
std::string line_of(const std::string& lines, std::size_t begin) {
  return begin < lines.size() ? lines.substr(begin, lines.find('\n', begin) - begin)
                              : "nothing more";
}

}  // namespace

void require_same_model(const nn::Module& model, const DataParallelOptions& options) {
  std::string own;
  for (const std::string& line : description(model, options)) own += line + '\n';
  const std::vector<std::string> all = all_gather_object(own);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const std::string &first = all[0], &other = all[rank];
    if (first == other) continue;
    const auto most = std::min(first.size(), other.size());
    const auto at = static_cast<std::size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(most),
                      other.begin())
            .first -
        first.begin());
    const std::size_t before = at == 0 ? std::string::npos : first.rfind('\n', at - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    fail("DistributedDataParallel", "expected the same model and options on all ranks, got ",
         line_of(first, begin), " on rank 0, and ", line_of(other, begin), " on rank ", rank);
  }
}

}  // namespace norma::distributed
