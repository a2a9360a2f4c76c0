// Fast loops over elements, by the table in elementwise.h. Functions that are more than a step of
// arithmetic have their plain twin in plain/elementwise.h.
#include "norma/core/kernels/elementwise.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "norma/core/grains.h"
#include "norma/core/integers.h"
#include "norma/core/kernels/vectors.h"
#include "norma/core/threads.h"

namespace norma::kernels {
namespace {

constexpr std::size_t kMost = 4;  // operands, the result among them
constexpr int64_t kBlock = 512;   // elements gathered at a time
constexpr int64_t kShortRow = 32, kMediumRow = 128;

using Offsets = std::array<int64_t, kMost>;  // bytes, of each operand

/// A tensor, or (null) one value.
struct Operand {
  const TensorImpl* tensor;
  char* data;
  int64_t size;  // bytes of an element

  explicit Operand(const Tensor& t)
      : tensor(impl_of(t)), data(tensor->data()), size(item_size(tensor->dtype)) {}
  Operand(const void* value, int64_t bytes)
      : tensor(nullptr), data(static_cast<char*>(const_cast<void*>(value))), size(bytes) {}

  /// Bytes between neighbours along dimension `i` of `rank`, 0 where it is broadcast.
  int64_t stride(int64_t i, int64_t rank) const {
    const int64_t own = tensor ? i - rank + tensor->sizes.size() : -1;
    return own < 0 || tensor->sizes[own] == 1 ? 0 : tensor->strides[own] * size;
  }
};

/// The common geometry of operands, the innermost dimension first; neighbouring dimensions that are
/// one to all of them are merged. A row is what lies along the first.
template <std::size_t N>
struct Grid {
  std::size_t rank = 0;
  int64_t rows = 1;
  std::array<int64_t, Shape::kMaxDims> sizes{};
  std::array<Offsets, Shape::kMaxDims> strides{};

  Grid(const Shape& shape, const std::array<Operand, N>& operands) {
    for (int64_t i = shape.size() - 1; i >= 0; --i) {
      if (shape[i] == 1) continue;
      Offsets step{};
      for (std::size_t k = 0; k < N; ++k) step[k] = operands[k].stride(i, shape.size());
      if (!merge(shape[i], step)) append(shape[i], step);
    }
    if (rank == 0) append(1, {});
    for (std::size_t d = 1; d < rank; ++d) rows *= sizes[d];
  }

 private:
  bool merge(int64_t size, const Offsets& step) {
    if (rank == 0) return false;
    for (std::size_t k = 0; k < N; ++k) {
      if (step[k] != strides[rank - 1][k] * sizes[rank - 1]) return false;
    }
    sizes[rank - 1] *= size;
    return true;
  }
  void append(int64_t size, const Offsets& step) {
    sizes[rank] = size;
    strides[rank++] = step;
  }
};

/// Where a row starts, and the way to the next one.
template <std::size_t N>
class Row {
 public:
  Row(const Grid<N>& grid, int64_t number) : grid_(grid) {
    for (std::size_t d = 1; d < grid.rank; ++d) {
      index_[d] = number % grid.sizes[d];
      number /= grid.sizes[d];
      for (std::size_t k = 0; k < N; ++k) at_[k] += index_[d] * grid.strides[d][k];
    }
  }
  const Offsets& at() const { return at_; }
  int64_t index(std::size_t d) const { return index_[d]; }
  /// Whether operand `k` has one row for all.
  bool repeats(std::size_t k) const {
    for (std::size_t d = 1; d < grid_.rank; ++d)
      if (grid_.strides[d][k] != 0) return false;
    return true;
  }
  void skip(int64_t elements) {
    for (std::size_t k = 0; k < N; ++k) at_[k] += elements * grid_.strides[0][k];
  }
  /// The row after next, and so on: no further than to the next one along the third dimension.
  void next(int64_t rows = 1) {
    for (std::size_t d = 1; d < grid_.rank; ++d, rows = 1) {
      for (std::size_t k = 0; k < N; ++k) at_[k] += rows * grid_.strides[d][k];
      index_[d] += rows;
      if (index_[d] < grid_.sizes[d]) return;
      index_[d] = 0;
      for (std::size_t k = 0; k < N; ++k) at_[k] -= grid_.sizes[d] * grid_.strides[d][k];
    }
  }

