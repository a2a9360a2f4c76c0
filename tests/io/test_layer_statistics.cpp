// What goes through the layers while a model trains, against sums of the test's own.
#include <cmath>
#include <cstring>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

struct Sums {
  double mean = 0, deviation = 0, zeros = 0;
};

/// As torch.mean, torch.std say it, in float64.
Sums sums_of(const Tensor& tensor) {
  const Tensor x = tensor.detach().to(kFloat64).contiguous();
  const auto n = static_cast<double>(x.numel());
  Sums sums;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double value = x.data_ptr<double>()[i];
    sums.mean += value / n;
    sums.zeros += (value == 0) / n;
  }
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double apart = x.data_ptr<double>()[i] - sums.mean;
    sums.deviation += apart * apart / (n - 1);
  }
  sums.deviation = std::sqrt(sums.deviation);
  return sums;
}

void check_sums(const History& history, const std::string& what, const std::string& path,
                const Tensor& x) {
  INFO(what << " of " << path);
  const Sums sums = sums_of(x);
  const auto value = [&](const char* of) { return history.values(what + of + path).back(); };
  CHECK(value("_mean/") == Approx(sums.mean).margin(1e-15));
  CHECK(value("_std/") == Approx(sums.deviation));
  CHECK(value("_zeros/") == Approx(sums.zeros));
}

nn::Sequential small_net() {
  manual_seed(1);
  return {nn::Linear(3, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Linear(8, 2)};
}

struct Training {
  Tensor x = (manual_seed(2), randn({16, 3})), y = randn({16, 2});
  nn::MSELoss criterion;
  Tensor loss_of(nn::Module& net) const { return nn::MSELoss()(net(x), y); }
};

}  // namespace

TEST_CASE("statistics of layers are those of their results, gradients and updates") {
  const Training training;
  nn::Sequential net = small_net();
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  History history;
  LayerStatistics statistics(net, history, {.every = 1});

  std::vector<Tensor> results;  // by a twin
  nn::Sequential twin = net.clone();
  Tensor x = training.x;
  for (const auto& layer : twin.children()) {
    x = (*layer)(x);
    x.retain_grad();
    results.push_back(x);
  }
  nn::MSELoss()(x, training.y).backward();
  const NamedTensors before = nn::clone(net.named_parameters());

  training.loss_of(net).backward();
  optimizer.step();
  statistics.step({.epoch = 4, .step = 17});

  CHECK(history.rows() == 1);
  for (std::size_t i = 0; i < results.size(); ++i) {
    check_sums(history, "activation", std::to_string(i), results[i]);
    check_sums(history, "gradient", std::to_string(i), results[i].grad());
  }
  CHECK(history.points("activation_zeros/2").at(0).epoch == 4);
  CHECK(history.points("activation_zeros/2").at(0).step == 17);
  CHECK(history.values("activation_zeros/2").at(0) > 0.2);
  const NamedTensors after = net.named_parameters();
  for (std::size_t i = 0; i < after.size(); ++i) {
    const Tensor old = before[i].second.to(kFloat64), now = after[i].second.detach().to(kFloat64);
    double change = 0, size = 0;
    for (int64_t k = 0; k < old.numel(); ++k) {
      const double a = old.data_ptr<double>()[k], b = now.data_ptr<double>()[k];
      change += (b - a) * (b - a);
      size += a * a;
    }
    const double ratio = history.values("update_ratio/" + after[i].first).at(0);
    if (size > 0) CHECK(ratio == Approx(std::sqrt(change / size)).epsilon(1e-6));
    if (size == 0) CHECK(ratio == INFINITY);  // BatchNorm's bias begins at 0
  }
  CHECK(history.names().size() == 4 * 6 + 6);
}

TEST_CASE("statistics change no bit of a training") {
  const auto trained = [](bool watched) {
    const Training training;
    nn::Sequential net = small_net();
    struct InPlace : nn::Module {  // changes what its child gave
      nn::Linear fc{2, 2};
      InPlace() { register_module("fc", fc); }
      Tensor forward(const Tensor& x) override {
        Tensor h = fc(x);
        h.mul_(0.5);
        return h;
      }
    };
    net.push_back(InPlace());
    net.push_back(nn::Dropout(0.5));
    manual_seed(3);
    optim::Adam optimizer(net.parameters(), {.lr = 0.01});
    History history;
    std::optional<LayerStatistics> statistics;
    if (watched) statistics.emplace(net, history, LayerStatisticsOptions{.every = 3});
    for (int step = 0; step < 12; ++step) {
      optimizer.zero_grad();
      training.loss_of(net).backward();
      optimizer.step();
      if (watched) statistics->step({.step = step});
    }
    if (watched) CHECK(history.rows() == 4);
    NamedTensors state = net.state_dict();
    return nn::clone(state);
  };
  CHECK(same(trained(true), trained(false)));
}

