// Views, joins and picking: families/shapes.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

Tensor viewed(const Tensor& x, const Json& step) {
  const auto name = step.at(0).get<std::string>();
  const auto number = [&](std::size_t i) { return step.at(i).get<int64_t>(); };
  if (name == "reshape") return x.reshape(shape_of(step.at(1)));
  if (name == "view") return x.contiguous().view(shape_of(step.at(1)));
  if (name == "unsqueeze") return x.unsqueeze(number(1));
  if (name == "squeeze") return step.size() == 1 ? x.squeeze() : x.squeeze(number(1));
  if (name == "flatten") return x.flatten(number(1), number(2));
  if (name == "expand") return x.expand(shape_of(step.at(1)));
  if (name == "t") return x.t();
  if (name == "transpose") return x.transpose(number(1), number(2));
  if (name == "permute") return x.permute(shape_of(step.at(1)));
  if (name == "narrow") return x.narrow(number(1), number(2), number(3));
  if (name == "select") return x.select(number(1), number(2));
  if (name == "slice") return x.slice(number(1), number(2), number(3), number(4));
  throw std::runtime_error("unknown step " + name);
}

Tensors chain(const Tensors& x, const Json& options) {
  Tensor y = x[0];
  for (const Json& step : options.at("steps")) y = viewed(y, step);
  return {y, y.contiguous() * y};
}

Tensors factories(const Tensors& x, const Json& options) {
  const norma::TensorOptions like{.dtype = x[0].dtype()};
  const auto start = options.at("start").get<double>(), end = options.at("end").get<double>();
  const auto step = options.at("step").get<double>();
  const auto n = options.at("n").get<int64_t>(), m = options.at("m").get<int64_t>();
  return {norma::arange(start, end, step, like),
          norma::linspace(start, end, options.at("steps").get<int64_t>(), like),
          norma::eye(n, m, like),
          norma::arange(n),
          norma::zeros_like(x[0]),
          norma::ones_like(x[0]),
          norma::full_like(x[0], step)};
}

Tensors fill(const Tensors& x, const Json& options) {
  const auto number = [&](const char* name) { return options.at(name).get<int64_t>(); };
  const Tensor y = x[0] * 2;
  y.slice(number("dim"), number("start"), number("end")).fill_(options.at("value").get<double>());
  const Tensor z = y * y;
  z.select(number("dim"), 0).zero_();
  return {z, y};
}

Tensors pad(const Tensors& x, const Json& options) {
  const auto p = options.at("pad").get<std::vector<int64_t>>();
  const norma::PaddingMode mode = padding_mode_of(options.at("mode"));
  if (p.size() == 2) return {norma::functional::pad1d(x[0], {p[0], p[1]}, mode)};
  return {norma::functional::pad2d(x[0], {p[0], p[1], p[2], p[3]}, mode)};
}

int64_t dim_of(const Json& options) { return options.at("dim").get<int64_t>(); }

const Family family(
    "shapes",
    {{"chain", chain},
     {"cat", [](const Tensors& x,
                const Json& options) { return Tensors{norma::cat(x, dim_of(options))}; }},
     {"stack", [](const Tensors& x,
                  const Json& options) { return Tensors{norma::stack(x, dim_of(options))}; }},
     {"index_select",
      [](const Tensors& x, const Json& options) {
        return Tensors{x[0].index_select(dim_of(options), x[1])};
      }},
     {"gather", [](const Tensors& x,
                   const Json& options) { return Tensors{x[0].gather(dim_of(options), x[1])}; }},
     {"scalars",
      [](const Tensors& x, const Json& options) {
        Tensors y{x[0].gather(0, x[1])};
        if (options.at("select").get<bool>()) y.push_back(x[0].index_select(0, x[1]));
        return y;
      }},
     {"factories", factories},
     {"fill", fill},
     {"pad", pad}});

}  // namespace
}  // namespace parity