 private:
  const Grid<N>& grid_;
  std::array<int64_t, Shape::kMaxDims> index_{};
  Offsets at_{};
};

/// Calls `body(row, rows, length)` for each thread's share: some rows, or a part of the only one.
template <std::size_t N, class Body>
void share_rows(const Grid<N>& grid, Body body) {
  const int64_t length = grid.sizes[0];
  if (grid.rows == 1) {
    return parallel_for(length, kElementGrain, [&](int64_t begin, int64_t end) {
      Row<N> row(grid, 0);
      row.skip(begin);
      body(row, int64_t{1}, end - begin);
    });
  }
  parallel_for(grid.rows, rows_grain(kElementGrain, length),
               [&](int64_t begin, int64_t end) { body(Row<N>(grid, begin), end - begin, length); });
}

/// Calls `body(at, step, length)` for every row: where each operand's row starts, and the bytes
/// from one of its elements to the next.
template <std::size_t N, class Body>
void each_row(const Grid<N>& grid, const std::array<Operand, N>& operands, Body body) {
  share_rows(grid, [&](Row<N> row, int64_t rows, int64_t length) {
    for (; rows > 0; --rows, row.next()) {
      std::array<char*, N> at;
      for (std::size_t k = 0; k < N; ++k) at[k] = operands[k].data + row.at()[k];
      body(at, grid.strides[0], length);
    }
  });
}

/// Calls f with the size of an element as a constant.
template <class F>
void with_size(int64_t size, F f) {
  if (size == 1) return f(std::integral_constant<std::size_t, 1>());
  if (size == 4) return f(std::integral_constant<std::size_t, 4>());
  f(std::integral_constant<std::size_t, 8>());
}

/// memcpy of at least kPiece bytes, often few: a call costs more than the copy then.
constexpr int64_t kPiece = 16;
inline void copy_run(char* to, const char* from, int64_t bytes) {
  constexpr int64_t kShort = 128;
  if (bytes > kShort) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
    return;
  }
  for (int64_t i = 0; i < bytes - kPiece; i += kPiece) std::memcpy(to + i, from + i, kPiece);
  std::memcpy(to + bytes - kPiece, from + bytes - kPiece, kPiece);
}

/// Copies elements of `size` bytes that lie any number of bytes apart.
void copy_spaced(int64_t size, char* to, int64_t to_step, const char* from, int64_t from_step,
                 int64_t count) {
  const bool joined = to_step == size;
  if (joined && from_step == size && count * size >= kPiece)
    return copy_run(to, from, count * size);
  with_size(size, [=](auto bytes) {
    const auto step = static_cast<int64_t>(bytes());
    if (joined && from_step == 0 && count * step >= kPiece) {
      char value[kPiece];
      for (std::size_t i = 0; i < sizeof value; i += bytes) std::memcpy(value + i, from, bytes);
      const int64_t last = count * step - kPiece;
      for_level<Level256>([=, &value]<class Level>() NORMA_INLINE {
        using Piece = Vector<char, kPiece>;
        using V = Vector<char, Level::kBytes>;
        const typename Piece::Value one = Piece::at(value).value;
        char both[2 * kPiece];
        Piece::at(both).value = Piece::at(both + kPiece).value = one;
        const typename V::Value many = V::at(both).value;
        int64_t i = 0;
        for (; i + V::kLanes <= last; i += V::kLanes) V::at(to + i).value = many;
        for (; i < last; i += kPiece) Piece::at(to + i).value = one;
        Piece::at(to + last).value = one;
      });
    } else if (joined && from_step == 2 * step && bytes > 1) {
      using Word = std::conditional_t<bytes == 4, uint32_t, uint64_t>;
      copy_steps<Word, Level128>(reinterpret_cast<const Word*>(from), 2, count,
                                 reinterpret_cast<Word*>(to));
    } else if (joined) {
#pragma GCC unroll 4
      for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * step, from + i * from_step, bytes);
    } else {
      for (int64_t i = 0; i < count; ++i)
        std::memcpy(to + i * to_step, from + i * from_step, bytes);
    }
  });
}

/// The dimension along which the source lies side by side, where that is not the result's; else 0.
std::size_t transposed_dimension(const Grid<2>& grid, int64_t size) {
  if (grid.strides[0][0] != size || grid.strides[0][1] == size) return 0;
  for (std::size_t d = 1; d < grid.rank; ++d)
    if (grid.strides[d][1] == size && grid.sizes[d] >= 4) return d;
  return 0;
}

