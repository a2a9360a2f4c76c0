#include "norma/tests/layers/helpers.h"

using namespace norma;
using Numbers = std::vector<double>;

TEST_CASE("Functional is a function with the place of a layer") {
  const auto power = [](const Tensor& x, double p, int64_t times) {
    return x.pow(p) * static_cast<double>(times);
  };
  nn::Sequential net(nn::Functional([](const Tensor& x) { return x + 1; }),
                     nn::Functional(power, 2.0, 3));
  CHECK(to_vector(net(arange(1, 3).to(kFloat32))) == Numbers{12, 27});
  CHECK(net.str() == "Sequential(\n  (0): Functional()\n  (1): Functional()\n)");
  CHECK(to_vector(net.clone()(zeros({1}))) == Numbers{3});
  CHECK(error_of([] { nn::Functional(std::function<Tensor(const Tensor&)>()); }) ==
        "[Functional] expected a function, got none");
  nn::Sequential wrong(nn::Functional([](const Tensor& x) { return x.select(3, 0); }));
  CHECK(error_of([&] { wrong(ones({1})); }).ends_with("(in 0, a Functional)"));
  const nn::Functional one([](const Tensor& x) { return x; });
  nn::Functional same = one;
  CHECK(same.is_same(one));
}
