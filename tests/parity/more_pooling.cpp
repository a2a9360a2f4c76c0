// More pooling: families/more_pooling.py.
#include "norma/tests/parity/parity.h"

namespace parity {
namespace {

namespace nn = norma::nn;
namespace F = norma::functional;

norma::OptionalPair stride_of(const Json& o) {
  return o.contains("stride") ? norma::OptionalPair(pair_of(o.at("stride")))
                              : norma::OptionalPair();
}

Tensors avg_pool1d(const Tensors& x, const Json& o) {
  nn::AvgPool1dOptions options{.padding = o.at("padding").get<int64_t>(),
                               .ceil_mode = o.at("ceil_mode").get<bool>(),
                               .count_include_pad = o.at("count_include_pad").get<bool>()};
  if (o.contains("stride")) options.stride = o.at("stride").get<int64_t>();
  return {nn::AvgPool1d(o.at("kernel").get<int64_t>(), options)(x[0])};
}

Tensors max_pool_and_unpool(const Tensors& x, const Json& o) {
  const norma::Pair kernel = pair_of(o.at("kernel"));
  const auto [y, indices] = F::max_pool2d_with_indices(x[0], kernel);
  return {y, indices, nn::MaxUnpool2d(kernel)(y, indices, pair_of(o.at("size")))};
}

Tensors lp_pool2d(const Tensors& x, const Json& o) {
  return {nn::LPPool2d(o.at("p").get<double>(), pair_of(o.at("kernel")),
                       {.stride = stride_of(o), .ceil_mode = o.at("ceil_mode").get<bool>()})(x[0])};
}

const Family family("more_pooling",
                    {{"avg_pool1d", avg_pool1d},
                     {"adaptive_avg_pool1d",
                      [](const Tensors& x, const Json& o) {
                        return Tensors{
                            F::adaptive_avg_pool1d(x[0], o.at("size").at(0).get<int64_t>())};
                      }},
                     {"adaptive_max_pool1d",
                      [](const Tensors& x, const Json& o) {
                        return Tensors{
                            F::adaptive_max_pool1d(x[0], o.at("size").at(0).get<int64_t>())};
                      }},
                     {"adaptive_max_pool2d",
                      [](const Tensors& x, const Json& o) {
                        return Tensors{F::adaptive_max_pool2d(x[0], pair_of(o.at("size")))};
                      }},
                     {"max_pool_and_unpool", max_pool_and_unpool},
                     {"lp_pool2d", lp_pool2d},
                     {"max_pool2d_of_integers", [](const Tensors& x, const Json& o) {
                        return Tensors{F::max_pool2d(x[0], pair_of(o.at("kernel")),
                                                     {.padding = pair_of(o.at("padding"))})};
                      }}});

}  // namespace
}  // namespace parity
