// SyncBatchNorm on every number of ranks, against PyTorch's numbers and against BatchNorm on the
// batches of all ranks joined.
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "norma/tests/distributed/parts.h"
#include "norma/tests/layers/golden_layers.h"
#include "norma/tests/support/numerics.h"

using namespace norma;
namespace dist = norma::distributed;

namespace {

/// BatchNorm for inputs of this many dimensions.
std::shared_ptr<nn::BatchNorm> batch_norm(int64_t dims, int64_t channels,
                                          const nn::BatchNormOptions& options = {}) {
  if (dims == 4) return std::make_shared<nn::BatchNorm2d>(channels, options);
  if (dims == 5) return std::make_shared<nn::BatchNorm3d>(channels, options);
  return std::make_shared<nn::BatchNorm1d>(channels, options);
}

struct Result {
  Tensor output, dx, dweight, dbias;
};

/// Forward and backward; `dy` is the gradient of the result.
Result run(nn::BatchNorm& bn, const Tensor& values, const Tensor& dy, bool relu = false) {
  bn.zero_grad();
  const Tensor x = values.detach().clone().requires_grad_();
  const Tensor y = relu ? bn.with_relu(x) : bn(x);
  y.backward(dy);
  const auto grad = [](const Tensor& t) { return t.defined() ? t.grad().detach() : Tensor(); };
  return {y.detach(), x.grad(), grad(bn.weight), grad(bn.bias)};
}

void set_parameters(nn::BatchNorm& bn) {
  const NoGradGuard no_grad;
  const int64_t channels = bn.num_features();
  const Tensor numbers = arange(channels).to(bn.weight.dtype());
  bn.weight.copy_(numbers.remainder(5) * 0.5 - 0.75);
  bn.bias.copy_(numbers.remainder(3) - 0.5);
}

/// dy where the sample is this rank's, else 0.
Tensor own_alone(const Tensor& dy, const std::vector<int64_t>& parts) {
  const Tensor own = zeros_like(dy);
  int64_t first = 0;
  for (int64_t rank = 0; rank < ranks::rank(); ++rank)
    first += parts[static_cast<std::size_t>(rank)];
  const int64_t count = parts[static_cast<std::size_t>(ranks::rank())];
  own.narrow(0, first, count).copy_(dy.narrow(0, first, count));
  return own;
}

/// Compares a step of both; "" where all is alike.
std::string compare(nn::BatchNorm& sync, nn::BatchNorm& joined, const Tensor& x, const Tensor& dy,
                    const std::vector<int64_t>& parts, double tolerance, bool relu = false) {
  const Tensor mean = joined.running_mean.defined() ? joined.running_mean.clone() : Tensor();
  const Tensor var = joined.running_var.defined() ? joined.running_var.clone() : Tensor();
  const Result own = run(sync, part_of(x, parts), part_of(dy, parts), relu);
  const Result all = run(joined, x, dy, relu);
  const auto against = [&](const char* what, const Tensor& got, const Tensor& want) {
    const double largest = want.numel() > 0 ? want.abs().max().item<double>() : 0.0;
    const std::string error = mismatch(got, want, tolerance, tolerance * std::max(1.0, largest));
    return error.empty() ? "" : std::string(what) + ": " + error + "; ";
  };
  std::string errors = against("y", own.output, part_of(all.output, parts)) +
                       against("dx", own.dx, part_of(all.dx, parts));
  if (sync.running_mean.defined()) {
    errors += against("running_mean", sync.running_mean, joined.running_mean) +
              against("running_var", sync.running_var, joined.running_var) +
              ranks::differing_ranks(sync.running_mean) + ranks::differing_ranks(sync.running_var);
    // The statistics of this step once more, for the gradients below.
    joined.running_mean.copy_(mean), joined.running_var.copy_(var);
    joined.num_batches_tracked.sub_(1);
  }
  const Result share = run(joined, x, own_alone(dy, parts), relu);
  if (own.dweight.defined()) errors += against("dweight", own.dweight, share.dweight);
  if (own.dbias.defined()) errors += against("dbias", own.dbias, share.dbias);
  return errors;
}

const Shape kShapes[] = {{7, 3},          {64, 70},         {6, 3, 5},         {9, 40, 2},
                         {5, 4, 3, 3},    {8, 3, 9, 9},     {6, 1, 8, 8},      {5, 17, 1, 40},
                         {4, 2, 3, 2, 4}, {5, 2, 150, 130}, {4, 3, 2, 2, 2, 3}};

}  // namespace

