// Paths as users give them. For Norma's own sources.
#pragma once
#include <string>

namespace norma {

/// Refuses the empty path, and zero bytes, at which the system would take it for ended.
void check_path(const char* op, const std::string& path);

/// A path for messages: as it is, or `in_quotes` where it has control characters or is longer than
/// the system's paths.
std::string shown_path(const std::string& path);
/// The same, in quotation marks in any case.
std::string quoted_path(const std::string& path);

}  // namespace norma
