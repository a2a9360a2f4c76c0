// What tests are written with.
#include <norma/testing.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using norma::testing::CloseOptions;
using norma::testing::Value;
using surface::Hostile;
using surface::Row;

namespace {

CloseOptions options(Hostile& h) {
  CloseOptions o{.equal_nan = h.flag(), .check_dtype = h.flag(), .check_stride = h.flag()};
  if (h.flag()) o.rtol = h.real(1e-3);
  if (h.flag()) o.atol = h.real(1e-3);
  return o;
}

const std::vector<Row> kTable = {
    {"testing::assert_close",
     [](Hostile& h) {
       norma::testing::assert_close(h.tensor({2, 3}), h.tensor({2, 3}), options(h));
     }},
    {"testing::difference",
     [](Hostile& h) {
       static_cast<void>(
           norma::testing::difference(h.tensors({3}), {h.tensor({3}), h.real(1)}, options(h)));
       static_cast<void>(norma::testing::difference(h.real(1), h.whole(1), options(h)));
     }},
    {"testing::Value::*",
     [](Hostile& h) {
       const Value value({h.tensor({2}), h.whole(1), NamedTensors{{h.word("w"), h.tensor({2})}}});
       static_cast<void>(value.str() + value.repr());
     }},
    {"testing::module_faults",
     [](Hostile& h) {
       static_cast<void>(norma::testing::module_faults(
           nn::Linear(3, 2), {h.tensor({2, 3})},
           {.batch_dim = h.whole(0),
            .max_elements = h.whole(4),
            .gradcheck = {.eps = h.real(1e-6), .atol = h.real(1e-5), .rtol = h.real(1e-3)}}));
     }},
    {"testing::check_module",
     [](Hostile& h) {
       norma::testing::check_module(
           nn::BatchNorm1d(3),
           [](nn::BatchNorm1d& net, const std::vector<Tensor>& x) { return net(x.at(0)); },
           h.tensors({2, 3}));
     }},
    {"testing::require_no_faults",
     [](Hostile& h) {
       const auto count = static_cast<std::size_t>(h.below(3));
       norma::testing::require_no_faults(nn::ReLU(), std::vector<std::string>(count, "one"));
     }},
};

}  // namespace

TEST_CASE("what tests are written with takes absurd arguments") {
  CHECK(surface::complaints(kTable) == "");
}
