// What the default generator drew into a tensor, so that it can be drawn again from another place
// of the generator: modules that C++ makes in any order get the numbers of the order in which they
// stand (layers/draw_order.cpp). For Norma's own sources.
#pragma once
#include <cstdint>
#include <memory>

#include "norma/core/dtype.h"

namespace norma {

class Generator;
class Tensor;

/// log(x) for normal positive x from exact operations alone: the same bits everywhere.
double portable_log(double x);

/// One fill of a whole tensor, from `count` blocks of a generator beginning with `first`.
struct Draw {
  const Generator* generator;
  uint64_t seed, first, count;
  enum Kind { Uniform, Normal } kind;
  double a, b;                        // low and high, or mean and standard deviation
  DType dtype;                        // of the tensor then
  bool replaced = false;              // the values came from elsewhere since
  std::unique_ptr<Draw> before = {};  // the fill of the same tensor before
  int age = 0;                        // how many there are before
};

/// The last fill of the memory behind a tensor; null where nothing was drawn, or only a part.
const Draw* last_draw(const Tensor& tensor);
/// The values of `tensor` are no longer made from what was drawn, as after loading.
void set_replaced(const Tensor& tensor);
/// `to` is `from` in another dtype.
void move_draws(const Tensor& from, const Tensor& to);

/// Whether every element is as it was drawn last, or all others were set to one value.
bool can_redraw(const Tensor& tensor);
/// Draws anew what is as it was drawn last, from the block that is `shift` further on (modulo 2⁶⁴).
void redraw(const Tensor& tensor, uint64_t shift);

}  // namespace norma