/// Copies in tiles of whole cache lines, down a stripe of rows after the other: element by element,
/// every line of the source would be fetched once for each of its elements.
template <class T>
void copy_transposed(const Grid<2>& grid, std::size_t side, const char* from, char* to) {
  constexpr int64_t kSize = sizeof(T), kTile = 64 / kSize, kFew = 4, kStripe = 256;
  const int64_t rows = grid.sizes[0], columns = grid.sizes[side];
  const int64_t ld_in = grid.strides[0][1] / kSize, ld_out = grid.strides[side][0] / kSize;
  const int64_t width = rows < kFew ? kFew * kTile : kTile;
  const int64_t along = ceil_div(columns, width);
  // A grid of columns of tiles.
  Grid<2> tiles = grid;
  tiles.sizes[0] = 1;
  tiles.sizes[side] = along;
  for (int64_t& stride : tiles.strides[side]) stride *= width;
  tiles.rows = grid.rows / columns * along;
  const int64_t grain = rows_grain(kElementGrain, std::min(rows, kStripe) * width);
  parallel_for(tiles.rows * ceil_div(rows, kStripe), grain, [&](int64_t begin, int64_t end) {
    for_level<Level256>([=, &tiles]<class Level>() NORMA_INLINE {
      Row<2> row(tiles, begin % tiles.rows);
      for (int64_t i = begin; i < end; ++i, row.next()) {
        const int64_t first = i / tiles.rows * kStripe, last = std::min(rows, first + kStripe);
        const int64_t count = std::min(width, columns - row.index(side) * width);
        const auto* in = reinterpret_cast<const T*>(from + row.at()[1]);
        auto* out = reinterpret_cast<T*>(to + row.at()[0]);
        for (int64_t r = first; r < last; r += kTile) {
          const auto tile = [=](int64_t height, int64_t across) NORMA_INLINE {
            transpose<T, Level::kBytes>(height, across, in + r * ld_in, ld_in, out + r, ld_out);
          };
          const int64_t height = std::min(kTile, last - r);
          if (height == kTile && count == kTile) {
            tile(kTile, kTile);
          } else {
            height == 2 ? tile(2, count) : height == 3 ? tile(3, count) : tile(height, count);
          }
        }
      }
    });
  });
}

template <std::size_t N>
struct Operation {
  Loop loop;
  const void* f;
  std::array<Operand, N> operands;  // out, x and perhaps y

  void run() const {
    const TensorImpl* out = operands[0].tensor;
    if (out->numel == 0) return;
    const Grid<N> grid(out->sizes, operands);
    const Offsets& step = grid.strides[0];
    const bool one_y = N > 2 && step[N - 1] == 0, one_x = N > 2 && step[1] == 0 && !one_y;
    bool adjacent = grid.rows == 1 || grid.sizes[0] >= (in_sweeps(grid) ? kMediumRow : kShortRow);
    for (std::size_t k = 0; k < N; ++k) {
      adjacent &= step[k] == operands[k].size || (k == 1 && one_x) || (k == 2 && one_y);
    }
    share_rows(grid, [&](Row<N> row, int64_t rows, int64_t length) {
      if (!adjacent) return run_gathered(grid, row, rows, length);
      for (; rows > 0; --rows, row.next()) {
        if (one_x) {
          run_repeated(row.at(), length);
        } else {
          loop(f, run_at(row.at(), length, one_y));
        }
      }
    });
  }

