// Fast orders; their plain twin is plain/order.h. An element becomes an entry: a whole number that
// is ordered as the elements are, with the position behind it, so that no two entries are equal.
//
//     wanted                          path
//     all of a long line              by digits of eleven bits, the last one first
//     all of a short line             std::sort of the entries
//     few                             std::partial_sort
//     one, or many                    std::nth_element, then the first ones sorted
#include "norma/core/kernels/order.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/plain/order.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

__extension__ typedef unsigned __int128 Long;

template <class T>
using Key = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

/// A whole number that grows with x. Zeros of both signs are one, and so are all NaN.
template <class T>
NORMA_INLINE inline Key<T> key_of(T x) {
  constexpr Key<T> kSign = Key<T>(1) << (8 * sizeof(Key<T>) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    const auto bits = __builtin_bit_cast(Key<T>, x);
    const Key<T> key = bits & kSign ? ~bits : bits | kSign;
    return x != x ? std::numeric_limits<Key<T>>::max() : x == 0 ? kSign : key;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<Key<T>>(x) ^ kSign;
  } else {
    return x;
  }
}

/// Keys of four bytes with positions of four, or both of eight.
template <class Entry>
constexpr int kPositionBits = sizeof(Entry) == 8 ? 32 : 64;

template <class Entry>
NORMA_INLINE inline int64_t position_of(Entry entry) {
  return static_cast<int64_t>(entry & ((Entry(1) << kPositionBits<Entry>)-1));
}

template <class Entry, class T>
void fill_entries(Entry* entries, const T* x, int64_t length, int64_t stride, bool descending) {
  const Key<T> flip = descending ? ~Key<T>(0) : 0;
  for (int64_t i = 0; i < length; ++i) {
    entries[i] = static_cast<Entry>(static_cast<Key<T>>(key_of(x[i * stride]) ^ flip))
                     << kPositionBits<Entry> |
                 static_cast<Entry>(i);
  }
}

constexpr int kDigitBits = 11;
constexpr int64_t kDigits = int64_t{1} << kDigitBits;
constexpr int64_t kLong = 1024;  // lines that are sorted by digits

/// Sorts by the keys; entries of one key stay in their order. The result is in one of the two.
template <class Entry>
Entry* sort_by_digits(Entry* entries, Entry* other, int64_t length) {
  constexpr int kPasses = (kPositionBits<Entry> + kDigitBits - 1) / kDigitBits;
  const auto digit = [](Entry entry, int pass) NORMA_INLINE {
    return static_cast<std::size_t>(entry >> (kPositionBits<Entry> + pass * kDigitBits)) &
           static_cast<std::size_t>(kDigits - 1);
  };
  Scratch<int64_t> all(kPasses * kDigits);
  int64_t* const counts = all.data();
  std::fill_n(counts, kPasses * kDigits, 0);
  for (int64_t i = 0; i < length; ++i) {
    for (int pass = 0; pass < kPasses; ++pass)
      ++counts[static_cast<std::size_t>(pass * kDigits) + digit(entries[i], pass)];
  }
  for (int pass = 0; pass < kPasses; ++pass) {
    int64_t* const starts = counts + pass * kDigits;
    if (starts[digit(entries[0], pass)] == length) continue;
    int64_t sum = 0;
    for (int64_t d = 0; d < kDigits; ++d) {
      const int64_t count = starts[d];
      starts[d] = sum;
      sum += count;
    }
    for (int64_t i = 0; i < length; ++i) other[starts[digit(entries[i], pass)]++] = entries[i];
    std::swap(entries, other);
  }
  return entries;
}

/// Brings the first `count` entries of a line into order; returns where they are.
template <class Entry>
Entry* first_entries(Entry* entries, Entry* other, int64_t length, int64_t count) {
  if (count == length) {
    if (length >= kLong) return sort_by_digits(entries, other, length);
    std::sort(entries, entries + length);
  } else if (count * 16 < length) {
    std::partial_sort(entries, entries + count, entries + length);
  } else {
    std::nth_element(entries, entries + count, entries + length);
    std::sort(entries, entries + count);
  }
  return entries;
}

/// `take(entries, room for as many, where the line's first result goes)` for every line.
template <class Entry, class T, class Take>
void for_each_order(const T* x, MiddleShape s, int64_t count, bool descending, Take take) {
  const int64_t grain = std::max<int64_t>(1, rows_grain(kElementGrain, s.length) / 8);
  parallel_for(s.lines(), grain, [=](int64_t begin, int64_t end) {
    Scratch<Entry> entries(s.length), other(s.length >= kLong && count == s.length ? s.length : 0);
    for (int64_t line = begin; line < end; ++line) {
      fill_entries(entries.data(), x + s.start(line), s.length, s.inner, descending);
      take(entries.data(), other.data(), MiddleShape(s.outer, count, s.inner).start(line));
    }
  });
}

/// `run.operator()<Entry>()` with entries that have room for the positions.
template <class T, class Run>
void with_entries(int64_t length, Run run) {
  if constexpr (sizeof(T) < 8) {
    if (length <= int64_t{std::numeric_limits<uint32_t>::max()})
      return run.template operator()<uint64_t>();
  }
  run.template operator()<Long>();
}

}  // namespace

template <class T>
void first_positions(int64_t* out, const T* x, MiddleShape s, int64_t count, bool descending) {
  if (plain_kernels())
    return plain::first_positions(out, x, s.outer, s.length, s.inner, count, descending);
  with_entries<T>(s.length, [=]<class Entry>() {
    for_each_order<Entry>(x, s, count, descending, [=](Entry* entries, Entry* other, int64_t at) {
      const Entry* const first = first_entries(entries, other, s.length, count);
      for (int64_t j = 0; j < count; ++j) out[at + j * s.inner] = position_of(first[j]);
    });
  });
}

template <class T>
void kth_position(int64_t* out, const T* x, MiddleShape s, int64_t k) {
  if (plain_kernels()) return plain::kth_position(out, x, s.outer, s.length, s.inner, k);
  with_entries<T>(s.length, [=]<class Entry>() {
    for_each_order<Entry>(x, s, 1, false, [=](Entry* entries, Entry*, int64_t at) {
      std::nth_element(entries, entries + k, entries + s.length);
      out[at] = position_of(entries[k]);
    });
  });
}

#define NORMA_ORDER(T)                                                           \
  template void first_positions(int64_t*, const T*, MiddleShape, int64_t, bool); \
  template void kth_position(int64_t*, const T*, MiddleShape, int64_t);
NORMA_ORDER(float)
NORMA_ORDER(double)
NORMA_ORDER(int64_t)
NORMA_ORDER(uint8_t)
NORMA_ORDER(bool)
#undef NORMA_ORDER

}  // namespace norma::kernels
