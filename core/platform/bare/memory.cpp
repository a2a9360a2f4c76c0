#include "norma/core/platform/memory.h"

#include <cstdlib>

namespace norma::platform {

void* aligned_block(std::size_t bytes) noexcept {
  return std::aligned_alloc(kBlockAlignment, bytes);
}

void free_aligned_block(void* block) noexcept { std::free(block); }

void* map_pages(std::size_t bytes) noexcept { return aligned_block(bytes); }

void unmap_pages(void* block, std::size_t) noexcept { free_aligned_block(block); }

}  // namespace norma::platform