TEST_CASE("Without a process group it is BatchNorm, to the bit") {
  CHECK_FALSE(dist::is_initialized());
  manual_seed(1);
  nn::SyncBatchNorm sync(3);
  nn::BatchNorm2d plain(3);
  const Tensor x = randn({4, 3, 5, 5}), dy = randn({4, 3, 5, 5});
  const Result a = run(sync, x, dy), b = run(plain, x, dy);
  CHECK(differing_bits(a.output, b.output) == "");
  CHECK(differing_bits(a.dx, b.dx) == "");
  CHECK(differing_bits(a.dweight, b.dweight) == "");
  CHECK(differing_bits(sync.running_var, plain.running_var) == "");
  CHECK(has(error_of([&] {
              sync(randn({1, 3}));
            }),
            "[SyncBatchNorm] Expected more than 1 value per channel when training, got input size "
            "[1, 3]; call eval()"));
}

TEST_CASE("PyTorch's numbers of the joined batch, over steps of training and evaluation") {
  const DType dtype = GENERATE(kFloat64, kFloat32);
  const double tolerance = dtype == kFloat64 ? 1e-12 : 2e-5;
  for (const golden::BatchNormCase& golden : golden::batch_norm_cases) {
    nn::SyncBatchNorm bn(golden.sizes[1], golden.options);
    bn.to(dtype);
    if (golden.options.affine) {
      bn.load_state_dict({{"weight", tensor({1.5, -0.75})}, {"bias", tensor({0.25, 2.0})}}, false);
    }
    const std::vector<int64_t> parts = uneven_parts(golden.sizes[0]);
    for (std::size_t i = 0; i < golden.steps.size(); ++i) {
      const golden::BatchNormStep& step = golden.steps[i];
      // In evaluation, statistics of a batch are those of each rank's own.
      if (!step.training && !golden.options.track_running_stats) continue;
      INFO(golden.name << ", step " << i << ", rank " << ranks::rank());
      const auto want = [&](const std::vector<double>& v) {
        return part_of(tensor_of(v, golden.sizes, dtype), parts);
      };
      bn.train(step.training);
      const Tensor w = arange(1, golden.sizes.numel() + 1).to(dtype).sqrt().reshape(golden.sizes);
      const Result got = run(bn, want(step.input), part_of(w, parts));
      CHECK(mismatch(got.output, want(step.output), tolerance, tolerance) == "");
      CHECK(mismatch(got.dx, want(step.input_grad), tolerance, tolerance) == "");
      const Shape c = {golden.sizes[1]};
      if (golden.options.affine) {
        CHECK(mismatch(summed(got.dweight), tensor_of(step.weight_grad, c, dtype), tolerance,
                       tolerance) == "");
        CHECK(mismatch(summed(got.dbias), tensor_of(step.bias_grad, c, dtype), tolerance,
                       tolerance) == "");
      }
      if (!golden.options.track_running_stats) continue;
      CHECK(mismatch(bn.running_mean, tensor_of(step.running_mean, c, dtype), tolerance,
                     tolerance) == "");
      CHECK(mismatch(bn.running_var, tensor_of(step.running_var, c, dtype), tolerance, tolerance) ==
            "");
      CHECK(bn.num_batches_tracked.item<int64_t>() == step.batches);
    }
  }
}

