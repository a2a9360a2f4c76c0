// DistributedDataParallel against the same steps in one process, on the joined batch.
#include "group.h"
#include "norma/tests/distributed/ranks.h"
#include "norma/tests/support/catch.h"

using namespace norma;
namespace dist = norma::distributed;
using dist::DataParallelOptions;
using dist::DistributedDataParallel;

namespace {

struct Net : nn::Cloneable<Net> {
  nn::Sequential body;
  Net()
      : body(nn::Linear(6, 16), nn::Tanh(), nn::Linear(16, 16), nn::Tanh(), nn::LayerNorm(16),
             nn::Linear(16, 3)) {
    register_module("body", body);
  }
  Net fresh() const { return {}; }
  Tensor forward(const Tensor& x) override { return body(x); }
};

Net seeded_net(uint64_t seed, DType dtype) {
  manual_seed(seed);
  Net net;
  net.to(dtype);
  return net;
}

struct Batch {
  Tensor x, y;
};
Batch batch_of(int64_t count, int step, DType dtype) {
  manual_seed(1000 + static_cast<uint64_t>(step));
  return {randn({count, 6}).to(dtype), randint(0, 3, {count})};
}

optim::SGD optimizer_of(const std::vector<Tensor>& parameters) {
  return optim::SGD(parameters, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
}

/// What the values of `got` differ in from those of `want`.
std::string differences(const nn::Module& got, const nn::Module& want, double rtol, double atol) {
  const std::vector<Tensor> a = got.parameters(), b = want.parameters();
  if (a.size() != b.size()) return "another number of parameters";
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::string what = mismatch(a[i], b[i], rtol, atol);
    if (!what.empty()) return what;
  }
  return "";
}

std::string differing_ranks(const nn::Module& model) {
  std::vector<Tensor> flat;
  for (const Tensor& tensor : model.parameters()) flat.push_back(tensor.detach().reshape(-1));
  return ranks::differing_ranks(cat(flat));
}

}  // namespace

TEST_CASE("Several ranks are one process on the joined batch, with momentum and weight decay") {
  struct Case {
    DType dtype;
    double tolerance, bucket_cap_mb;
    bool even;
  };
  for (const Case& c : {Case{kFloat64, 1e-12, 25, true}, Case{kFloat64, 1e-12, 1e-4, true},
                        Case{kFloat64, 1e-12, 1e-3, false}, Case{kFloat32, 2e-5, 1e-3, true},
                        Case{kFloat32, 2e-5, 25, false}}) {
    const int world = ranks::size();
    // Every rank begins with other values: those of rank 0 count.
    DistributedDataParallel net(seeded_net(static_cast<uint64_t>(ranks::rank()), c.dtype),
                                {.bucket_cap_mb = c.bucket_cap_mb});
    Net alone = seeded_net(0, c.dtype);
    REQUIRE(differences(net, alone, 0, 0) == "");
    optim::SGD optimizer = optimizer_of(net.parameters());
    optim::SGD optimizer_alone = optimizer_of(alone.parameters());
    for (int step = 0; step < 8; ++step) {
      const int64_t count = c.even ? 4 * world : ranks::uneven_total(2);
      const ranks::Share share = c.even ? ranks::even(count) : ranks::uneven(2);
      const Batch all = batch_of(count, step, c.dtype);
      optimizer.zero_grad();
      Tensor loss = functional::cross_entropy(net(share.of(all.x)), share.of(all.y));
      if (!c.even)
        loss = loss * (static_cast<double>(world * share.count()) / static_cast<double>(count));
      loss.backward();
      optimizer.step();
      optimizer_alone.zero_grad();
      functional::cross_entropy(alone(all.x), all.y).backward();
      optimizer_alone.step();
    }
    CHECK(differences(net, alone, c.tolerance, c.tolerance) == "");
    CHECK(differing_ranks(net) == "");
  }
}

TEST_CASE("Of uneven batches the ranks' gradients are averaged, as in PyTorch") {
  DistributedDataParallel net(seeded_net(5, kFloat64));
  const Net alone = seeded_net(5, kFloat64);
  const Batch all = batch_of(ranks::uneven_total(2), 1, kFloat64);
  const ranks::Share own = ranks::uneven(2);
  functional::cross_entropy(net(own.of(all.x)), own.of(all.y)).backward();
  Net copy = alone.clone();
  for (int r = 0; r < ranks::size(); ++r) {
    const ranks::Share share{r * (r + 1), (r + 1) * (r + 2)};
    (functional::cross_entropy(copy(share.of(all.x)), share.of(all.y)) / ranks::size()).backward();
  }
  for (std::size_t i = 0; i < net.parameters().size(); ++i) {
    CHECK(mismatch(net.parameters()[i].grad(), copy.parameters()[i].grad(), 1e-12, 1e-14) == "");
  }
}

