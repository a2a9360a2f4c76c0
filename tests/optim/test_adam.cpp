#include <norma/norma.h>

#include <limits>

#include "norma/tests/optim/support.h"
#include "norma/tests/support/golden_file.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;
using optim::Adam;
using optim::AdamParamGroup;
using optim::AdamW;

namespace {

// The run of golden_adam.py: parameters after steps 1, 2, 3 and 20, then the state.
template <class Optimizer>
std::pair<std::vector<double>, std::vector<double>> run(const OptionsOf<Optimizer>& options,
                                                        double gamma, DType dtype,
                                                        bool gaps = false) {
  Tensor a = start(0, 5, dtype), b = start(1, 3, dtype);
  if (gaps) {
    const Tensor column = zeros({5, 2}, {.dtype = dtype}).select(1, 0);
    NoGradGuard no_grad;
    Tensor(column).copy_(a);
    a = column.detach().requires_grad_();
    REQUIRE(!a.is_contiguous());
  }
  Optimizer optimizer(
      {{.params = {a}}, {.params = {b}, .lr = 0.025, .betas = {{0.7, 0.8}}, .eps = 1e-3}}, options);
  optim::ExponentialLR scheduler(optimizer, gamma);
  std::vector<double> seen, state;
  for (int step = 0; step < 20; ++step) {
    a.set_grad(gradient(step, 0, 5, dtype));
    if (step >= 2) b.set_grad(gradient(step, 1, 3, dtype));
    optimizer.step();
    scheduler.step();
    if (step < 3 || step == 19) {
      append(seen, a);
      append(seen, b);
    }
  }
  for (const auto& [name, tensor] : optimizer.state_dict().tensors)
    append(state, tensor.reshape({-1}));
  return {seen, state};
}

template <class Optimizer>
void check_golden(const GoldenLine& line) {
  const auto word = [&](std::size_t i) { return std::stod(line.words[i]); };
  const OptionsOf<Optimizer> options{.lr = word(1),
                                     .betas = {word(2), word(3)},
                                     .eps = word(4),
                                     .weight_decay = word(5),
                                     .amsgrad = word(6) != 0,
                                     .maximize = word(7) != 0};
  const auto middle = line.numbers.begin() + 32;
  const std::vector<double> values(line.numbers.begin(), middle), state(middle, line.numbers.end());
  for (bool gaps : {false, true}) {
    const auto [seen, kept] = run<Optimizer>(options, word(8), kFloat64, gaps);
    CHECK(worst(seen, values, 1e-3) < 1e-12);
    CHECK(worst(kept, state, 1e-3) < 1e-12);
  }
  const auto [seen, kept] = run<Optimizer>(options, word(8), kFloat32);
  CHECK(worst(seen, values, 1e-1) < 1e-5);
  CHECK(worst(kept, state, 1e-1) < 2e-6);
}

}  // namespace

TEST_CASE("Adam and AdamW give PyTorch's numbers with every option and with groups") {
  const std::vector<GoldenLine> lines = read_golden(NORMA_OPTIM_TESTS "golden_adam.txt");
  REQUIRE(lines.size() == 28);
  for (const GoldenLine& line : lines) {
    CAPTURE(line.words);
    if (line.words[0] == "Adam") {
      check_golden<Adam>(line);
    } else {
      REQUIRE(line.words[0] == "AdamW");
      check_golden<AdamW>(line);
    }
  }
}

TEMPLATE_TEST_CASE("Adam treats every element alike, whatever the size and the number of threads",
                   "", Adam, AdamW) {
  const bool amsgrad = GENERATE(false, true);
  for (DType dtype : {kFloat32, kFloat64}) {
    double first = 0;
    for (int threads : {1, 2, 3}) {
      const ThreadCount guard(threads);
      std::vector<Tensor> parameters;
      for (int64_t size : {1, 7, 33, 100003, 5, 70001}) {
        parameters.push_back(ones({size}, {.dtype = dtype}).requires_grad_());
        parameters.back().set_grad(full({size}, 0.3, {.dtype = dtype}));
      }
      TestType optimizer(parameters, {.lr = 0.25, .weight_decay = 0.5, .amsgrad = amsgrad});
      for (int i = 0; i < 3; ++i) optimizer.step();
      if (threads == 1) first = parameters[0].item<double>();
      for (const Tensor& parameter : parameters)
        CHECK(equal(parameter.detach(), full_like(parameter.detach(), first)));
    }
    CHECK(first < 0.5);
  }
}

TEMPLATE_TEST_CASE("Adam reads gradients and never writes them", "", Adam, AdamW) {
  Tensor p = start(0, 5);
  p.set_grad(gradient(0, 0, 5));
  const Tensor grad = p.grad();
  TestType optimizer({p}, {.weight_decay = 0.1, .amsgrad = true, .maximize = true});
  const uint64_t version = grad.version();
  for (int i = 0; i < 3; ++i) optimizer.step();
  CHECK(equal(p.grad(), gradient(0, 0, 5)));
  CHECK(grad.version() == version);
}

