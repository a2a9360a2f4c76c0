// The methods of core/tensor_methods.h.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

const std::vector<Row> kProducts = {
    {"TensorMethods::mm",
     [](Hostile& h) {
       use(h.tensor({2, 3}).mm(h.tensor({3, 4})));
     }},
    {"TensorMethods::bmm",
     [](Hostile& h) {
       use(h.tensor({2, 2, 3}).bmm(h.tensor({2, 3, 4})));
     }},
    {"TensorMethods::mv",
     [](Hostile& h) {
       use(h.tensor({2, 3}).mv(h.tensor({3})));
     }},
    {"TensorMethods::dot", [](Hostile& h) { use(h.tensor({3}).dot(h.tensor({3}))); }},
    {"TensorMethods::outer", [](Hostile& h) { use(h.tensor({3}).outer(h.tensor({2}))); }},
    {"TensorMethods::addmm",
     [](Hostile& h) {
       use(h.tensor({2, 4}).addmm(h.tensor({2, 3}), h.tensor({3, 4}), h.scalar(1), h.scalar(1)));
     }},
    {"TensorMethods::baddbmm",
     [](Hostile& h) {
       use(h.tensor({2, 2, 4}).baddbmm(h.tensor({2, 2, 3}), h.tensor({2, 3, 4}), h.scalar(1),
                                       h.scalar(1)));
     }},
};

}  // namespace

TEST_CASE("products by name work or throw for any arguments") {
  CHECK(surface::complaints(kProducts) == "");
}
