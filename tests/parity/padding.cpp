// Padding: families/padding.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

Tensors pad(const Tensors& x, const Json& options) {
  std::optional<norma::Scalar> value;
  if (options.contains("value")) value = std::stod(options.at("value").get<std::string>());
  return {norma::functional::pad(x[0], options.at("pad").get<std::vector<int64_t>>(),
                                 padding_mode_of(options.at("mode")), value)};
}

const Family family("padding", {{"pad", pad}});

}  // namespace
}  // namespace parity
