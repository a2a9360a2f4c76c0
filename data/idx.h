// IDX files: MNIST and its kin.
#pragma once
#include <string>
#include <vector>

#include "norma/data/dataset.h"

namespace norma::data {

/// Reads an IDX file, plain or gzip. Elements: unsigned bytes become kUInt8, signed bytes, shorts
/// and ints kInt64, floats kFloat32, doubles kFloat64. The file must hold exactly what its header
/// says, which is checked before memory is set aside; every error names the path. A compressed file
/// unfolds to at most 1032 times its size, which is what gzip can do; as kInt64, signed bytes then
/// take eight times as much memory, shorts four times.
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
///
/// Errors, with the paths: files that are not there, other shapes or types, not one label for each
/// image, labels beyond 9, and those of `read_idx`.
Dataset mnist(const std::string& dir, bool train = true);

/// EMNIST from the folder `dir`, of digits and letters in six splits: "byclass" (62 classes),
/// "bymerge" and "balanced" (47: letters whose two cases look alike are one), "letters" (26),
/// "digits" and "mnist" (10). Inputs [N, 1, 28, 28] kUInt8, targets [N] kInt64 from 0, in "letters"
/// from 1 as in the file and in torchvision; `emnist_classes` gives their names. The files are
/// `emnist-letters-train-images-idx3-ubyte` and the like, named as those of `mnist`.
///
/// In the files the images lie on their side, rows and columns exchanged. Here they stand upright;
/// torchvision leaves them as they are. Errors as of `mnist`, and another split.
Dataset emnist(const std::string& dir, const std::string& split, bool train = true);
/// The names of a split's labels: "0", …, "9", "A", …; those of "letters" begin with "N/A", as in
/// torchvision, since no label is 0. Errors: another split.
std::vector<std::string> emnist_classes(const std::string& split);

}  // namespace norma::data