 private:
  Run run_at(const Offsets& at, int64_t count, bool one_y) const {
    return {.out = operands[0].data + at[0],
            .x = operands[1].data + at[1],
            .y = N > 2 ? operands[N - 1].data + at[N - 1] : nullptr,
            .count = count,
            .one_y = one_y};
  }
  /// A row in which x is one value.
  void run_repeated(Offsets at, int64_t length) const {
    constexpr int64_t kSame = 128;
    alignas(64) char same[kSame * 8];
    const int64_t size = operands[1].size;
    copy_spaced(size, same, size, operands[1].data + at[1], 0, std::min(kSame, length));
    for (int64_t left = length; left > 0; left -= kSame) {
      Run run = run_at(at, std::min(kSame, left), false);
      run.x = same;
      loop(f, run);
      at[0] += kSame * operands[0].size;
      at[N - 1] += kSame * size;
    }
  }
  /// Whether operands that lie side by side are joined with one that repeats a row, many times.
  bool in_sweeps(const Grid<N>& grid) const {
    std::size_t together = 0, repeated = 0;
    for (std::size_t k = 0; k < N; ++k) {
      together += grid.strides[1][k] == grid.sizes[0] * operands[k].size;
      repeated += grid.strides[1][k] == 0;
    }
    return together == N - 1 && repeated == 1 && grid.sizes[1] * grid.sizes[0] >= 2 * kBlock;
  }
  /// What was gathered of each operand: rows from where on, and how many.
  struct Gathered {
    alignas(64) char blocks[N][kBlock * 8];
    std::array<const char*, N> from{};
    std::array<int64_t, N> rows{};
  };
  /// Blocks of as many rows as fit, or of a part of a long one. Where a sweep along the second
  /// dimension has more rows than a block, no block has rows of two of them.
  void run_gathered(const Grid<N>& grid, const Row<N>& row, int64_t rows, int64_t length) const {
    const int64_t width = std::min(length, kBlock), height = kBlock / width;
    const bool sweeps = grid.sizes[1] >= height;
    Gathered gathered;
    for (int64_t from = 0; from < length; from += width) {
      const int64_t count = std::min(width, length - from);
      Row<N> next = row;
      next.skip(from);
      for (int64_t left = rows; left > 0;) {
        const int64_t some =
            std::min({height, left, sweeps ? grid.sizes[1] - next.index(1) : left});
        run_block(grid, next, some, count, sweeps, gathered);
        left -= some;
      }
    }
  }
  /// An operand stays where it is if all of the block lies side by side. So does a single value. A
  /// row that repeats is gathered once.
  void run_block(const Grid<N>& grid, Row<N>& row, int64_t rows, int64_t count, bool sweeps,
                 Gathered& gathered) const {
    const Offsets &step = grid.strides[0], &next = grid.strides[1];
    auto& blocks = gathered.blocks;
    int64_t results[kBlock];
    std::array<char*, N> at;
    std::array<bool, N> stays, ready;
    const bool one_y = N > 2 && (!operands[N - 1].tensor || (rows == 1 && step[N - 1] == 0));
    for (std::size_t k = 0; k < N; ++k) {
      const TensorImpl* const tensor = operands[k].tensor;
      char* const from = operands[k].data + row.at()[k];
      stays[k] = k == 2 && one_y;
      if (tensor && step[k] == operands[k].size) {
        stays[k] = rows == 1 || (sweeps && next[k] == count * step[k]) ||
                   (tensor->contiguous && tensor->numel == operands[0].tensor->numel);
      }
      const bool same = k > 0 && (row.repeats(k) || (sweeps && next[k] == 0));
      ready[k] = stays[k] || (same && gathered.from[k] == from && gathered.rows[k] >= rows);
      if (same && !ready[k]) {
        gathered.from[k] = from, gathered.rows[k] = rows;
        const int64_t line = count * operands[k].size, all = rows * line;
        copy_spaced(operands[k].size, blocks[k], operands[k].size, from, step[k], count);
        for (int64_t done = line; done < all; done *= 2)
          std::memcpy(blocks[k] + done, blocks[k],
                      static_cast<std::size_t>(std::min(done, all - done)));
        ready[k] = true;
      }
      at[k] = stays[k] ? from : blocks[k];
    }
    bool in_place = sweeps;
    for (const bool is : ready) in_place &= is;
    if (in_place) row.next(rows);
    for (int64_t r = 0; r < rows && !in_place; ++r, row.next()) {
      results[r] = row.at()[0];
      for (std::size_t k = 1; k < N; ++k) {
        const int64_t size = operands[k].size;
        if (ready[k]) continue;
        copy_spaced(size, blocks[k] + r * count * size, size, operands[k].data + row.at()[k],
                    step[k], count);
      }
    }
    loop(f, {.out = at[0], .x = at[1], .y = at[N - 1], .count = rows * count, .one_y = one_y});
    const int64_t size = operands[0].size;
    for (int64_t r = 0; r < rows && !in_place && !stays[0]; ++r) {
      copy_spaced(size, operands[0].data + results[r], step[0], blocks[0] + r * count * size, size,
                  count);
    }
  }
};

/// Whether reading x row by row would fetch every cache line once for each of its elements.
bool lies_across(const Tensor& out, const Tensor& x) {
  constexpr int64_t kFew = 4096;
  const TensorImpl *o = impl_of(out), *a = impl_of(x);
  if (a->contiguous || a->numel != o->numel || a->numel < kFew) return false;
  const std::array operands{Operand(out), Operand(x)};
  return operands[0].size == operands[1].size &&
         transposed_dimension(Grid<2>(o->sizes, operands), operands[0].size) > 0;
}
Tensor in_rows(const Tensor& x) {
  Tensor rows = new_tensor(x.sizes(), x.dtype());
  copy(rows, x);
  return rows;
}

