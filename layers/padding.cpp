#include "norma/layers/padding.h"

namespace norma::nn {

PadLayer::PadLayer(const char* name, int64_t axes, const Shape& padding, PaddingMode mode)
    : mode_(mode) {
  if (padding.size() != 1 && padding.size() != 2 * axes) {
    fail(name, "expected padding of one number or ", 2 * axes, ", got ", padding);
  }
  for (int64_t i = 0; i < 2 * axes; ++i) padding_.push_back(padding[padding.size() == 1 ? 0 : i]);
}

Tensor PadLayer::forward(const Tensor& input) { return functional::pad(input, padding_, mode_); }

std::string PadLayer::tuple() const {
  std::string list;
  for (const int64_t size : padding_) list += text(list.empty() ? "(" : ", ", size);
  return list + ")";
}

std::string PadLayer::extra_repr() const { return tuple(); }

Tensor ConstantPad::forward(const Tensor& input) {
  return functional::pad(input, padding(), PaddingMode::Constant, value_);
}

std::string ConstantPad::extra_repr() const {
  const bool is_integer = value_.dtype() == kInt64;
  return text("padding=", tuple(),
              ", value=", is_integer ? text(value_.to<int64_t>()) : text(value_.to<double>()));
}

}  // namespace norma::nn