TEST_CASE("The same run gives the same bits") {
  Tensor first;
  for (int run = 0; run < 2; ++run) {
    DistributedDataParallel net(seeded_net(3, kFloat32), {.bucket_cap_mb = 5e-4});
    optim::SGD optimizer = optimizer_of(net.parameters());
    for (int step = 0; step < 5; ++step) {
      const Batch all = batch_of(4 * ranks::size(), step, kFloat32);
      const ranks::Share share = ranks::even(4 * ranks::size());
      optimizer.zero_grad();
      functional::cross_entropy(net(share.of(all.x)), share.of(all.y)).backward();
      optimizer.step();
    }
    std::vector<Tensor> flat;
    for (const Tensor& tensor : net.parameters()) flat.push_back(tensor.detach().reshape(-1));
    if (run == 0) first = cat(flat);
    CHECK(differing_bits(cat(flat), first) == "");
  }
  CHECK(ranks::differing_ranks(first) == "");
}

TEST_CASE("no_sync() leaves gradients where they are; the next backward averages their sum") {
  DistributedDataParallel net(seeded_net(4, kFloat64));
  Net alone = seeded_net(4, kFloat64);
  const int64_t count = 4 * ranks::size();
  const ranks::Share share = ranks::even(count);
  const auto loss_of = [&](auto& model, int step, const ranks::Share& part) {
    const Batch all = batch_of(count, step, kFloat64);
    return functional::cross_entropy(model(part.of(all.x)), part.of(all.y));
  };
  {
    const auto no_sync = net.no_sync();
    const int64_t before = dist::group("test").started;
    loss_of(net, 1, share).backward();
    loss_of(net, 2, share).backward();
    CHECK(dist::group("test").started - before <= 1);  // of buffers, none of gradients
  }
  Net local = alone.clone();
  for (int step = 1; step <= 2; ++step) loss_of(local, step, share).backward();
  for (std::size_t i = 0; i < net.parameters().size(); ++i) {
    CHECK(differing_bits(net.parameters()[i].grad(), local.parameters()[i].grad()) == "");
  }
  loss_of(net, 3, share).backward();
  for (int step = 1; step <= 3; ++step) loss_of(alone, step, {0, count}).backward();
  for (std::size_t i = 0; i < net.parameters().size(); ++i) {
    CHECK(mismatch(net.parameters()[i].grad(), alone.parameters()[i].grad(), 1e-12, 1e-13) == "");
  }
  // And again without a forward in between: what is there is the same on all ranks, so it stays.
  loss_of(net, 4, share).backward();
  loss_of(alone, 4, {0, count}).backward();
  CHECK(mismatch(net.parameters()[0].grad(), alone.parameters()[0].grad(), 1e-12, 1e-13) == "");
}

TEST_CASE("Gradients travel while backward() goes on, and are there when it returns") {
  DistributedDataParallel net(seeded_net(6, kFloat32), {.bucket_cap_mb = 1e-4});
  const Tensor x = randn({4, 6});
  net(x);  // buffers have been sent, or there are none
  int64_t before = 0, within = 0;
  const Tensor first = net->body.at<nn::Linear>(0).weight, last = net->body.at<nn::Linear>(5).bias;
  last.register_hook([&](const Tensor&) { before = dist::group("test").started; });
  first.register_hook([&](const Tensor&) { within = dist::group("test").started; });
  net(x).sum().backward();
  CHECK(within - before >= 3);
  CHECK(dist::group("test").started > within);
  CHECK(ranks::differing_ranks(first.grad()) == "");
}

TEST_CASE("Buffers are those of rank 0 before each forward, or each rank's own") {
  for (const bool broadcast : {true, false}) {
    DistributedDataParallel net(nn::Sequential(nn::Linear(2, 2), nn::BatchNorm1d(2)),
                                {.broadcast_buffers = broadcast});
    Tensor mean = net->at<nn::BatchNorm1d>(1).running_mean;
    const Tensor count = net->at<nn::BatchNorm1d>(1).num_batches_tracked;
    CHECK(ranks::differing_ranks(mean) == "");
    mean.fill_(ranks::rank());
    const NoGradGuard guard;
    net.eval();
    net(ones({2, 2}));
    CHECK(mean[0].item<int>() == (broadcast ? 0 : ranks::rank()));
    mean.fill_(ranks::rank());  // the forward before averaged nothing: nobody has changed them
    net(ones({2, 2}));
    CHECK(mean[0].item<int>() == ranks::rank());
    CHECK(count.item<int>() == 0);
  }
}

