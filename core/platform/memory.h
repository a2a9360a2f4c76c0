// Memory as the system gives it, for the caching allocator.
#pragma once
#include <cstddef>

namespace norma::platform {

/// Where aligned blocks begin, and what their sizes are multiples of.
inline constexpr std::size_t kBlockAlignment = 64;

/// A block of `bytes`, a multiple of `kBlockAlignment`; null where there is none.
void* aligned_block(std::size_t bytes) noexcept;
void free_aligned_block(void* block) noexcept;  ///< gives one back

/// Pages by themselves, huge ones where the system has them: fewer faults and translations. They
/// begin where an aligned block may. Null where there are none.
void* map_pages(std::size_t bytes) noexcept;
void unmap_pages(void* block, std::size_t bytes) noexcept;  ///< gives them back, all of them

}  // namespace norma::platform
