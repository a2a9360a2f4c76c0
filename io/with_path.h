// Errors that name the file. For Norma's own sources.
#pragma once
#include <string>

#include "norma/core/error.h"

namespace norma {

/// The metadata key that tells a checkpoint from the state of a module alone.
inline constexpr const char* kCheckpointKey = "norma.checkpoint";

/// Runs `body`; an Error comes out as `[op] path: its message`.
template <class F>
auto with_path(const char* op, const std::string& path, F&& body) {
  try {
    return body();
  } catch (const Error& error) {
    const std::string text = error.what();
    fail(op, path + ": " + text.substr(error.op().size() + 3));  // without "[op] "
  }
}

}  // namespace norma