TEST_CASE("It is a module around the model") {
  DistributedDataParallel net(nn::Sequential(nn::Linear(2, 1), nn::BatchNorm1d(1)));
  std::string names;
  for (const auto& [name, tensor] : net.state_dict()) names += name + " ";
  CHECK(names ==
        "module.0.weight module.0.bias module.1.weight module.1.bias module.1.running_mean "
        "module.1.running_var module.1.num_batches_tracked ");
  CHECK(net.str() ==
        "DistributedDataParallel(\n  (module): Sequential(\n    (0): Linear(in_features=2, "
        "out_features=1, bias=True)\n    (1): BatchNorm1d(1, eps=1e-05, momentum=0.1, affine=True, "
        "bias=True, track_running_stats=True)\n  )\n)");
  net.eval();
  CHECK_FALSE(net.module.is_training());
  net.train();
  CHECK(net->is_training());
  auto copy = net;
  CHECK(copy.is_same(net));
  nn::Module& base = net;
  CHECK(base(ones({3, 2})).sizes() == Shape({3, 1}));
  CHECK(has(error_of([&] { net(ones({3, 5})); }), "(in module.0, a Linear)"));
}

namespace {
struct Pairs : nn::Callable<Pairs> {
  nn::Linear a{2, 1}, b{2, 1}, idle{2, 1};
  Pairs() {
    register_module("a", a);
    register_module("b", b);
    register_module("idle", idle);
  }
  using Module::forward;
  std::pair<Tensor, std::vector<Tensor>> forward(const Tensor& x, const Tensor& y, double scale) {
    return {a(x) * scale, {b(y)}};
  }
};
}  // namespace

TEST_CASE("Models of several arguments and results; parameters that have no part") {
  const Tensor x = full({3, 2}, ranks::rank() + 1.0), y = ones({3, 2});
  const double mean = (ranks::size() + 1) / 2.0;
  SECTION("are refused at the next forward, by name") {
    DistributedDataParallel net(Pairs{});
    net(x, y, 2.0).first.sum().backward();
    CHECK(error_of([&] { net(x, y, 2.0); }) ==
          "[DistributedDataParallel] expected the backward() before to give every parameter a "
          "gradient, got none of idle.bias, idle.weight, b.bias, b.weight; use all results of "
          "forward in the loss, freeze what is not learnt, or set find_unused_parameters = true "
          "(in DistributedDataParallel)");
  }
  SECTION("are found on request") {
    DistributedDataParallel net(Pairs{}, {.find_unused_parameters = true});
    for (int step = 0; step < 2; ++step) {
      net.zero_grad();
      auto [first, second] = net(x, y, 2.0);
      (first.sum() + second[0].sum()).backward();
      CHECK(mismatch(net->a.weight.grad(), full({1, 2}, 6 * mean), 1e-6) == "");
      CHECK(mismatch(net->b.weight.grad(), full({1, 2}, 3.0), 1e-6) == "");
      CHECK_FALSE(net->idle.weight.grad().defined());
    }
  }
  SECTION("on some ranks are zeros there") {
    struct Choice : nn::Cloneable<Choice> {
      nn::Linear a{2, 1}, b{2, 1};
      int first;
      explicit Choice(int rank_of_a) : first(rank_of_a) {
        register_module("a", a);
        register_module("b", b);
      }
      Choice fresh() const { return Choice(first); }
      Tensor forward(const Tensor& in) override { return ranks::rank() == first ? a(in) : b(in); }
    };
    DistributedDataParallel net(Choice(0), {.find_unused_parameters = true});
    net(ones({1, 2})).sum().backward();
    CHECK(mismatch(net->a.weight.grad(), full({1, 2}, 1.0 / ranks::size()), 1e-6) == "");
    if (ranks::size() > 1) {
      CHECK(mismatch(net->b.bias.grad(), full({1}, 1 - 1.0 / ranks::size()), 1e-6) == "");
    } else {
      CHECK_FALSE(net->b.bias.grad().defined());
    }
  }
  SECTION("all of them, on one rank") {
    struct Detour : nn::Cloneable<Detour> {
      nn::Linear a{2, 1};
      Detour() { register_module("a", a); }
      Detour fresh() const { return {}; }
      Tensor forward(const Tensor& in) override { return ranks::rank() == 0 ? in : a(in); }
    };
    DistributedDataParallel net(Detour(), {.find_unused_parameters = true});
    const Tensor result = net(ones({1, 2}));
    if (result.requires_grad()) result.sum().backward();
    if (ranks::size() > 1) {
      CHECK(mismatch(net->a.bias.grad(), full({1}, 1 - 1.0 / ranks::size()), 1e-6) == "");
    }
  }
}

