// For programs under ThreadSanitizer that link this library without it, where it sees none of our
// atomic steps: what one thread hands to another is told to it. Nothing happens everywhere else.
#pragma once

extern "C" {
__attribute__((weak)) void __tsan_acquire(void*);
__attribute__((weak)) void __tsan_release(void*);
}

namespace norma {

/// What this thread did so far comes before what follows a `tell_acquire` of the same place.
inline void tell_release(void* place) {
  if (__tsan_release) __tsan_release(place);
}
inline void tell_acquire(void* place) {
  if (__tsan_acquire) __tsan_acquire(place);
}

}  // namespace norma