TEST_CASE("Any shape, batches unlike and empty: BatchNorm on the joined batch") {
  const auto [dtype, tolerance] = GENERATE(std::pair(kFloat64, 1e-12), std::pair(kFloat32, 4e-6));
  const bool relu = GENERATE(false, true);
  for (const Shape& sizes : kShapes) {
    INFO(sizes << ", relu " << relu << ", rank " << ranks::rank());
    manual_seed(3);
    const int64_t dims = sizes.size();
    nn::SyncBatchNorm sync(sizes[1]);
    const auto joined = batch_norm(std::min<int64_t>(dims, 5), sizes[1]);
    for (nn::BatchNorm* bn : {static_cast<nn::BatchNorm*>(&sync), joined.get()}) {
      bn->to(dtype);
      set_parameters(*bn);
    }
    for (int step = 0; step < 2; ++step) {
      Tensor x = (randn(sizes, {.dtype = kFloat64}) * 2 + 3).to(dtype);
      Tensor dy = (randn(sizes, {.dtype = kFloat64})).to(dtype);
      if (dims > 5) {  // more dimensions than BatchNorm3d takes
        nn::SyncBatchNorm same = sync.clone();
        const Result own = run(same, part_of(x, uneven_parts(sizes[0])),
                               part_of(dy, uneven_parts(sizes[0])), relu);
        x = x.flatten(4), dy = dy.flatten(4);
        const Result flat = run(sync, part_of(x, uneven_parts(sizes[0])),
                                part_of(dy, uneven_parts(sizes[0])), relu);
        CHECK(differing_bits(own.output.flatten(4), flat.output) == "");
        CHECK(differing_bits(own.dx.flatten(4), flat.dx) == "");
        continue;
      }
      CHECK(compare(sync, *joined, x, dy, uneven_parts(sizes[0]), tolerance, relu) == "");
    }
  }
}

TEST_CASE("Inputs that are not contiguous") {
  manual_seed(4);
  nn::SyncBatchNorm sync(3), same(3);
  const std::vector<int64_t> parts = uneven_parts(6);
  const Tensor x = part_of(randn({6, 3, 4, 4}), parts), dy = part_of(randn({6, 3, 4, 4}), parts);
  const Result a = run(sync, x, dy);
  const Tensor gaps = scattered(x).requires_grad_();
  const Tensor y = same(gaps);
  y.backward(scattered(dy));
  CHECK(differing_bits(y, a.output) == "");
  CHECK(differing_bits(gaps.grad(), a.dx) == "");
}

TEST_CASE("ReLU behind it becomes part of its backward") {
  manual_seed(5);
  const std::vector<int64_t> parts = uneven_parts(9);
  const Tensor joined = randn({9, 4, 6, 6});
  nn::SyncBatchNorm sync(4);
  nn::Sequential net(sync, nn::ReLU());
  nn::Sequential plain(nn::BatchNorm2d(4), nn::ReLU());
  const Tensor x = part_of(joined, parts).requires_grad_(), all = joined.clone().requires_grad_();
  const Tensor dy = randn({9, 4, 6, 6});
  const Tensor y = net(x), z = plain(all);
  CHECK(std::string(y.grad_fn_name()) ==
        (ranks::size() > 1 ? "sync_batch_norm_relu" : "batch_norm_relu"));
  y.backward(part_of(dy, parts));
  z.backward(dy);
  CHECK(mismatch(y, part_of(z, parts), 1e-6, 1e-6) == "");
  CHECK(mismatch(x.grad(), part_of(all.grad(), parts), 1e-6, 2e-6) == "");
}

