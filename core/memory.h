// Memory that is not to be had becomes an Error, here and nowhere else.
#pragma once
#include <cstdint>
#include <new>
#include <utility>

namespace norma {

/// Throws `[allocate] expected memory for … bytes`; 0 for an amount that is not known.
[[noreturn]] void out_of_memory(int64_t bytes);

/// Puts memory aside that `out_of_memory` gives up to have room for its message. Called by those
/// who ask the system for memory; costs nothing where it is there already.
void keep_reserve() noexcept;

/// `body()`, of which a std::bad_alloc becomes that error.
/// `bytes`: how much it asks for.
template <class F>
decltype(auto) with_memory(int64_t bytes, F&& body) {
  try {
    return std::forward<F>(body)();
  } catch (const std::bad_alloc&) {
    out_of_memory(bytes);
  }
}

}  // namespace norma
