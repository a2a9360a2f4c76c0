// CIFAR-10 and CIFAR-100 in their binary form.
#pragma once
#include <string>

#include "norma/data/dataset.h"

namespace norma::data {

/// CIFAR-10 from the folder `dir`: inputs [N, 3, 32, 32] kUInt8 (red, green, blue), targets [N]
/// kInt64 in 0..9 (airplane automobile bird cat deer dog frog horse ship truck).
///
/// With `train` it joins those of data_batch_1.bin, …, data_batch_5.bin that exist, at least one;
/// otherwise it reads test_batch.bin. Each may be plain or carry `.gz` after its name. A file is
/// records of 3073 bytes (the label, 1024 red, 1024 green, 1024 blue); the original files have
/// exactly 10,000 (30,730,000 bytes), reduced ones any whole number from 1. A reduced test set
/// may also say its count in its name (test_batch_1000.bin) and must then have it; it is used
/// where test_batch.bin is absent. Every error names the path. A compressed file unfolds to at most
/// 1032 times its size, and never above that of an original one.
///
/// `DataLoader` and `convert_image_dtype` divide the bytes by 255, as torchvision's `ToTensor`. The
/// 50,000 training images then have means (0.4914, 0.4822, 0.4465) and standard deviations
/// (0.2470, 0.2435, 0.2616).
Dataset cifar10(const std::string& dir, bool train = true);

/// The 100 classes of CIFAR-100, in alphabetical order, or the 20 groups of five that they form.
enum class Cifar100Labels { Fine, Coarse };

/// CIFAR-100 from the folder `dir`: inputs [N, 3, 32, 32] kUInt8, targets [N] kInt64 in 0..99, or
/// in 0..19 for the coarse labels. It reads train.bin or test.bin, plain or with `.gz`: records of
/// 3074 bytes (coarse label, fine label, 1024 red, 1024 green, 1024 blue), 50,000 in the original
/// training file (153,700,000 bytes) and 10,000 in the test file (30,740,000), any whole number
/// from 1 in reduced ones. Errors as of `cifar10`.
Dataset cifar100(const std::string& dir, bool train = true,
                 Cifar100Labels labels = Cifar100Labels::Fine);

}  // namespace norma::data
