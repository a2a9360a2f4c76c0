#include "norma/core/platform/memory.h"

#include <sys/mman.h>

#include <cstdlib>

namespace norma::platform {

void* aligned_block(std::size_t bytes) noexcept {
  return std::aligned_alloc(kBlockAlignment, bytes);
}

void free_aligned_block(void* block) noexcept { std::free(block); }

void* map_pages(std::size_t bytes) noexcept {
  void* const block =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
  madvise(block, bytes, MADV_HUGEPAGE);  // advice: where it fails, nothing is lost
#endif
  return block;
}

void unmap_pages(void* block, std::size_t bytes) noexcept { munmap(block, bytes); }

}  // namespace norma::platform