TEMPLATE_TEST_CASE("Adam leaves parameters without a gradient alone: no decay, no state, no step",
                   "", Adam, AdamW) {
  Tensor p = start(0, 5), q = start(0, 5);
  TestType optimizer({p, q}, {.lr = 0.1, .weight_decay = 0.5, .amsgrad = true});
  p.set_grad(gradient(0, 0, 5));
  for (int i = 0; i < 3; ++i) optimizer.step();
  CHECK(equal(q.detach(), start(0, 5).detach()));
  CHECK(names(optimizer.state_dict()) == std::vector<std::string>{"state.0.step", "state.0.exp_avg",
                                                                  "state.0.exp_avg_sq",
                                                                  "state.0.max_exp_avg_sq"});
  q.set_grad(gradient(0, 0, 5));
  optimizer.step();
  const Tensor step = state_of(optimizer, "state.0.step");
  CHECK(step.item<double>() == 4);
  CHECK(step.dtype() == kFloat32);
  CHECK(step.sizes() == Shape{});
  CHECK(count_of(optimizer, 1) == 1);
}

TEMPLATE_TEST_CASE("Adam counts as an in-place change, which a graph that needs the value notices",
                   "", Adam, AdamW) {
  Tensor p = start(0, 5);
  TestType optimizer({p});
  const Tensor loss = (p * p).sum();
  p.set_grad(gradient(0, 0, 5));
  const uint64_t version = p.version();
  optimizer.step();
  CHECK(p.version() == version + 1);
  CHECK_THROWS_AS(loss.backward(), Error);
}

TEMPLATE_TEST_CASE("Adam takes gradients with any strides, and empty parameters", "", Adam, AdamW) {
  const Tensor g = gradient(0, 0, 6).reshape({3, 2}).transpose(0, 1);
  REQUIRE(!g.is_contiguous());
  Tensor p = ones({2, 3}, {.dtype = kFloat64}).requires_grad_(),
         q = ones({2, 3}).to(kFloat64).requires_grad_();
  Tensor none = zeros({0, 3}).requires_grad_();
  p.set_grad(g);
  q.set_grad(g.contiguous());
  none.set_grad(zeros({0, 3}));
  TestType optimizer({p, none, q}, {.lr = 0.5});
  optimizer.step();
  CHECK(equal(p.detach(), q.detach()));
  CHECK(!equal(p.detach(), ones({2, 3}, {.dtype = kFloat64})));
}

TEMPLATE_TEST_CASE("Adam follows a module to another dtype", "", Adam, AdamW) {
  manual_seed(3);
  nn::Linear layer(3, 2), exact(3, 2);
  exact.load_state_dict(layer.state_dict());
  exact.to(kFloat64);
  TestType optimizer(layer.parameters(), {.lr = 0.5, .amsgrad = true});
  TestType reference(exact.parameters(), {.lr = 0.5, .amsgrad = true});
  const auto train = [](nn::Linear& model, optim::Optimizer& o) {
    o.zero_grad();
    model(ones({4, 3}).to(model.weight.dtype())).square().sum().backward();
    o.step();
  };
  train(layer, optimizer);
  train(exact, reference);
  layer.to(kFloat64);
  train(layer, optimizer);
  train(exact, reference);
  CHECK(allclose(layer.weight.detach(), exact.weight.detach(), 1e-5, 1e-5));
  for (const auto& [name, tensor] : optimizer.state_dict().tensors)
    CHECK(tensor.dtype() == (name.ends_with(".step") ? kFloat32 : kFloat64));
  CHECK(count_of(optimizer, 0) == 2);
}

TEST_CASE("Adam where numbers are not finite does what the formula says") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::nan("");
  Tensor p = tensor({infinity, 1.0, 1.0}).requires_grad_();
  p.set_grad(tensor({1.0, 0.0, nan}));
  Adam optimizer({p}, {.amsgrad = true});
  optimizer.step();
  CHECK(to_vector(p)[0] == infinity);  // no decay: 0 · inf must not enter
  CHECK(to_vector(p)[1] == 1.0);
  CHECK(std::isnan(to_vector(p)[2]));
  p.set_grad(ones({3}));
  optimizer.step();
  CHECK(std::isnan(to_vector(state_of(optimizer, "state.0.max_exp_avg_sq"))[2]));
  state_of(optimizer, "state.0.max_exp_avg_sq").fill_(nan);  // shares memory
  optimizer.step();
  CHECK(std::isnan(to_vector(state_of(optimizer, "state.0.max_exp_avg_sq"))[1]));

  Tensor q = ones({1}).requires_grad_();
  q.set_grad(zeros({1}));
  Adam without_eps({q}, {.eps = 0});
  without_eps.step();
  CHECK(std::isnan(q.item<double>()));  // 0/0, as in PyTorch
}

TEST_CASE("AdamW shrinks parameters by lr · weight_decay, Adam adds the decay to the gradient") {
  Tensor p = ones({1}, {.dtype = kFloat64}).requires_grad_();
  p.set_grad(zeros({1}, {.dtype = kFloat64}));
  AdamW({p}, {.lr = 0.5, .weight_decay = 0.25}).step();
  CHECK(p.item<double>() == 0.875);
  Tensor q = ones({1}, {.dtype = kFloat64}).requires_grad_();
  q.set_grad(zeros({1}, {.dtype = kFloat64}));
  Adam({q}, {.lr = 0.5, .eps = 0, .weight_decay = 0.25}).step();
  CHECK(q.item<double>() == Approx(0.5).epsilon(1e-14));  // whatever the size of the gradient
}
