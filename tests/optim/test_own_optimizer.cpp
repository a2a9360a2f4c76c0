// The optimiser of docs/extending.md: written from outside, with installed headers only.
#include <norma/norma.h>

#include <cmath>
#include <cstdio>

#include "norma/tests/optim/support.h"

using namespace norma;

namespace {

struct RMSpropOptions {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8;
};
struct RMSpropGroup {
  std::vector<Tensor> params = {};
  std::optional<double> lr = {}, alpha = {}, eps = {};
};

class RMSprop : public optim::GroupedOptimizer<RMSpropOptions, RMSpropGroup> {
 public:
  explicit RMSprop(std::vector<RMSpropGroup> groups, const RMSpropOptions& defaults = {})
      : GroupedOptimizer("RMSprop", {{"square_avg"}}, defaults) {
    add_param_groups(std::move(groups));
  }

 private:
  optim::OptionFields option_fields(RMSpropOptions& o, const RMSpropGroup& group) const override {
    return {{"lr", o.lr, group.lr, {[](double x) { return x >= 0; }, "learning rate", "lr >= 0"}},
            {"alpha", o.alpha, group.alpha},
            {"eps", o.eps, group.eps}};
  }
  void update(const Elements& elements) const override {
    elements.each<1>([o = options(elements.group)]<class T>(T& p, T g, T& v) NORMA_INLINE {
      v = T(o.alpha) * v + T(1 - o.alpha) * g * g;
      p -= T(o.lr) * g / (std::sqrt(v) + T(o.eps));
    });
  }
};

// Steps [from, to) of `optimizer` on its parameters a and b; b's first gradient comes at step 2.
void advance(RMSprop& optimizer, Tensor a, Tensor b, int from, int to) {
  for (int step = from; step < to; ++step) {
    a.set_grad(gradient(step, 0, 5, a.dtype()));
    if (step >= 2) b.set_grad(gradient(step, 1, 3, b.dtype()));
    optimizer.step();
  }
}

RMSprop make(const Tensor& a, const Tensor& b) {
  return RMSprop({{.params = {a}}, {.params = {b}, .lr = 0.05, .alpha = 0.5}}, {.lr = 0.1});
}

// The formula in double, for parameter `which` of `count` elements, with gradients from `first` on.
std::vector<double> formula(int which, int count, int first, int steps, const RMSpropOptions& o) {
  std::vector<double> p = to_vector(start(which, count)), v(p.size());
  for (int step = first; step < steps; ++step) {
    const std::vector<double> g = to_vector(gradient(step, which, count));
    for (std::size_t i = 0; i < p.size(); ++i) {
      v[i] = o.alpha * v[i] + (1 - o.alpha) * g[i] * g[i];
      p[i] -= o.lr * g[i] / (std::sqrt(v[i]) + o.eps);
    }
  }
  return p;
}

}  // namespace

TEST_CASE("An optimiser of one's own follows its formula, with groups, in both dtypes") {
  for (DType dtype : {kFloat32, kFloat64}) {
    const double tolerance = dtype == kFloat32 ? 1e-5 : 1e-14;
    Tensor a = start(0, 5, dtype), b = start(1, 3, dtype);
    RMSprop optimizer = make(a, b);
    advance(optimizer, a, b, 0, 10);
    CHECK(worst(to_vector(a), formula(0, 5, 0, 10, {.lr = 0.1}), 0.1) < tolerance);
    CHECK(worst(to_vector(b), formula(1, 3, 2, 10, {.lr = 0.05, .alpha = 0.5}), 0.1) < tolerance);
    CHECK(state_of(optimizer, "state.1.square_avg").dtype() == dtype);
  }
}

TEST_CASE("An optimiser of one's own goes on from a checkpoint to the last bit") {
  const std::string path = "own_optimizer.safetensors";
  for (DType dtype : {kFloat32, kFloat64}) {
    Tensor a = start(0, 5, dtype), b = start(1, 3, dtype);
    RMSprop first = make(a, b);
    advance(first, a, b, 0, 4);
    first.set_lr(1, 0.7);
    save_checkpoint(path, {.optimizer = &first});

    Tensor c = a.detach().clone().requires_grad_(), d = b.detach().clone().requires_grad_();
    RMSprop second = make(c, d);
    load_checkpoint(path, {.optimizer = &second});
    CHECK(second.options(1).lr == 0.7);
    CHECK(second.options(1).alpha == 0.5);
    advance(first, a, b, 4, 9);
    advance(second, c, d, 4, 9);
    CHECK(equal(a.detach(), c.detach()));
    CHECK(equal(b.detach(), d.detach()));
  }
  std::remove(path.c_str());
}

TEST_CASE("An optimiser of one's own takes a tensor of any size, alike in every element") {
  Tensor p = ones({100003}).requires_grad_();
  p.set_grad(full({100003}, 0.3));
  RMSprop optimizer({{.params = {p}}});
  for (int i = 0; i < 3; ++i) optimizer.step();
  CHECK(allclose(p.detach(), full({100003}, p.detach().select(0, 0).item<double>()), 1e-6, 0));
}

TEST_CASE("An optimiser of one's own checks limits in groups, options and states") {
  Tensor a = start(0, 5), b = start(1, 3);
  const std::string expected = "[RMSprop] Invalid learning rate: -1; expected lr >= 0";
  CHECK(error_of([&] { RMSprop({{.params = {a}, .lr = -1}}); }) == expected);
  CHECK(error_of([&] { RMSprop({{.params = {a}}}, {.lr = -1}); }) == expected);
  RMSprop optimizer = make(a, b);
  CHECK(error_of([&] { optimizer.set_options(0, {.lr = -1}); }) == expected);
  auto state = optimizer.state_dict();
  state.groups[1]["lr"] = -1;
  CHECK(error_of([&] { optimizer.load_state_dict(state); }) == expected);
  state.groups[1].erase("lr");
  CHECK(error_of([&] { optimizer.load_state_dict(state); }) ==
        "[RMSprop::load_state_dict] expected the option \"lr\" in every group");
  CHECK(optimizer.lr(1) == 0.05);
}

TEST_CASE("An optimiser of one's own is asked for parts with elements only") {
  struct Sizes : RMSprop {
    using RMSprop::RMSprop;
    mutable std::vector<int64_t> groups;
    void update(const Elements& elements) const override { groups.push_back(elements.group); }
  };
  Tensor none = zeros({0}).requires_grad_(), some = zeros({2}).requires_grad_();
  none.set_grad(zeros({0}));
  some.set_grad(ones({2}));
  Sizes optimizer({{.params = {none}}, {.params = {some}}});
  optimizer.step();
  CHECK(optimizer.groups == std::vector<int64_t>{1});
}
