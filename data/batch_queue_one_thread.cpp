// Instead of batch_queue.cpp in a build without threads: who takes a batch prepares it.
#include <utility>

#include "norma/data/batch_queue.h"

namespace norma::data::detail {

struct BatchQueue::Shared {};

bool BatchQueue::has_threads() { return false; }

BatchQueue::BatchQueue(Prepare prepare, int64_t first, int64_t, int64_t, int64_t)
    : prepare_(std::move(prepare)), next_(first) {}

BatchQueue::~BatchQueue() = default;

Batch BatchQueue::take() { return prepare_(next_++); }

}  // namespace norma::data::detail
