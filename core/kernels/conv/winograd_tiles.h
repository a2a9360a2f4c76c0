// What surrounds the products of winograd.h: images to tiles and tiles to images.
//
// With the 4×4 cells d of a tile, the weights g and the 2×2 outputs y,
//
//     y = Aᵀ [(G g Gᵀ) · (Bᵀ d B)] A       where · multiplies element by element,
//
//          1  0 -1  0          1   0   0
//     Bᵀ = 0  1  1  0      G = ½   ½   ½     Aᵀ = 1  1  1  0
//          0 -1  1  0          ½  -½   ½          0  1 -1  1
//          0 -1  0  1          0   0   1
//
// The sum over channels is taken inside the brackets, as 16 products of matrices; the gradient of g
// is Gᵀ [(A dy Aᵀ) · (Bᵀ d B)] G, where the sum over tiles is taken inside.
#pragma once
#include <type_traits>

#include "norma/core/kernels/conv/packed_weights.h"
#include "norma/core/kernels/conv_shape.h"
#include "norma/core/kernels/scratch.h"
#include "norma/core/kernels/tile.h"

namespace norma::kernels {

/// Elements of a transformed tile, and the one that adds to all four outputs: (1, 1).
inline constexpr int64_t kTileElements = 16, kCentre = 5;

/// Rows of tiles of one image; `position` is that of their first tile among those of the panel.
struct TileRows {
  int64_t image, first, count, position;
};

/// The tiles of a convolution of 3×3 with a padding of one cell. Their rows, of all images one
/// after the other, are divided into panels.
struct Tiles {
  /// In panels whose working memory of such values stays in the second-level cache.
  Tiles(const Conv2dShape& s, int64_t value_bytes);

  int64_t panels() const { return ceil_div(shape.batch * rows, panel_rows); }
  int64_t multiplications() const {
    return shape.batch * rows * cols * shape.out_channels * shape.group_in() * kTileElements;
  }
  /// The number of positions in a panel.
  int64_t positions(int64_t panel) const {
    return std::min(panel_rows, shape.batch * rows - panel * panel_rows) * cols;
  }
  /// Calls f(TileRows) for each image that a panel has rows of.
  template <class F>
  void for_each(int64_t panel, F f) const {
    const int64_t begin = panel * panel_rows, end = begin + positions(panel) / cols;
    for (int64_t row = begin; row < end;) {
      const int64_t first = row % rows;
      const int64_t count = std::min(rows - first, end - row);
      f(TileRows{row / rows, first, count, (row - begin) * cols});
      row += count;
    }
  }
  /// Positions of a panel and room for whole vectors from any of them.
  int64_t stride() const { return (panel_rows * cols / kTileSlack + 2) * kTileSlack; }
  /// Distance between the 16 matrices of `length` elements each. They are written together: the
  /// extra 16 elements keep the 16 matrices out of the same cache set.
  static int64_t matrix_size(int64_t length) { return length + kTileSlack; }

  Conv2dShape shape;
  int64_t rows, cols, panel_rows;  // `rows` and `cols` of an image
};

/// Which tiles lie at the left and right edges of the image, as masks for whole vectors.
template <class T>
class TileEdges {
 public:
  using Mask = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  explicit TileEdges(const Tiles& tiles);
  const Mask* not_left() const { return masks_.data(); }
  const Mask* not_right() const { return masks_.data() + stride_; }

 private:
  int64_t stride_;
  Scratch<Mask> masks_;
};

/// Elements of `work` that the functions below need.
int64_t tile_work_size(const Tiles& tiles);

/// out[e][c][position] = (Bᵀ d B)[e] for every channel of a group.
template <class T>
void transform_input(const Tiles& tiles, const TileEdges<T>& edges, const TileRows& rows,
                     int64_t channels, const T* image, T* work, T* out);

/// image = Aᵀ m A for m = in[e][c][position], whose matrices are `matrix` elements apart.
template <class T>
void transform_output(const Tiles& tiles, const TileRows& rows, int64_t channels, int64_t matrix,
                      const T* in, T* work, T* image);

/// packed[e] = (G g Gᵀ)[e] in the order of `multiply`, `matrix` elements apart, for at most
/// row_block() rows.
template <class T>
void transform_weights(const WeightView<T>& weights, int64_t rows, int64_t channels, int64_t matrix,
                       T* packed);

/// Elements of `work` that the next two need.
int64_t transposed_work_size(const Tiles& tiles, int64_t in_columns, int64_t out_columns);

/// out[e][position][c] = (Bᵀ d B)[e], in rows of zeros up to a multiple of kColumnBlock channels.
template <class T>
void transform_input_transposed(const Tiles& tiles, const TileRows& rows, int64_t channels,
                                const T* image, T* work, T* out);

/// out[e][position][c] = (A dy Aᵀ)[e], likewise.
template <class T>
void transform_grad_transposed(const Tiles& tiles, const TileRows& rows, int64_t channels,
                               const T* grad, T* work, T* out);

/// dw[o, i] = Gᵀ u G for u[e] = sums[e * matrix + o] and one i, whose first weight `dw` points to.
template <class T>
void transform_weight_sums(const Conv2dShape& s, int64_t matrix, const T* sums, T* dw);

}  // namespace norma::kernels