/// Whether both are contiguous and of one shape.
bool is_whole(const Tensor& out, const Tensor& x) {
  const TensorImpl *o = impl_of(out), *a = impl_of(x);
  return o->contiguous && a->contiguous && o->numel == a->numel;
}
void run_whole(Loop loop, const void* f, const Tensor& out, const Tensor& x, const void* y,
               bool one_y) {
  const TensorImpl *o = impl_of(out), *a = impl_of(x);
  const Run all{o->data(), a->data(), y, o->numel, one_y};
  if (parallel_parts(all.count, kElementGrain) == 1) return loop(f, all);
  const int64_t out_size = item_size(o->dtype), size = item_size(a->dtype);
  parallel_for(all.count, kElementGrain, [&](int64_t begin, int64_t end) {
    loop(f, {.out = static_cast<char*>(all.out) + begin * out_size,
             .x = static_cast<const char*>(all.x) + begin * size,
             .y = one_y ? y : static_cast<const char*>(y) + begin * size,
             .count = end - begin,
             .one_y = one_y});
  });
}

}  // namespace

void for_each_run(Loop loop, const void* f, const Tensor& out, const Tensor& x) {
  if (is_whole(out, x)) return run_whole(loop, f, out, x, nullptr, true);
  if (lies_across(out, x)) return for_each_run(loop, f, out, in_rows(x));
  Operation<2>{loop, f, {Operand(out), Operand(x)}}.run();
}
void for_each_run(Loop loop, const void* f, const Tensor& out, const Tensor& x, const Tensor& y) {
  if (is_whole(out, x) && is_whole(out, y)) {
    return run_whole(loop, f, out, x, impl_of(y)->data(), false);
  }
  if (lies_across(out, x)) return for_each_run(loop, f, out, in_rows(x), y);
  if (lies_across(out, y)) return for_each_run(loop, f, out, x, in_rows(y));
  Operation<3>{loop, f, {Operand(out), Operand(x), Operand(y)}}.run();
}
void for_each_run(Loop loop, const void* f, const Tensor& out, const Tensor& x, const void* y) {
  if (is_whole(out, x)) return run_whole(loop, f, out, x, y, true);
  if (lies_across(out, x)) return for_each_run(loop, f, out, in_rows(x), y);
  Operation<3>{loop, f, {Operand(out), Operand(x), Operand(y, item_size(x.dtype()))}}.run();
}

void choose(const Tensor& out, const Tensor& condition, const Tensor& x, const Tensor& y) {
  if (out.numel() == 0) return;
  const std::array operands{Operand(out), Operand(condition), Operand(x), Operand(y)};
  each_row(Grid<4>(out.sizes(), operands), operands,
           [&](const std::array<char*, 4>& at, const Offsets& step, int64_t length) {
             with_size(operands[0].size, [=](auto bytes) {
               for (int64_t i = 0; i < length; ++i) {
                 const std::size_t picked = *(at[1] + i * step[1]) ? 2 : 3;
                 std::memcpy(at[0] + i * step[0], at[picked] + i * step[picked], bytes);
               }
             });
           });
}

void copy(const Tensor& out, const Tensor& source) {
  const TensorImpl *to = impl_of(out), *from = impl_of(source);
  if (to->dtype == from->dtype && to->contiguous && from->contiguous && to->numel == from->numel) {
    const int64_t size = item_size(to->dtype);
    char* const target = to->data();
    const char* const origin = from->data();
    return parallel_for(to->numel, kElementGrain * 4, [=](int64_t begin, int64_t end) {
      std::memmove(target + begin * size, origin + begin * size,
                   static_cast<std::size_t>((end - begin) * size));
    });
  }
  if (to->dtype == from->dtype) {
    if (to->numel == 0) return;
    const std::array operands{Operand(out), Operand(source)};
    const Grid<2> grid(to->sizes, operands);
    const int64_t size = operands[0].size;
    if (const std::size_t side = transposed_dimension(grid, size)) {
      const char* const in = from->data();
      if (size == 4) return copy_transposed<float>(grid, side, in, to->data());
      if (size == 8) return copy_transposed<double>(grid, side, in, to->data());
    }
    return each_row(grid, operands,
                    [&](const std::array<char*, 2>& at, const Offsets& step, int64_t length) {
                      copy_spaced(operands[0].size, at[0], step[0], at[1], step[1], length);
                    });
  }
  dispatch(to->dtype, [&]<class To>() {
    dispatch(from->dtype, [&]<class From>() {
      if constexpr (!std::is_same_v<To, From>) {
        map<To, From>(out, source, [](From x) NORMA_INLINE { return convert<To>(x); });
      }
    });
  });
}

}  // namespace norma::kernels
