// From the calls of a run to the rows of a summary. For Norma's own sources.
#pragma once
#include <vector>

#include "norma/layers/call_order.h"
#include "norma/layers/module.h"
#include "norma/layers/summary_table.h"

namespace norma::nn {

/// Rows for the calls, for what holds their modules, and for what never ran.
std::vector<Summary::Row> rows_of(Module& model, std::vector<ModuleCall> calls);

}  // namespace norma::nn
