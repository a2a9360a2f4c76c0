// The points that are to be told apart.
#pragma once
#include "norma/norma.h"

#include <string>

#include "norma/playground/settings.h"

namespace playground {

/// Of every drawn data set.
constexpr int64_t kPoints = 500;
/// Pictures show [-kView, kView] in both coordinates.
constexpr double kView = 1.25;

/// `kPoints` points of two classes that the settings describe, or those drawn by hand, sorted by
/// class. `test`: others of the same kind; by hand there are no others. Inputs [n, 2] kFloat32,
/// targets [n] kInt64.
///
/// A point drawn by hand is four characters: twice two digits of base 64 (A-Z a-z 0-9 - _) for x
/// and y, from 0 at -kView to 2047 at kView; the first digit of x has 32 more where the class is 1.
/// Errors: another text, fewer than one point of each class, more than `kPoints`.
norma::data::Dataset make_points(const Settings& settings, bool test);

}  // namespace playground