TEST_CASE("Gradients are the differences of a sum over all ranks") {
  manual_seed(6);
  const std::vector<int64_t> parts = uneven_parts(5);
  const Shape sizes = {5, 2, 2};
  nn::SyncBatchNorm bn(2);
  bn.to(kFloat64);
  set_parameters(bn);
  const Tensor all = randn(sizes, {.dtype = kFloat64}), weights = randn(sizes, {.dtype = kFloat64});
  const Tensor own_weights = part_of(weights, parts);
  const auto loss_of = [&](const Tensor& y) { return (y * y * own_weights + y.sin()).sum(); };
  const Tensor x = part_of(all, parts).requires_grad_();
  loss_of(bn(x)).backward();

  // Of the losses of all ranks, added up.
  const double h = 1e-5;
  const auto differences = [&](const Tensor& values) {
    const NoGradGuard no_grad;
    std::vector<double> result;
    double* const value = values.data_ptr<double>();
    for (int64_t i = 0; i < values.numel(); ++i) {
      double losses[2];
      for (const int k : {0, 1}) {
        const double before = value[i];
        value[i] += k == 0 ? h : -h;
        losses[k] = loss_of(bn(part_of(all, parts))).item<double>();
        value[i] = before;
      }
      result.push_back((losses[0] - losses[1]) / (2 * h));
    }
    return summed(tensor_of(result, values.sizes()));
  };
  CHECK(mismatch(x.grad(), part_of(differences(all), parts), 1e-7, 1e-8) == "");
  CHECK(mismatch(summed(bn.weight.grad()), differences(bn.weight), 1e-7, 1e-8) == "");
  CHECK(mismatch(summed(bn.bias.grad()), differences(bn.bias), 1e-7, 1e-8) == "");
}

TEST_CASE("Every option, over steps, with unlike batches") {
  const nn::BatchNormOptions options[] = {{.eps = 1e-3, .momentum = 0.3},
                                          {.momentum = std::nullopt},
                                          {.momentum = 0.0},
                                          {.affine = false},
                                          {.track_running_stats = false},
                                          {.bias = false}};
  for (const nn::BatchNormOptions& option : options) {
    manual_seed(7);
    nn::SyncBatchNorm sync(3, option);
    const auto joined = batch_norm(3, 3, option);
    INFO(sync.str() << " on rank " << ranks::rank());
    sync.to(kFloat64);
    joined->to(kFloat64);
    for (const int64_t samples : {8, 5, 11}) {
      const Tensor x = randn({samples, 3, 2}, {.dtype = kFloat64}), dy = randn_like(x);
      CHECK(compare(sync, *joined, x, dy, uneven_parts(samples), 1e-12) == "");
    }
    if (option.track_running_stats) CHECK(sync.num_batches_tracked.item<int64_t>() == 3);
  }
}

TEST_CASE("The same bits on all ranks, and from run to run") {
  std::vector<Result> runs;
  for (int time = 0; time < 2; ++time) {
    manual_seed(8);
    nn::SyncBatchNorm bn(5);
    const std::vector<int64_t> parts = uneven_parts(10);
    runs.push_back(
        run(bn, part_of(randn({10, 5, 7, 7}), parts), part_of(randn({10, 5, 7, 7}), parts)));
    CHECK(ranks::differing_ranks(bn.running_mean) == "");
    CHECK(ranks::differing_ranks(bn.running_var) == "");
  }
  CHECK(differing_bits(runs[0].output, runs[1].output) == "");
  CHECK(differing_bits(runs[0].dx, runs[1].dx) == "");
  CHECK(differing_bits(runs[0].dweight, runs[1].dweight) == "");
}

TEST_CASE("A large mean costs no digits, and constant channels become the bias") {
  const auto dtype = GENERATE(kFloat32, kFloat64);
  manual_seed(9);
  nn::SyncBatchNorm sync(3);
  nn::BatchNorm2d joined(3);
  sync.to(dtype);
  joined.to(dtype);
  const double large = dtype == kFloat32 ? 3e4 : 3e8;
  Tensor x = randn({6, 3, 4, 4}, {.dtype = kFloat64}) + large;
  x.select(1, 1).fill_(large + 0.3);
  x = x.to(dtype);
  // The ranks' means are far from each other in the last channel.
  x.select(1, 2).add_(arange(6).reshape({6, 1, 1}).to(dtype) * 100);
  const Tensor y = sync(part_of(x, uneven_parts(6))), z = joined(x);
  const double tolerance = dtype == kFloat32 ? 2e-6 : 1e-12;
  CHECK(mismatch(y, part_of(z, uneven_parts(6)), tolerance, tolerance) == "");
  CHECK(to_vector(y.select(1, 1)) == std::vector<double>(static_cast<std::size_t>(y.size(0)) * 16));
  CHECK(mismatch(sync.running_var, joined.running_var, tolerance) == "");
}

