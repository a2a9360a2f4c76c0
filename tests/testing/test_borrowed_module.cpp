// What check_module leaves behind: nothing.
#include <norma/testing.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/testing/example.h"

using namespace norma;
using norma::testing::check_module;
using norma::testing::module_faults;

namespace {

struct KeepsHistory : nn::Module {
  Tensor mean;
  KeepsHistory() : mean(register_buffer("mean", zeros({4}))) {}
  Tensor forward(const Tensor& x) override {
    if (is_training()) mean.copy_(x.mean(0));
    return x * 2;
  }
};

}  // namespace

TEST_CASE("check_module leaves everything as it was") {
  manual_seed(3);
  nn::Sequential net(nn::Linear(4, 4), nn::BatchNorm1d(4), nn::Dropout(0.5), nn::Linear(4, 2));
  net[1].eval();
  net[3].requires_grad_(false);
  const Tensor x = example_input().requires_grad_();
  net(x).sum().backward();
  const NamedTensors state = nn::clone(net.state_dict());
  std::vector<const void*> places;
  std::vector<Tensor> grads;
  std::vector<uint64_t> versions;
  for (const auto& [name, tensor] : net.state_dict()) {
    places.push_back(tensor.raw_data());
    versions.push_back(tensor.version());
    grads.push_back(tensor.grad());
  }
  const Tensor grad = x.grad().clone(), values = x.detach().clone();
  const Generator::State numbers = default_generator().state();

  const auto compare = [&] {
    const NamedTensors now = net.state_dict();
    for (std::size_t i = 0; i < now.size(); ++i) {
      CAPTURE(now[i].first);
      const Tensor& tensor = now[i].second;
      CHECK(differing_bits(tensor, state[i].second) == "");
      CHECK(tensor.raw_data() == places[i]);
      CHECK(tensor.version() == versions[i]);
      CHECK(tensor.grad().is_same(grads[i]));
      CHECK(tensor.requires_grad() == (i < 4));
    }
    CHECK(net.is_training());
    CHECK_FALSE(net[1].is_training());
    CHECK(net[2].is_training());
    CHECK(differing_bits(x.grad(), grad) == "");
    CHECK(differing_bits(x.detach(), values) == "");
    CHECK(default_generator().state() == numbers);
    CHECK(grad_enabled());
    CHECK(warnings() == Warnings::Print);
  };
  CHECK(module_faults(net, {x}) == Faults());
  compare();
  {
    const NoGradGuard no_grad;
    CHECK(module_faults(net, {x}) == Faults());
  }
  compare();
  CHECK(module_faults(net, {zeros({2, 3})}).size() == 2);  // forward throws
  compare();
  // What holds the parameters goes on with them.
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  check_module(net, {x});
  optimizer.step();
  CHECK(mismatch(net.state_dict()[0].second.detach(), state[0].second) != "");
}

TEST_CASE("check_module gives a buffer its place back after a forward that broke it") {
  KeepsHistory net;
  const void* const place = net.mean.raw_data();
  CHECK(module_faults(net, {example_input()}).size() == 1);
  CHECK(net.mean.raw_data() == place);
  CHECK(net.mean.is_leaf());
  CHECK(differing_bits(net.mean, zeros({4})) == "");
}
