// Times training steps on several ranks, and what of them the averaging of gradients takes:
//
//   mpirun -n 2 norma_distributed [--threads 1] [--batch 64] [--bucket-mb 25,0.25] [workload ...]
//
// prints for every workload and size of buckets: milliseconds of a step; of one without averaging;
// of its backward; of such a step with a barrier, since ranks that wait for each other take the
// time of the slower one; of the all-reduce of as many bytes alone; what is left of it when all
// gradients of a step are there; and the share that the step hides, if that can be told. With
// --interface NAME the bytes that went out there, per step. Counts and clocks are those of rank 0.
// Alone, the first is a step of one process.
#include <norma/distributed.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "models.h"
#include "options.h"

namespace dist = norma::distributed;
using norma::Tensor;

namespace {

struct Options {
  int threads = 1;
  int64_t batch = 64;  // of all ranks together
  bench::Timing timing;
  std::vector<double> bucket_mb = {25, 0.25};
  std::string interface;
  bool own_buffers = false;
  std::vector<std::string> names = {"cnn", "resnet20"};
};

/// Bytes that went out at the interface since it came up; 0 without one.
double bytes_sent(const std::string& interface) {
  double bytes = 0;
  if (!interface.empty()) {
    std::ifstream("/sys/class/net/" + interface + "/statistics/tx_bytes") >> bytes;
  }
  return bytes;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The same number on all ranks: rank 0's.
double of_first_rank(double value) {
  const Tensor shared = norma::tensor({value}, {.dtype = norma::kFloat64});
  dist::broadcast(shared, 0);
  return shared.item<double>();
}

/// Milliseconds of one call, of as many in a row as fill a block.
class Clock {
 public:
  template <class F>
  Clock(const bench::Timing& timing, F&& call) {
    call();
    call();
    const double once = time(3, call);
    calls_ = std::max(3, static_cast<int>(of_first_rank(1e3 * timing.seconds / once)));
  }
  template <class F>
  void block(F&& call) {
    blocks_.push_back(time(calls_, call));
  }
  int calls() const { return calls_; }
  double result() const { return median(blocks_); }

 private:
  template <class F>
  static double time(int calls, F&& call) {
    dist::barrier();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    dist::barrier();
    const std::chrono::duration<double, std::milli> passed =
        std::chrono::steady_clock::now() - start;
    return passed.count() / calls;
  }
  int calls_ = 3;
  std::vector<double> blocks_;
};

void measure(const std::string& name, const Options& options, double bucket_mb) {
  const int ranks = dist::get_world_size();
  bench::Workload workload = bench::make_workload(name, options.batch / ranks);
  dist::DistributedDataParallel net(
      norma::nn::Sequential(workload.model),
      {.broadcast_buffers = !options.own_buffers, .bucket_cap_mb = bucket_mb});
  norma::optim::SGD optimizer(net.parameters(),
                              {.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
  norma::nn::CrossEntropyLoss loss;
  std::size_t steps = 0;
  using Time = std::chrono::steady_clock;
  Time::time_point last_gradient;
  std::chrono::duration<double, std::milli> waited{}, backward{};
  for (const Tensor& parameter : net.parameters()) {
    parameter.register_post_accumulate_grad_hook(
        [&](const Tensor&) { last_gradient = Time::now(); });
  }
  const auto train = [&] {
    optimizer.zero_grad();
    const Tensor value = loss(net(workload.inputs), workload.labels_of(steps++));
    const auto begin = Time::now();
    value.backward();
    backward += Time::now() - begin;
    waited += Time::now() - last_gradient;
    optimizer.step();
  };
  const auto local_step = [&] {
    const auto no_sync = net.no_sync();
    train();
  };
  const auto waiting_step = [&] {
    local_step();
    dist::barrier();
  };
  int64_t elements = 0;
  for (const Tensor& parameter : net.parameters()) elements += parameter.numel();
  std::vector<Tensor> pieces;
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(bucket_mb * (1 << 20)) / 4);
  for (int64_t rest = elements; rest > 0; rest -= most) {
    pieces.push_back(norma::zeros({std::min(rest, most)}));
  }
  const auto reduce = [&] {
    for (const Tensor& piece : pieces) dist::all_reduce(piece);
  };

  Clock with(options.timing, train), without(options.timing, local_step),
      waiting(options.timing, waiting_step), alone(options.timing, reduce);
  double sent = 0, left = 0, local_backward = 0;
  for (int block = 0; block < options.timing.blocks; ++block) {
    const double before = bytes_sent(options.interface);
    waited = {};
    with.block(train);
    left += waited.count() / with.calls() / options.timing.blocks;
    sent += bytes_sent(options.interface) - before;
    backward = {};
    without.block(local_step);
    local_backward += backward.count() / without.calls() / options.timing.blocks;
    waiting.block(waiting_step);
    alone.block(reduce);
  }
  if (dist::get_rank() != 0) return;
  const double bytes = 4 * static_cast<double>(elements), n = ranks, reduction = alone.result();
  std::printf("%s ranks=%d threads=%d batch=%lld bucket_mb=%g step_ms=%.3f without_ms=%.3f",
              name.c_str(), ranks, norma::get_num_threads(),
              static_cast<long long>(options.batch / ranks), bucket_mb, with.result(),
              without.result());
  std::printf(" backward_ms=%.3f barrier_ms=%.3f all_reduce_ms=%.3f left_ms=%.3f", local_backward,
              waiting.result(), reduction, left);
  if (reduction > 0.05 * with.result()) {
    std::printf(" hidden=%.2f", 1 - (with.result() - waiting.result()) / reduction);
  }
  std::printf(" gradient_bytes=%.0f lower_bound=%.0f", bytes, 2 * (n - 1) / n * bytes);
  if (!options.interface.empty()) {
    std::printf(" sent=%.0f", sent / options.timing.blocks / with.calls());
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Times training steps on several ranks.");
  bench::add_timing_options(app, options.threads, options.timing);
  app.add_option("--batch", options.batch, "Samples of all ranks together")
      ->check(CLI::PositiveNumber);
  app.add_option("--bucket-mb", options.bucket_mb, "Sizes of buckets, such as 25,0.25")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--interface", options.interface, "Network interface whose bytes are counted");
  app.add_flag("--own-buffers", options.own_buffers, "No broadcast of buffers before forward");
  app.add_option("workload", options.names, "Workloads (default: cnn resnet20)");
  CLI11_PARSE(app, argc, argv);
  norma::set_num_threads(options.threads);
  dist::init_process_group();
  for (const std::string& name : options.names) {
    for (const double bucket_mb : options.bucket_mb) measure(name, options, bucket_mb);
  }
  return 0;
}
