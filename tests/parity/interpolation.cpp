// Images and signals of another size: families/interpolation.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

using norma::Interpolation;

Tensors interpolate(const Tensors& x, const Json& options) {
  const std::map<std::string, Interpolation> modes = {
      {"nearest", Interpolation::Nearest}, {"nearest-exact", Interpolation::NearestExact},
      {"linear", Interpolation::Linear},   {"bilinear", Interpolation::Bilinear},
      {"bicubic", Interpolation::Bicubic}, {"area", Interpolation::Area}};
  norma::functional::InterpolateOptions o;
  o.mode = modes.at(options.at("mode").get<std::string>());
  if (options.contains("size")) o.size = shape_of(options.at("size"));
  if (options.contains("scale")) o.scale_factor = options.at("scale").get<std::vector<double>>();
  if (options.contains("align_corners")) o.align_corners = options.at("align_corners").get<bool>();
  if (options.contains("recompute")) o.recompute_scale_factor = options.at("recompute").get<bool>();
  return {norma::functional::interpolate(x[0], o)};
}

const Family family("interpolation", {{"interpolate", interpolate}});

}  // namespace
}  // namespace parity