TEST_CASE("between its rows, and after its end, a model has no hooks") {
  const Training training;
  nn::Sequential net = small_net();
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  History history;
  const auto hooks = [&] {
    std::string which;
    for (const auto& [path, module] : net.named_modules())
      if (module->has_hooks()) which += path + " ";
    return which;
  };
  {
    LayerStatistics statistics(net, history, {.every = 4});
    for (int step = 0; step < 9; ++step) {
      CHECK(hooks() == (step % 4 == 0 ? "0 1 2 3 " : ""));
      optimizer.zero_grad();
      training.loss_of(net).backward();
      optimizer.step();
      statistics.step({.step = step});
    }
    std::string steps;
    for (const HistoryPoint& point : history.points("activation_mean/0"))
      steps += std::to_string(*point.step) + " ";
    CHECK(steps == "0 4 8 ");
    CHECK(hooks().empty());
  }
  {
    const LayerStatistics statistics(net, history);
    CHECK(hooks() == "0 1 2 3 ");
  }
  CHECK(hooks().empty());
  // A graph that outlives what watched it.
  Tensor loss;
  {
    const LayerStatistics statistics(net, history);
    loss = training.loss_of(net);
  }
  loss.backward();
  CHECK(history.rows() == 3);
}

TEST_CASE("only calls that train count") {
  const Training training;
  nn::Sequential net = small_net();
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  History history;
  LayerStatistics statistics(net, history, {.every = 1, .updates = false});
  statistics.step();
  CHECK(history.rows() == 0);
  net.eval();
  training.loss_of(net);
  net.train();
  {
    const NoGradGuard no_grad;
    training.loss_of(net);
  }
  statistics.step();
  CHECK(history.rows() == 0);

  // Two calls of a step count together.
  const Tensor first = net[0](training.x).detach(), second = net[0](training.x * 3).detach();
  training.loss_of(net).backward();
  nn::MSELoss()(net(training.x * 3), training.y).backward();
  statistics.step();
  check_sums(history, "activation", "0", cat({first, first, second, second}));
  for (const std::string& name : history.names()) CHECK(!name.starts_with("update_ratio"));
}

TEST_CASE("a layer alone, a frozen one, and one that the loss does not reach") {
  const Training training;
  History history;
  {
    nn::Linear layer(3, 2);
    LayerStatistics statistics(layer, history, {.every = 1});
    training.loss_of(layer).backward();
    statistics.step();
    CHECK(history.names() ==
          std::vector<std::string>{"activation_mean/Linear", "activation_std/Linear",
                                   "activation_zeros/Linear", "gradient_mean/Linear",
                                   "gradient_std/Linear", "gradient_zeros/Linear",
                                   "update_ratio/weight", "update_ratio/bias"});
    CHECK(history.values("update_ratio/weight") == std::vector<double>{0});
  }
  struct Two : nn::Module {
    nn::Linear used, other;
    nn::LSTM lstm;
    Two() : used(3, 2), other(3, 2), lstm(3, 4) {
      register_module("used", used);
      register_module("other", other);
      register_module("lstm", lstm);
      lstm.requires_grad_(false);
    }
    Tensor forward(const Tensor& x) override {
      other(x);
      static_cast<void>(lstm(x.unsqueeze(0)));
      return used(x);
    }
  };
  Two net;
  History second;
  LayerStatistics statistics(net, second, {.every = 1});
  training.loss_of(net).backward();
  statistics.step();
  const std::vector<std::string> names = second.names();
  const auto logged = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  CHECK(logged("gradient_mean/used"));
  CHECK(logged("activation_mean/other"));
  CHECK(!logged("gradient_mean/other"));
  CHECK(logged("activation_std/lstm"));
  CHECK(!logged("update_ratio/lstm.weight_ih_l0"));
  CHECK(logged("update_ratio/other.bias"));
}

TEST_CASE("statistics that cannot be are refused") {
  nn::Linear layer(3, 2);
  History history;
  CHECK(error_of([&] { const LayerStatistics statistics(layer, history, {.every = 0}); }) ==
        "[LayerStatistics] expected a row for every so many steps, at least 1, got 0");
}
