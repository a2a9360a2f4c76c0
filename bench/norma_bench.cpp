// Times training steps and inference of five small models:
//
//   norma_bench [--threads N] [workload ...]
//
// prints `NAME.train MS` and `NAME.infer MS`, the median of several blocks of steps, and `NAME.one
// MS` and `NAME.one_p99 MS`, the median and the 99th percentile of single calls with one sample, of
// the model that `fuse_conv_bn` makes.
#include <norma/norma.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "models.h"
#include "options.h"

namespace {

using bench::Timing;

/// One training step, and one forward pass for inference.
class Steps {
 public:
  explicit Steps(const bench::Workload& workload)
      : workload_(workload),
        optimizer_(workload.model->parameters(),
                   {.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4}) {}

  void train() {
    optimizer_.zero_grad();
    norma::Tensor loss = loss_((*workload_.model)(workload_.inputs), workload_.labels_of(step_++));
    loss.backward();
    optimizer_.step();
  }
  void infer() {
    const norma::NoGradGuard no_grad;
    (*workload_.model)(workload_.inputs);
  }

  double time_training(const Timing& timing) {
    workload_.model->train();
    return bench::milliseconds(timing, [this] { train(); });
  }
  double time_inference(const Timing& timing) {
    workload_.model->eval();
    return bench::milliseconds(timing, [this] { infer(); });
  }
  void print_one_sample(const Timing& timing) {
    workload_.model->eval();
    const norma::Tensor sample = workload_.inputs.narrow(0, 0, 1);
    const auto folded = norma::nn::fuse_conv_bn(*workload_.model, sample);
    const norma::NoGradGuard no_grad;
    bench::print_one_sample(workload_.name, timing, [&] { (*folded)(sample); });
  }

 private:
  bench::Workload workload_;
  norma::nn::CrossEntropyLoss loss_;
  norma::optim::SGD optimizer_;
  std::size_t step_ = 0;
};

/// Kilobytes from a line of /proc/self/status.
long status_kb(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return std::stol(line.substr(key.size() + 1));
  }
  return 0;
}

/// Peak memory of a process that trains, everything included; each workload in a process of its
/// own.
void print_memory(const std::string& name, int steps) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const long before = status_kb("VmRSS:");
    Steps run(bench::make_workload(name));
    for (int i = 0; i < steps; ++i) run.train();
    std::printf("%s.memory_mb %.1f\n%s.memory_before_mb %.1f\n", name.c_str(),
                static_cast<double>(status_kb("VmHWM:")) / 1024, name.c_str(),
                static_cast<double>(before) / 1024);
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    throw norma::Error("norma_bench",
                       "expected a child process that trains " + name + ", got a failure");
  }
}

void print_scaling(const std::string& name, const std::vector<int64_t>& batches,
                   const Timing& timing) {
  for (const int64_t batch : batches) {
    Steps run(bench::make_workload(name, batch));
    const double ms = run.time_training(timing);
    std::printf("%s.batch%d.us_per_image %.2f\n", name.c_str(), static_cast<int>(batch),
                1e3 * ms / static_cast<double>(batch));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times training steps and inference of small models");
  int threads = 0;
  Timing timing;
  bool memory = false, scaling = false;
  std::vector<int64_t> batches{16, 32, 64, 128, 256, 512};
  std::vector<std::string> names;
  bench::add_timing_options(app, threads, timing);
  app.add_flag("--memory", memory, "Peak memory of training instead of times");
  app.add_flag("--scaling", scaling, "Training time per image for batches from 16 to 512 instead");
  app.add_option("--batch", batches, "Batch sizes for --scaling, such as 64,512")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::PositiveNumber);
  app.add_option("workload", names, "Workloads (default: all)")
      ->check(CLI::IsMember(bench::workload_names()));
  CLI11_PARSE(app, argc, argv);
  if (names.empty()) names = scaling ? std::vector<std::string>{"cnn"} : bench::workload_names();
  try {
    // Before the first thread starts: a forked child has none of them.
    if (threads > 0) norma::set_num_threads(threads);
    for (const std::string& name : names) {
      if (memory) {
        print_memory(name, 5);
      } else if (scaling) {
        print_scaling(name, batches, timing);
      } else {
        Steps run(bench::make_workload(name));
        std::printf("%s.train %.5f\n", name.c_str(), run.time_training(timing));
        std::printf("%s.infer %.5f\n", name.c_str(), run.time_inference(timing));
        run.print_one_sample(timing);
        std::fflush(stdout);
      }
    }
  } catch (const norma::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
