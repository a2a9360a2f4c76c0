#include "norma/layers/upsample.h"

namespace norma::nn {

namespace {

const char* name_of(Interpolation mode) {
  switch (mode) {
    case Interpolation::Nearest:
      return "nearest";
    case Interpolation::NearestExact:
      return "nearest-exact";
    case Interpolation::Linear:
      return "linear";
    case Interpolation::Bilinear:
      return "bilinear";
    case Interpolation::Bicubic:
      return "bicubic";
    case Interpolation::Area:
      break;
  }
  return "area";
}

// One number as it is, several as Python's tuple.
template <class List>
std::string one_or_tuple(const List& list) {
  std::string line;
  for (const auto number : list) line += text(line.empty() ? "" : ", ", number);
  return list.size() == 1 ? line : text('(', line, ')');
}

}  // namespace

UpsampleBase::UpsampleBase(const char* name, const UpsampleOptions& options) : options_(options) {
  options.check(name);
}

Tensor UpsampleBase::forward(const Tensor& input) {
  return functional::interpolate(input, options_);
}

std::string UpsampleBase::extra_repr() const {
  const bool by_size = !options_.size.empty();
  return text(by_size ? "size=" + one_or_tuple(options_.size)
                      : "scale_factor=" + one_or_tuple(options_.scale_factor),
              ", mode='", name_of(options_.mode), "'");
}

}  // namespace norma::nn
