#include <norma/norma.h>

#include <limits>
#include <memory>
#include <optional>

#include "norma/tests/optim/support.h"

using namespace norma;

namespace {

struct SignOptions {
  double lr = 0.25;
  bool slow = false;
};
struct SignGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {};
  std::optional<bool> slow = {};
};

// What a new optimiser has to say: p = p − lr · sign(g), half of it when slow; it remembers g.
class SignDescent : public optim::GroupedOptimizer<SignOptions, SignGroup> {
 public:
  explicit SignDescent(std::vector<Tensor> params, int fields = 1)
      : GroupedOptimizer("SignDescent",
                         std::vector<StateField>(static_cast<std::size_t>(fields), {"last"}), {}) {
    add_param_group({.params = std::move(params)});
  }

 private:
  optim::OptionFields option_fields(SignOptions& o, const SignGroup& group) const override {
    return {{"lr", o.lr, group.lr}, {"slow", o.slow, group.slow}};
  }
  void check_options(const SignOptions& options) const override {
    if (!(options.lr > 0)) fail("SignDescent", "expected lr > 0");
  }
  void update(const Elements& elements) const override {
    const double rate = options(elements.group).lr * (options(elements.group).slow ? 0.5 : 1.0);
    elements.each<1>([=, fresh = elements.fresh]<class T>(T& p, T g, T& last) {
      p -= static_cast<T>(g > 0 ? rate : -rate);
      last = fresh ? g : -1;
    });
  }
};

}  // namespace

TEST_CASE("A new optimiser is its options and its rule") {
  Tensor p = zeros({3}, {.dtype = kFloat64}).requires_grad_();
  Tensor q = zeros({1}, {.dtype = kFloat64}).requires_grad_();
  SignDescent optimizer({p});
  optimizer.add_param_group({.params = {q}, .slow = true});
  p.set_grad(tensor({2.0, -3.0, 4.0}).to(kFloat64));
  q.set_grad(ones({1}, {.dtype = kFloat64}));
  optim::ExponentialLR scheduler(optimizer, 0.5);
  optimizer.step();
  CHECK(to_vector(p) == std::vector<double>{-0.25, 0.25, -0.25});
  CHECK(to_vector(q) == std::vector<double>{-0.125});
  CHECK(equal(state_of(optimizer, "state.0.last"), p.grad()));
  scheduler.step();
  optimizer.step();
  CHECK(to_vector(p) == std::vector<double>{-0.375, 0.375, -0.375});
  CHECK(to_vector(state_of(optimizer, "state.1.last")) == std::vector<double>{-1});

  SignDescent other({p});
  other.add_param_group({.params = {q}, .lr = 1.0});
  auto state = optimizer.state_dict();
  CHECK(state.groups[1] ==
        std::map<std::string, double>{{"initial_lr", 0.25}, {"lr", 0.125}, {"slow", 1}});
  other.load_state_dict(state);
  CHECK(other.options(1).slow);
  CHECK(other.lr(1) == 0.125);
  CHECK(other.initial_lr(1) == 0.25);
  state.groups[1]["slow"] = 2;
  CHECK(error_of([&] { other.load_state_dict(state); }) ==
        "[SignDescent::load_state_dict] expected slow 0 or 1, got 2");
  CHECK(error_of([&] { other.set_options(0, {.lr = 0}); }) == "[SignDescent] expected lr > 0");
}

TEST_CASE("An optimiser keeps at most four tensors per parameter") {
  const Tensor p = zeros({3}).requires_grad_();
  CHECK(error_of([&] { SignDescent({p}, 4); }) == "no error");
  CHECK(error_of([&] { SignDescent({p}, 5); }) ==
        "[SignDescent] expected at most 4 state fields, got 5");
}

TEST_CASE("A step refuses parameters whose shape is no longer that of their state") {
  const auto message = [](auto make, const Shape& later) {
    Tensor p = ones({4}).requires_grad_();
    auto optimizer = make(p);
    (p * 2).sum().backward();
    optimizer->step();
    p.set_data(ones(later));
    (p * 2).sum().backward();
    const std::string error = error_of([&] { optimizer->step(); });
    if (error != "no error") CHECK(equal(p, ones(later)));
    return error;
  };
  const auto adam = [](const Tensor& p) {
    return std::make_unique<optim::Adam>(std::vector<Tensor>{p});
  };
  const auto sgd = [](double momentum) {
    return [=](const Tensor& p) {
      const optim::SGDOptions options{.lr = 0.1, .momentum = momentum};
      return std::make_unique<optim::SGD>(std::vector<Tensor>{p}, options);
    };
  };
  CHECK(
      message(adam, {5}) ==
      "[Adam] expected a parameter of shape [4], as its exp_avg is, got one of shape [5]; make the "
      "optimizer anew after set_data()");
  CHECK(has(message(adam, {2, 2}), "got one of shape [2, 2]"));
  CHECK(has(message(sgd(0.9), {100000}), "as its momentum_buffer is"));
  CHECK(message(sgd(0.9), {4}) == "no error");
  CHECK(message(sgd(0), {7}) == "no error");
}

TEST_CASE("NaN is no rate") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor p = ones({2}).requires_grad_();
  const std::vector<Tensor> params{p};
  (p * 2).sum().backward();
  optim::SGD optimizer(params, {.lr = 0.1});
  optimizer.set_lr(nan);
  CHECK(has(error_of([&] { optimizer.step(); }),
            "[SGD] expected a learning rate for group 0, got nan"));
  optimizer.set_lr(0.1);
  optim::LambdaLR scheduler(optimizer, [=](int64_t epoch) { return epoch == 0 ? 1.0 : nan; });
  optimizer.step();
  scheduler.step();
  const Tensor before = p.detach().clone();
  CHECK(has(error_of([&] { optimizer.step(); }), "got nan; from set_lr() or a scheduler?"));
  CHECK(equal(p, before));
  CHECK(has(error_of([&] { optim::SGD(params, {.lr = 0.1, .momentum = 0.9, .dampening = nan}); }),
            "[SGD] Invalid dampening value: nan; expected a number"));
  optim::SGD fresh(params, {.lr = 0.1});
  CHECK(has(error_of([&] { optim::CosineAnnealingLR(fresh, 5, nan); }),
            "expected a number as eta_min"));
  CHECK(has(error_of([&] { optim::ReduceLROnPlateau(fresh, {.threshold = nan}); }),
            "expected a number as threshold"));
}
