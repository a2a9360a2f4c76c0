// Which values operations keep for backward, for those who draw the graph. For Norma's own sources.
#pragma once
#include <vector>

#include "norma/core/tensor.h"

namespace norma::autograd {

/// Where `Saved` notes what it keeps, on this thread; null where nobody asks. One that is held by
/// the log alone is kept no more, such as those of operations that were not recorded.
extern constinit thread_local std::vector<Tensor>* saved_log;

}  // namespace norma::autograd