TEST_CASE("Models that differ are refused on all ranks, by what differs") {
  if (ranks::size() == 1) return;
  const int odd = ranks::size() - 1;
  const bool is_odd = ranks::rank() == odd;
  const std::string rank = std::to_string(odd);
  const auto refusal = [](nn::Module&& model, const DataParallelOptions& options = {}) {
    auto& linear = dynamic_cast<nn::Sequential&>(model);
    return error_of([&] { DistributedDataParallel net(linear, options); });
  };
  const std::string start =
      "[DistributedDataParallel] expected the same model and options on all ranks, got ";
  CHECK(refusal(nn::Sequential(nn::Linear(2, is_odd ? 4 : 3))) ==
        start +
            "the parameter 0.weight of shape [3, 2], float32, requires_grad = True on rank 0, "
            "and the parameter 0.weight of shape [4, 2], float32, requires_grad = True on rank " +
            rank);
  nn::Sequential wide(nn::Linear(2, 3));
  if (is_odd) wide.to(kFloat64);
  CHECK(has(refusal(std::move(wide)), "[3, 2], float64, requires_grad = True on rank " + rank));
  nn::Sequential frozen(nn::Linear(2, 3));
  if (is_odd) frozen.at<nn::Linear>(0).bias.requires_grad_(false);
  CHECK(refusal(std::move(frozen)) ==
        start +
            "the parameter 0.bias of shape [3], float32, requires_grad = True on rank 0, and "
            "the parameter 0.bias of shape [3], float32, requires_grad = False on rank " +
            rank);
  CHECK(has(refusal(is_odd ? nn::Sequential(nn::Linear(2, 3))
                           : nn::Sequential(nn::Linear(2, 3), nn::BatchNorm1d(3))),
            start +
                "the parameter 1.weight of shape [3], float32, requires_grad = True on rank 0, "
                "and nothing more on rank " +
                rank));
  CHECK(has(
      refusal(nn::Sequential(
          nn::Linear(2, 3), nn::BatchNorm1d(3, {.affine = false, .track_running_stats = !is_odd}))),
      start + "the buffer 1.running_mean of shape [3], float32 on rank 0, and nothing more on"));
  CHECK(refusal(nn::Sequential(nn::Linear(2, 3)), {.bucket_cap_mb = is_odd ? 2.0 : 1.0}) ==
        start + "bucket_cap_mb = 1.0 on rank 0, and bucket_cap_mb = 2.0 on rank " + rank);
}

TEST_CASE("What cannot work is refused") {
  CHECK(ranks::size() > 0);
  CHECK(error_of([] { DistributedDataParallel net{nn::Sequential(nn::ReLU())}; }) ==
        "[DistributedDataParallel] expected a model with parameters that require a gradient, got "
        "none; without any, call the model itself");
  CHECK(error_of([] { DistributedDataParallel net(nn::Linear(1, 1), {.bucket_cap_mb = 0}); }) ==
        "[DistributedDataParallel] expected a bucket_cap_mb above 0, got 0.0");
  {
    DistributedDataParallel net(nn::Linear(2, 1));
    net.to(kFloat64);
    CHECK(error_of([&] {
            net(ones({1, 2}, {.dtype = kFloat64})).sum().backward();
          }) ==
          "[DistributedDataParallel] expected a gradient of weight of shape [1, 2] and dtype "
          "float32, got [1, 2] and float64; change a model before DistributedDataParallel is made "
          "of it");
  }
  DistributedDataParallel net(Pairs{});
  const Tensor x = ones({1, 2});
  const Tensor first = net(x, x, 1.0).first;
  first.sum().backward({}, true);
  CHECK(
      error_of([&] { first.sum().backward(); }) ==
      "[DistributedDataParallel] expected one gradient of each parameter before they are "
      "averaged, got a second one of a.weight, while idle.bias, idle.weight, b.bias, b.weight had "
      "none; call backward() once for each forward, or use no_sync()");
}

TEST_CASE("The hooks go with it") {
  nn::Linear model(2, 1);
  { DistributedDataParallel net(model); }
  const int64_t before = dist::group("test").started;
  model(ones({1, 2})).sum().backward();
  CHECK(dist::group("test").started == before);
  CHECK(model.weight.grad().defined());
}
