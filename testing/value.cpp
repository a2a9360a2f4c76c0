#include "norma/testing/value.h"

#include "norma/core/text.h"

namespace norma::testing {

std::string Value::str() const {
  switch (kind_) {
    case Kind::Tensor:
      return tensor_.defined() ? text("a tensor of shape ", tensor_.sizes())
                               : "an undefined tensor";
    case Kind::Number:
      return "a number";
    case Kind::List:
      return text("a list of ", items_.size());
    case Kind::Mapping:
      break;
  }
  return text("a mapping of ", items_.size());
}

std::string Value::repr() const {
  if (kind_ == Kind::Tensor) return tensor_.str();
  if (kind_ == Kind::Number) {
    if (dtype_ == kBool) return text(number_.to<bool>());
    return is_floating(dtype_) ? text(number_.to<double>()) : text(number_.to<int64_t>());
  }
  const bool is_mapping = kind_ == Kind::Mapping;
  std::string result = is_mapping ? "{" : "[";
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (i > 0) result += ", ";
    if (is_mapping) result += in_quotes(keys_[i]) + ": ";
    result += items_[i].repr();
  }
  return result + (is_mapping ? "}" : "]");
}

}  // namespace norma::testing
