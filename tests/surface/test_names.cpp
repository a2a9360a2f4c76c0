// Other names and properties of Tensor.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

const std::vector<Row> kTable = {
    {"TensorMethods::data",
     [](Hostile& h) {
       use(h.tensor({2, 3}).data());
     }},
    {"TensorMethods::detach_",
     [](Hostile& h) {
       use(h.tensor({2, 3}).detach_());
     }},
    {"TensorMethods::set_requires_grad",
     [](Hostile& h) {
       use(h.tensor({2, 3}).set_requires_grad(false));
     }},
    {"TensorMethods::type_as",
     [](Hostile& h) {
       use(h.tensor({2, 3}).type_as(h.tensor({2, 3})));
     }},
    {"TensorMethods::toType",
     [](Hostile& h) {
       use(h.tensor({2, 3}).toType(kFloat64));
     }},
    {"TensorMethods::cpu",
     [](Hostile& h) {
       use(h.tensor({2, 3}).cpu());
     }},
    {"TensorMethods::scalar_type",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).scalar_type());
     }},
    {"TensorMethods::is_floating_point",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).is_floating_point());
     }},
    {"TensorMethods::ndimension",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).ndimension());
     }},
    {"TensorMethods::stride",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).stride(h.whole(1)));
     }},
    {"TensorMethods::element_size",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).element_size());
     }},
    {"TensorMethods::nbytes",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).nbytes());
     }},
    {"TensorMethods::data_ptr",
     [](Hostile& h) {
       static_cast<void>(h.tensor({2, 3}).data_ptr());
     }},
};

}  // namespace

TEST_CASE("other names of tensors take any arguments") { CHECK(surface::complaints(kTable) == ""); }
