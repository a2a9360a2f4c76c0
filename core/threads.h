// One pool of threads for everything: Norma's loops and, through them, OpenBLAS.
#pragma once
#include <cstdint>
#include <type_traits>

namespace norma {

/// How many threads an operation may use. At the start: `NORMA_NUM_THREADS`, else the number of
/// processors this process may run on. OpenBLAS itself runs single-threaded inside Norma's threads,
/// whichever of its builds (pthread, openmp, serial) is installed, so that two pools never compete.
/// A build without threads (NORMA_THREADS=OFF) has one, and does not read the variable.
/// Errors: a count that is not from 1 to 1024, or not 1 in a build without threads; a call from
/// within a parallel loop.
void set_num_threads(int count);
/// How many threads are used.
int get_num_threads();

/// For how many threads loops are divided: as many as there are, but always four under
/// deterministic algorithms, since sums are gathered per part.
int planned_threads();

/// Changes in a forked child, which has none of its parent's threads but the one that forked.
uint32_t fork_count();

namespace detail {
using RangeFunction = void (*)(void* context, int64_t begin, int64_t end, int part);
void run_parallel(int64_t count, int parts, RangeFunction function, void* context);
int several_parts(int64_t count, int64_t grain);
}  // namespace detail

/// How many parts `count` items split into when a part should have at least `grain` of them.
inline int parallel_parts(int64_t count, int64_t grain) {
  return count / 2 < grain ? 1 : detail::several_parts(count, grain);
}

/// Calls `body(begin, end)` for consecutive ranges that cover [0, count). They are as many as
/// `parallel_parts(count, grain)` says, which depends on these and `planned_threads()` alone.
/// Exceptions reach the caller. Nested calls run inline.
template <class F>
void parallel_for(int64_t count, int64_t grain, F&& body) {
  if (count <= 0) return;
  const int parts = parallel_parts(count, grain);
  if (parts == 1) return body(int64_t{0}, count);
  detail::run_parallel(
      count, parts,
      [](void* f, int64_t begin, int64_t end, int) {
        (*static_cast<std::remove_reference_t<F>*>(f))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/// The same in `parts` parts, whose numbers are the third argument, for sums that are gathered per
/// part and added in order. `parts` is what `parallel_parts(count, grain)` gave when memory for
/// them was made: asked again, it may give another number, as threads change.
template <class F>
void parallel_parts_for(int parts, int64_t count, F&& body) {
  if (count <= 0) return;
  if (parts == 1) return body(int64_t{0}, count, 0);
  detail::run_parallel(
      count, parts,
      [](void* f, int64_t begin, int64_t end, int part) {
        (*static_cast<std::remove_reference_t<F>*>(f))(begin, end, part);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace norma
