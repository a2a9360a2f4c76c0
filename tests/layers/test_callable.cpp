// Modules whose forward takes several arguments, or gives other results.
#include <array>

#include "norma/tests/layers/helpers.h"

// Most of the classes below hide Module's forward, without a word.
#pragma GCC diagnostic ignored "-Woverloaded-virtual"

using namespace norma;

namespace {

struct Weighted {
  Tensor values, weights;
  auto tie() { return std::tie(values, weights); }
};

struct Attention : nn::Cloneable<Attention> {
  nn::Linear key{2, 2}, value{2, 3};
  int calls = 0;
  Attention() {
    register_module("key", key);
    register_module("value", value);
  }
  Attention fresh() const { return {}; }
  Weighted forward(const Tensor& q, const Tensor& k, const std::optional<Tensor>& mask = {},
                   double scale = 1.0) {
    Tensor scores = q.matmul(key(k).t()) * scale;
    if (mask) scores = scores.masked_fill(*mask, -1e9);
    const Tensor weights = scores.softmax(-1);
    return {weights.matmul(value(k)), weights};
  }
};

/// A default argument: another function than Module's, though it takes one tensor as well.
struct Masked : nn::Callable<Masked> {
  Tensor forward(const Tensor& x, const Tensor& mask = Tensor()) {
    return mask.defined() ? x * mask : x + 1;
  }
};

struct ConstForward : nn::Callable<ConstForward> {
  Tensor forward(const Tensor& x) const { return x * 2; }
};

struct Counts : nn::Callable<Counts> {
  int64_t forward(const std::vector<Tensor>& list, const std::string& name, int (&more)[2]) {
    return static_cast<int64_t>(list.size() + name.size()) + more[1];
  }
};

class Hidden : public nn::Callable<Hidden> {
  Tensor forward(const Tensor& x) override { return x * 5; }
};

struct Model : nn::Module {
  Attention attention;
  nn::Sequential body{nn::Linear(3, 1)};
  Model() {
    register_module("attention", attention);
    register_module("body", body);
  }
  Tensor forward(const Tensor& x) override { return body(attention(x, x).values); }
};

}  // namespace

TEST_CASE("a call takes what forward takes, and gives what it gives") {
  manual_seed(1);
  Attention attention;
  const Tensor q = randn({4, 2}), k = randn({5, 2});
  const auto [values, weights] = attention(q, k);
  CHECK(values.sizes() == Shape{4, 3});
  CHECK(differing_bits(weights, attention.forward(q, k).weights) == "");
  const Tensor mask = zeros({5}, {.dtype = kBool});
  CHECK(differing_bits(attention(q, k, mask, 0.5).values,
                       attention(q, k, std::nullopt, 0.5).values) == "");
  CHECK(to_vector(Masked()(ones({2}))) == std::vector<double>{2, 2});
  CHECK(to_vector(Masked()(ones({2}), zeros({2}))) == std::vector<double>{0, 0});
  CHECK(to_vector(ConstForward()(ones({1}))) == std::vector<double>{2});
  CHECK(to_vector(Hidden()(ones({1}))) == std::vector<double>{5});
  int more[2] = {1, 2};
  CHECK(Counts()(std::vector<Tensor>(3), "abc", more) == 8);
  STATIC_REQUIRE_FALSE(std::is_invocable_v<nn::Linear&, const Tensor&, const Tensor&>);
  STATIC_REQUIRE(std::is_invocable_r_v<Tensor, nn::Linear&, Tensor>);

  attention->calls = 7;  // the class itself, not a Module*
  CHECK(std::as_const(attention)->calls == 7);
  CHECK(attention->key->out_features() == 2);
  nn::Sequential net;
  net->push_back(nn::Linear(2, 2));
  CHECK(net->size() == 1);
}

TEST_CASE("such a call is one of the module") {
  Model model;
  CHECK(error_of([&] { model(ones({2, 5})); }).ends_with("(in attention.key, a Linear)"));
  CHECK(error_of([&] {
          model.attention(ones({2, 2}), ones({2, 4}));
        }).ends_with("(in attention.key, a Linear)"));
  CHECK(error_of([&] {
          model.attention(ones({2, 7}), ones({2, 2}));
        }).ends_with("(in attention, an Attention)"));

  struct Calls : autograd::Observer {
    std::string log;
    void called(const autograd::Scope& scope, const Tensor& result, autograd::Inputs in) override {
      log += scope.path() + " " + std::to_string(in.size()) +
             (result.defined() ? result.sizes().str() : "-") + "\n";
    }
  };
  Calls calls;
  {
    const autograd::ObserverGuard guard(calls);
    model(ones({4, 2}));
    int more[2] = {1, 2};
    Counts()(std::vector<Tensor>(3), "abc", more);
  }
  CHECK(calls.log ==
        "attention.key 1[4, 2]\nattention.value 1[4, 3]\nattention 2[4, 3]\nbody.0 1[4, 1]\n"
        "body 1[4, 1]\n 1[4, 1]\n 3-\n");
}

TEST_CASE("hooks reach the tensors in arguments and results of any type") {
  Attention attention;
  std::vector<std::size_t> sizes;
  attention.register_forward_hook(
      [&](const nn::HookedCall&, const std::vector<Tensor>& in, const std::vector<Tensor>& out) {
        sizes = {in.size(), out.size()};
        return std::vector<Tensor>{out[0] * 0, out[1]};
      });
  const Tensor x = ones({3, 2});
  CHECK(attention(x, x).values.abs().max().item<float>() == 0);
  CHECK(sizes == std::vector<std::size_t>{2, 2});
  attention(x, x, zeros({3}, {.dtype = kBool}));
  CHECK(sizes == std::vector<std::size_t>{3, 2});

  struct Lists : nn::Callable<Lists> {
    std::tuple<std::array<Tensor, 2>, std::vector<Tensor>, int> forward(
        std::vector<std::pair<Tensor, int>> list, const std::vector<double>& numbers) {
      return {{list[0].first, list[1].first}, {list[1].first}, static_cast<int>(numbers.size())};
    }
  };
  Lists lists;
  lists.register_forward_pre_hook([](const nn::HookedCall&, std::vector<Tensor> in) {
    return std::vector<Tensor>{in[1], in[0]};
  });
  const auto [both, one, count] =
      lists(std::vector<std::pair<Tensor, int>>{{x, 1}, {x * 2, 2}}, std::vector<double>{1, 2, 3});
  CHECK(both[0][0][0].item<float>() == 2);
  CHECK(one[0][0][0].item<float>() == 1);
  CHECK(count == 3);
}

TEST_CASE("calls of a module that was replaced reach the other one") {
  Model model;
  Attention other;
  other.calls = 1;
  model.set_submodule("attention", other);
  const Tensor x = ones({2, 2});
  CHECK(differing_bits(model.attention(x, x).values, other(x, x).values) == "");
  model.set_submodule("attention", nn::Linear(2, 3));
  CHECK(error_of([&] { model.attention(x, x); }) ==
        "[Attention] expected a module in whose place stands another of its class, got a Linear, "
        "which cannot be called with these arguments");
}
