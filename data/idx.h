// IDX files: MNIST and its kin.
#pragma once
#include <string>

#include "norma/data/dataset.h"

namespace norma::data {

/// Reads an IDX file, plain or gzip. Elements: unsigned bytes become kUInt8, signed bytes, shorts
/// and ints kInt64, floats kFloat32, doubles kFloat64. The file must hold exactly what its header
/// says, which is checked before memory is set aside; every error names the path.
/// Format: four bytes 0, 0, type, number of dimensions (1 to 8 here); the sizes, 32 bits each; the
/// elements in row-major order; everything big-endian.
Tensor read_idx(const std::string& path);

/// MNIST, or another set of ten classes in its files (Fashion-MNIST, KMNIST), from the folder
/// `dir`: inputs [N, 1, rows, cols] kUInt8 with 0 for background, targets [N] kInt64 in 0..9. The
/// files are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (with `train = false`:
/// `t10k-…`), where `-idx` may also read `.idx`, plain or with `.gz` after the name.
///
/// `DataLoader` and `convert_image_dtype` divide the bytes by 255, as torchvision's `ToTensor`. The
/// training images then have mean 0.1307 and standard deviation 0.3081.
Dataset mnist(const std::string& dir, bool train = true);

}  // namespace norma::data
