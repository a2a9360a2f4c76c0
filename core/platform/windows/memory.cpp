#include "norma/core/platform/memory.h"

#include <malloc.h>
#include <windows.h>

namespace norma::platform {

void* aligned_block(std::size_t bytes) noexcept { return _aligned_malloc(bytes, kBlockAlignment); }

void free_aligned_block(void* block) noexcept { _aligned_free(block); }

void* map_pages(std::size_t bytes) noexcept {
  return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void unmap_pages(void* block, std::size_t) noexcept { VirtualFree(block, 0, MEM_RELEASE); }

}  // namespace norma::platform
