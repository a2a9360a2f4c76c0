// Parts, moves and joins: families/rearranging.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

/// The arguments behind the name of a step.
struct Step {
  const Json& json;
  explicit Step(const Json& options) : json(options.at("step")) {}
  std::string name() const { return json.at(0).get<std::string>(); }
  bool reaches(std::size_t i) const { return json.size() > i; }
  int64_t number(std::size_t i) const { return json.at(i).get<int64_t>(); }
  norma::Shape shape(std::size_t i) const { return shape_of(json.at(i)); }
  std::vector<int64_t> list(std::size_t i) const { return json.at(i).get<std::vector<int64_t>>(); }
};

Tensors parts(const Tensors& x, const Json& options) {
  const Step step(options);
  const auto name = step.name();
  const bool is_list = step.json.at(1).is_array();
  if (name == "chunk") return x[0].chunk(step.number(1), step.number(2));
  if (name == "unbind") return x[0].unbind(step.number(1));
  if (name == "split") {
    return is_list ? x[0].split(step.list(1), step.number(2))
                   : x[0].split(step.number(1), step.number(2));
  }
  return is_list ? x[0].tensor_split(step.list(1), step.number(2))
                 : x[0].tensor_split(step.number(1), step.number(2));
}

Tensor viewed(const Tensor& x, const Step& step) {
  const auto name = step.name();
  if (name == "diagonal") return x.diagonal(step.number(1), step.number(2), step.number(3));
  if (name == "unfold") return x.unfold(step.number(1), step.number(2), step.number(3));
  if (name == "movedim") return x.movedim(step.shape(1), step.shape(2));
  if (name == "swapaxes") return x.swapaxes(step.number(1), step.number(2));
  if (name == "unflatten") return x.unflatten(step.number(1), step.shape(2));
  if (name == "broadcast_to") return x.broadcast_to(step.shape(1));
  return name == "T" ? x.T() : x.mT();
}

Tensors views(const Tensors& x, const Json& options) {
  const Tensor y = viewed(x[0], Step(options));
  return {y, y.contiguous() * y};
}

Tensors as_strided(const Tensors& x, const Json& options) {
  const Tensor y =
      (x[0] * 1).as_strided(shape_of(options.at("sizes")), shape_of(options.at("strides")),
                            options.at("offset").get<int64_t>());
  return {y, y.contiguous() * y};
}

Tensors views_in_place(const Tensors& x, const Json& options) {
  const Step step(options);
  const Tensor y = x[0] * 2;
  viewed(y, step).mul_(x[1]);
  const Tensor z = y * y;
  Tensor part = viewed(z, step);
  part.add_(y.sum());
  return {z, y, part};
}

Tensor moved(const Tensor& x, const Step& step) {
  const auto name = step.name();
  if (name == "repeat") return x.repeat(step.shape(1));
  if (name == "tile") return x.tile(step.shape(1));
  if (name == "repeat_interleave") {
    std::optional<int64_t> dim;
    if (step.reaches(2)) dim = step.number(2);
    if (step.json.at(1).is_array()) return x.repeat_interleave(norma::tensor(step.list(1)), dim);
    return x.repeat_interleave(step.number(1), dim);
  }
  if (name == "flip") return x.flip(step.shape(1));
  if (name == "roll")
    return step.reaches(2) ? x.roll(step.shape(1), step.shape(2)) : x.roll(step.shape(1));
  if (name == "rot90") return x.rot90(step.number(1), step.shape(2));
  if (name == "tril") return x.tril(step.number(1));
  if (name == "triu") return x.triu(step.number(1));
  if (name == "diag_embed") return x.diag_embed(step.number(1), step.number(2), step.number(3));
  if (name == "diag") return x.diag(step.number(1));
  if (name == "fliplr") return x.fliplr();
  return name == "flipud" ? x.flipud() : x.ravel();
}

Tensors moves(const Tensors& x, const Json& options) { return {moved(x[0], Step(options))}; }

Tensors joins(const Tensors& x, const Json& options) {
  const auto kind = options.at("kind").get<std::string>();
  return {kind == "hstack"   ? norma::hstack(x)
          : kind == "vstack" ? norma::vstack(x)
          : kind == "dstack" ? norma::dstack(x)
                             : norma::column_stack(x)};
}

const Family family("rearranging", {{"parts", parts},
                                    {"views", views},
                                    {"as_strided", as_strided},
                                    {"views_in_place", views_in_place},
                                    {"moves", moves},
                                    {"diag", moves},
                                    {"joins", joins},
                                    {"meshgrid", [](const Tensors& x, const Json& options) {
                                       return norma::meshgrid(
                                           x, options.at("indexing").get<std::string>());
                                     }}});

}  // namespace
}  // namespace parity
