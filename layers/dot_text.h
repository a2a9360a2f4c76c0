// Text for Graphviz. For Norma's own sources.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "norma/layers/graph_notes.h"

namespace norma::autograd {

/// A label of these lines, between quotes: names may have any bytes.
std::string dot_quoted(const std::vector<std::string>& lines);

/// The statements of each frame, Frames::kNone for what is in none, in frames that stand in one
/// another. Frames without any are left out.
std::string framed(const Frames& frames, const std::unordered_map<int, std::string>& statements);

}  // namespace norma::autograd
