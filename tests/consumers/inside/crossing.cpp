// What crosses the border between a program and a shared Norma, both with hidden visibility: types,
// errors, observers; and that the flags of the project around have not changed Norma's numbers.
#include <norma/norma.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

namespace nn = norma::nn;
using norma::Tensor;

double without_exceptions();
double without_rtti();

namespace {

int failures = 0;
void expect(bool right, const char* what) {
  if (right) return;
  std::printf("wrong: %s\n", what);
  ++failures;
}

struct Twice : nn::Module {
  nn::Linear fc{3, 3};
  Twice() { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return fc(fc(x)); }
};

struct Counter : norma::autograd::Observer {
  int results = 0, calls = 0;
  void result(const char*, const Tensor&, norma::autograd::Inputs) override { ++results; }
  void called(const norma::autograd::Scope&, const Tensor&, norma::autograd::Inputs) override {
    ++calls;
  }
};

template <class E>
std::string caught(nn::Module& net) {
  try {
    net(norma::zeros({2, 5}));
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

}  // namespace

int main() {
  nn::Sequential net(Twice(), nn::BatchNorm1d(3), nn::ReLU());
  expect(net.at<Twice>(0).fc.weight.size(0) == 3, "at<Twice>");
  expect(net.at<nn::BatchNorm1d>(1).num_features() == 3, "at<BatchNorm1d>");
  expect(dynamic_cast<nn::BatchNorm*>(net.children()[1].get()) != nullptr, "a base class");
  expect(net[0].type_name() == "Twice", "the name of an own class");
  expect(caught<norma::Error>(net).find("in 0.fc, a Linear") != std::string::npos, "Error");
  expect(!caught<std::runtime_error>(net).empty(), "an Error is a std::runtime_error");

  Counter counter;
  {
    const norma::autograd::ObserverGuard guard(counter);
    net(norma::randn({4, 3})).sum().backward();
  }
  expect(counter.results > 3 && counter.calls >= 4, "an observer of the program");

  const auto adam = std::make_unique<norma::optim::Adam>(net.parameters());
  norma::optim::Optimizer* const base = adam.get();
  expect(dynamic_cast<norma::optim::Adam*>(base) == adam.get(), "an optimiser's class");
  base->step();

  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor odd = norma::tensor({nan, inf, -0.0, 1e-40});
  expect(std::isnan(norma::relu(odd)[0].item<float>()), "relu(NaN)");
  expect(std::isnan(odd.max().item<float>()), "the maximum beside a NaN");
  expect(std::isinf(odd[1].item<float>()) && std::isnan((odd - odd)[1].item<float>()), "infinity");
  expect(std::signbit(odd[2].item<float>()), "a negative zero");
  expect((odd * 2.0)[3].item<float>() > 0, "a number below the smallest normal one");
  expect(odd.isnan().sum().item<int64_t>() == 1, "isnan");

  expect(without_exceptions() == 6.0, "a file without exceptions");
  expect(without_rtti() == 6.0, "a file without type information");
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
