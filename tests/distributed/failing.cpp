// Ranks that end in the middle of training: failing HOW FOLDER. What is to come of it stands in
// check_failing.py.
#include <norma/distributed.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace norma;
namespace dist = norma::distributed;

namespace {

std::string how, file;

bool is(const std::string& name) { return how == name && dist::get_rank() == 1; }

void train() {
  dist::init_process_group({.timeout = how == "sleeps" ? 1.0 : 60.0});
  dist::DistributedDataParallel net(
      nn::Sequential(nn::Linear(64, 256), nn::BatchNorm1d(256), nn::ReLU(), nn::Linear(256, 4)),
      {.bucket_cap_mb = 0.001});
  optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  const Tensor pids = zeros({dist::get_world_size()}, {.dtype = kInt64});
  pids.data_ptr<int64_t>()[dist::get_rank()] = getpid();
  dist::all_reduce(pids);
  int step = 0;
  HookHandle hook = net->at<nn::Linear>(0).weight.register_hook([&](const Tensor&) {
    if (step == 5 && is("throws in backward")) fail("hook", "expected no fifth step");
  });
  for (step = 0; step < (how == "kills the writer" ? 1000000 : 10); ++step) {
    if (step == 5) {
      if (is("throws")) ones({2}) + ones({3});
      if (is("throws something else")) throw 5;
      if (is("is killed")) raise(SIGKILL);
      if (is("crashes")) raise(SIGSEGV);
      if (is("has fewer batches") || is("has fewer batches, and fails")) return;
      if (is("sleeps")) std::this_thread::sleep_for(std::chrono::seconds(100));
      if (is("kills the writer")) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        kill(static_cast<pid_t>(pids.data_ptr<int64_t>()[0]), SIGKILL);
      }
    }
    if (how == "kills the writer" && step >= 5) {
      if (dist::get_rank() == 0) save_checkpoint(file, {.module = &net, .optimizer = &optimizer});
      continue;
    }
    optimizer.zero_grad();
    net(randn({8, 64})).square().mean().backward();
    optimizer.step();
    if (dist::get_rank() == 0) save_checkpoint(file, {.module = &net, .optimizer = &optimizer});
  }
}

}  // namespace

int main(int, char** argv) {
  how = argv[1];
  file = std::string(argv[2]) + "/checkpoint.safetensors";
  if (how == "loads") {  // what was saved is whole
    dist::DistributedDataParallel net(
        nn::Sequential(nn::Linear(64, 256), nn::BatchNorm1d(256), nn::ReLU(), nn::Linear(256, 4)));
    optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
    load_checkpoint(file, {.module = &net, .optimizer = &optimizer});
    return 0;
  }
  if (how == "has fewer batches, and fails" || how == "is caught") {
    try {
      if (how == "is caught") how = "throws";
      train();
    } catch (const Error& error) {
      std::fprintf(stderr, "caught: %s\n", error.what());
      return 1;
    }
    return dist::get_rank() == 1 ? 3 : 0;
  }
  train();
  return 0;
}
