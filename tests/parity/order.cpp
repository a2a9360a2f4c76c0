// Order, counts and places: families/order.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

int64_t number(const Json& options, const char* name) { return options.at(name).get<int64_t>(); }
bool flag(const Json& options, const char* name) { return options.at(name).get<bool>(); }

Tensors sort(const Tensors& x, const Json& options) {
  const int64_t dim = number(options, "dim");
  const bool descending = flag(options, "descending");
  const auto y = x[0].sort(dim, descending, true);
  return {y.first, y.second, x[0].argsort(dim, descending, true)};
}

Tensors searchsorted(const Tensors& x, const Json& options) {
  const bool right = flag(options, "right");
  Tensors y{norma::searchsorted(x[0], x[1], right)};
  if (!flag(options, "rows")) {
    y.push_back(norma::bucketize(x[1], x[0], right));
    y.push_back(norma::searchsorted(x[0], 1, right));
  }
  return y;
}

Tensors bincount(const Tensors& x, const Json& options) {
  const int64_t minlength = number(options, "minlength");
  Tensors y{x[0].bincount(minlength)};
  if (x[0].numel() > 0) y.push_back(x[0].bincount(x[1], minlength));
  return y;
}

norma::Scalar scalar(const Json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  return value.get<double>();
}

Tensors ranges(const Tensors& x, const Json& options) {
  return {norma::arange(scalar(options.at("start")), scalar(options.at("end")),
                        scalar(options.at("step")), {.dtype = norma::kInt64}),
          norma::logspace(options.at("a").get<double>(), options.at("b").get<double>(),
                          number(options, "n"), options.at("base").get<double>(),
                          {.dtype = x[0].dtype()})};
}

const Family family("order",
                    {{"sort", sort},
                     {"sort_long", sort},
                     {"topk",
                      [](const Tensors& x, const Json& options) {
                        const auto y = x[0].topk(number(options, "k"), number(options, "dim"),
                                                 flag(options, "largest"));
                        return Tensors{y.first, y.second};
                      }},
                     {"kthvalue",
                      [](const Tensors& x, const Json& options) {
                        const auto y = x[0].kthvalue(number(options, "k"), number(options, "dim"),
                                                     flag(options, "keepdim"));
                        return Tensors{y.first, y.second};
                      }},
                     {"unique",
                      [](const Tensors& x, const Json&) {
                        const auto y = x[0].unique(true, true, true);
                        return Tensors{std::get<0>(y), std::get<1>(y), std::get<2>(y)};
                      }},
                     {"unique_consecutive",
                      [](const Tensors& x, const Json&) {
                        const auto y = x[0].unique_consecutive(true, true);
                        return Tensors{std::get<0>(y), std::get<1>(y), std::get<2>(y)};
                      }},
                     {"searchsorted", searchsorted},
                     {"bincount", bincount},
                     {"histc",
                      [](const Tensors& x, const Json& options) {
                        return Tensors{x[0].histc(number(options, "bins"), number(options, "low"),
                                                  number(options, "high"))};
                      }},
                     {"one_hot",
                      [](const Tensors& x, const Json& options) {
                        return Tensors{
                            norma::functional::one_hot(x[0], number(options, "classes"))};
                      }},
                     {"indices",
                      [](const Tensors&, const Json& options) {
                        const int64_t row = number(options, "row"), col = number(options, "col"),
                                      offset = number(options, "offset");
                        return Tensors{norma::tril_indices(row, col, offset),
                                       norma::triu_indices(row, col, offset)};
                      }},
                     {"ranges", ranges}});

}  // namespace
}  // namespace parity