TEST_CASE("A NaN on one rank is one on all, in its channel alone") {
  nn::SyncBatchNorm bn(2);
  manual_seed(10);
  Tensor x = randn({8, 2});
  x.data_ptr<float>()[14] = std::nanf("");  // the last sample's first channel
  const Tensor y = bn(part_of(x, uneven_parts(8)));
  CHECK(std::isnan(bn.running_mean.select(0, 0).item<double>()));
  CHECK_FALSE(std::isnan(bn.running_mean.select(0, 1).item<double>()));
  for (int64_t i = 0; i < y.size(0); ++i) {
    CHECK(std::isnan(to_vector(y)[static_cast<std::size_t>(2 * i)]));
    CHECK_FALSE(std::isnan(to_vector(y)[static_cast<std::size_t>(2 * i + 1)]));
  }
}

TEST_CASE("No rank has a sample: the statistics stay, and the batch is counted") {
  nn::SyncBatchNorm bn(2);
  const Result got = run(bn, zeros({0, 2, 4, 4}), zeros({0, 2, 4, 4}));
  CHECK(got.output.sizes() == Shape({0, 2, 4, 4}));
  CHECK(got.dx.sizes() == Shape({0, 2, 4, 4}));
  CHECK(to_vector(got.dweight) == std::vector<double>{0, 0});
  CHECK(to_vector(bn.running_mean) == std::vector<double>{0, 0});
  CHECK(to_vector(bn.running_var) == std::vector<double>{1, 1});
  CHECK(bn.num_batches_tracked.item<int64_t>() == 1);
}

TEST_CASE("One value per channel on each rank is enough; one on all is refused by all") {
  nn::SyncBatchNorm bn(2);
  const std::string error = error_of([&] { bn(zeros({ranks::rank() == 0 ? 1 : 0, 2})); });
  const std::string words =
      "[SyncBatchNorm] Expected more than 1 value per channel when training, got ";
  if (ranks::size() == 1) {
    CHECK(has(error, words + "input size [1, 2]; call eval()"));
  } else {
    CHECK(error == words + "1 on all ranks together, input size [" +
                       (ranks::rank() == 0 ? "1" : "0") + ", 2] on rank " +
                       std::to_string(ranks::rank()) +
                       "; give the DataLoader drop_last = true so that no batch of one is left "
                       "over (in SyncBatchNorm)");
    CHECK(bn(full({1, 2}, static_cast<double>(ranks::rank()))).sizes() == Shape({1, 2}));
  }
  CHECK(bn.num_batches_tracked.item<int64_t>() == (ranks::size() > 1));
}

TEST_CASE("In evaluation and with frozen statistics a rank is alone") {
  manual_seed(11);
  nn::SyncBatchNorm bn(2), frozen(2), stateless(2, {.track_running_stats = false});
  nn::BatchNorm1d plain(2), same(2, {.track_running_stats = false});
  for (nn::BatchNorm* one : std::initializer_list<nn::BatchNorm*>{&bn, &frozen, &plain}) {
    one->running_mean.fill_(0.5);
    one->running_var.fill_(2.0);
  }
  if (ranks::rank() == 0) {  // a message to the others would stay unanswered
    const Tensor x = randn({5, 2}), dy = randn({5, 2});
    bn.eval(), plain.eval(), stateless.eval(), same.eval();
    const Result a = run(bn, x, dy), b = run(plain, x, dy);
    CHECK(differing_bits(a.output, b.output) == "");
    CHECK(differing_bits(a.dx, b.dx) == "");
    frozen.freeze_stats();
    CHECK(differing_bits(run(frozen, x, dy).output, b.output) == "");
    CHECK(differing_bits(run(stateless, x, dy).dx, run(same, x, dy).dx) == "");
    CHECK(bn.num_batches_tracked.item<int64_t>() == 0);
  }
  dist::barrier();
}

