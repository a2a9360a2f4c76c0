// Memory that ends when a test wants it to. For one source of a program: it replaces malloc.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <new>

// How many more allocations of this thread succeed; negative: all.
inline constinit thread_local int64_t allocations_left = -1;
inline bool memory_ends() { return allocations_left >= 0 && allocations_left-- == 0; }

#ifdef NORMA_SANITIZE  // it has its own malloc: only allocations of the standard library fail
void* operator new(std::size_t size) {
  void* const block = memory_ends() ? nullptr : std::malloc(size);
  if (!block) throw std::bad_alloc();
  return block;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#else
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* malloc(std::size_t size) { return memory_ends() ? nullptr : __libc_malloc(size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memory_ends() ? nullptr : __libc_memalign(alignment, size);
}
}
#endif
