// Cells moved from place to place: families/shuffling.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace F = norma::functional;

F::UnfoldOptions windows(const Json& options) {
  return {.dilation = pair_of(options.at("dilation")),
          .padding = pair_of(options.at("padding")),
          .stride = pair_of(options.at("stride"))};
}

int64_t factor(const Json& options) { return options.at("factor").get<int64_t>(); }

const Family family(
    "shuffling",
    {{"pixel_shuffle",
      [](const Tensors& x, const Json& o) { return Tensors{F::pixel_shuffle(x[0], factor(o))}; }},
     {"pixel_unshuffle",
      [](const Tensors& x, const Json& o) { return Tensors{F::pixel_unshuffle(x[0], factor(o))}; }},
     {"channel_shuffle",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::channel_shuffle(x[0], o.at("groups").get<int64_t>())};
      }},
     {"unfold",
      [](const Tensors& x, const Json& o) {
        return Tensors{F::unfold(x[0], pair_of(o.at("kernel")), windows(o))};
      }},
     {"fold", [](const Tensors& x, const Json& o) {
        return Tensors{F::fold(x[0], pair_of(o.at("size")), pair_of(o.at("kernel")), windows(o))};
      }}});

}  // namespace
}  // namespace parity