TEST_CASE("An input that needs no gradient costs no message in backward") {
  manual_seed(12);
  const std::vector<int64_t> parts = uneven_parts(8);
  nn::SyncBatchNorm bn(2), full_one(2);
  const Tensor x = randn({8, 2}), dy = randn({8, 2});
  const Tensor y = bn(part_of(x, parts));
  if (ranks::rank() == 0) y.backward(part_of(dy, parts));
  dist::barrier();
  if (ranks::rank() != 0) y.backward(part_of(dy, parts));
  const Result want = run(full_one, part_of(x, parts), part_of(dy, parts));
  CHECK(differing_bits(bn.weight.grad(), want.dweight) == "");
  CHECK(differing_bits(bn.bias.grad(), want.dbias) == "");
}

TEST_CASE("Names, options, printed form and clones are BatchNorm's") {
  nn::SyncBatchNorm bn(3, {.eps = 1e-3, .momentum = std::nullopt});
  CHECK(bn.str() ==
        "SyncBatchNorm(3, eps=0.001, momentum=None, affine=True, bias=True, "
        "track_running_stats=True)");
  nn::BatchNorm1d plain(3);
  plain.running_mean.fill_(2);
  bn.load_state_dict(plain.state_dict());
  CHECK(to_vector(bn.running_mean) == std::vector<double>{2, 2, 2});
  plain.load_state_dict(bn.state_dict());
  bn.freeze_stats();
  bn.weight.requires_grad_(false);
  nn::SyncBatchNorm copy = bn.clone();
  bn.running_mean.fill_(7);
  CHECK(to_vector(copy.running_mean) == std::vector<double>{2, 2, 2});
  CHECK(copy.is_frozen());
  CHECK_FALSE(copy.weight.requires_grad());
  CHECK_FALSE(copy.options().momentum.has_value());
}

TEST_CASE("What it refuses") {
  nn::SyncBatchNorm bn(3);
  CHECK(error_of([&] { bn(ones({3})); }) ==
        "[SyncBatchNorm] expected at least 2D input (got 1D input), [N, C, …] (in SyncBatchNorm)");
  CHECK(has(error_of([&] { bn(ones({4, 2})); }), "[SyncBatchNorm] expected 3 channels on axis 1"));
  CHECK(has(error_of([&] { bn(Tensor()); }), "[SyncBatchNorm] expected a tensor"));
  CHECK(error_of([] { nn::SyncBatchNorm(-1); }) != "no error");
  CHECK(
      has(error_of([] { nn::SyncBatchNorm(2, {.momentum = 2}); }), "[SyncBatchNorm] expected mo"));
  if (ranks::size() == 1) return;
  CHECK(has(error_of([&] {
              bn(ones({4, 3}, {.dtype = kInt64}));
            }),
            "[SyncBatchNorm] expected a floating input, got int64"));
  CHECK(has(error_of([&] {
              bn(ones({4, 3}, {.dtype = kFloat64}));
            }),
            "[SyncBatchNorm] expected input of the layer's type float32, got float64; convert"));
  nn::SyncBatchNorm exact(3, {.eps = 0});
  CHECK(has(error_of([&] {
              exact(ones({4, 3}));
            }),
            "[SyncBatchNorm] eps must be positive during training, but got 0"));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 0);

  const Tensor x = randn({4, 3}).requires_grad_();
  const Tensor loss = bn(x).sin().sum();
  CHECK(has(error_of([&] { autograd::grad({loss}, {x}, {}, std::nullopt, true); }),
            "[sync_batch_norm] expected a backward that is not differentiated again, got "
            "create_graph = true"));
}
