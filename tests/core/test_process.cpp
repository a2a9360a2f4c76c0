// Norma inside a process that forks, runs out of threads, ends before its objects do.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "norma/norma.h"
#include "norma/tests/support/catch.h"

using namespace norma;

namespace {

/// Whether a forked child runs `body` to its end within 20 seconds; one that hangs is killed.
template <class Body>
bool child_lives(Body body, bool with_exit = false) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    int code = 1;
    try {
      code = body() ? 0 : 2;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "in the child: %s\n", error.what());
    }
#ifndef NORMA_SANITIZE  // it would look for leaks among threads that are not there
    if (with_exit) std::exit(code);
#endif
    static_cast<void>(with_exit);
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Two threads have worked.
struct TwoThreads {
  TwoThreads() {
    set_num_threads(2);
    matmul(a, a);
  }
  ~TwoThreads() { set_num_threads(before); }
  int before = get_num_threads();
  Tensor a = ones({512, 512});
};

bool product_is_right(const Tensor& a) { return matmul(a, a)[3][4].item<float>() == 512.0f; }

[[maybe_unused]] int64_t rows_in(data::DataLoader& loader) {
  int64_t rows = 0;
  for (auto& batch : loader) rows += batch.inputs.size(0);
  return rows;
}

// Handlers of the program's own, older than what main() could register.
bool handlers_compute = false;
void compute_at_fork() {
  if (handlers_compute) static_cast<void>(matmul(ones({64, 64}), ones({64, 64})));
}
const int handlers = pthread_atfork(compute_at_fork, compute_at_fork, compute_at_fork);

/// Forks 40 times beside a thread that calls `body` again and again; how many children `check` lets
/// live.
template <class Body, class Check>
int children_beside(Body body, Check check) {
  std::atomic<bool> stop{false};
  std::thread thread([&] {
    while (!stop) body();
  });
  int lived = 0;
  for (int k = 0; k < 40; ++k) lived += child_lives(check);
  stop = true;
  thread.join();
  return lived;
}

/// The exit status of this program, started again for one hidden test.
int run_again(const std::string& test, const std::string& environment = "") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  return std::system((environment + " '" + self + "' '" + test + "' > /dev/null 2>&1").c_str());
}

}  // namespace

TEST_CASE("a forked child computes on threads of its own") {
  const TwoThreads two;
  CHECK(child_lives([&] { return product_is_right(two.a); }));
  CHECK(child_lives([&] { return product_is_right(two.a); }, true));
  CHECK(child_lives([&] {
    set_num_threads(1);
    const bool one = product_is_right(two.a);
    set_num_threads(3);
    return one && product_is_right(two.a);
  }));
  CHECK(child_lives(
      [] {
        std::thread([] {}).join();
        return true;
      },
      true));
  CHECK(product_is_right(two.a));
}

TEST_CASE("a child's child does, too") {
  const TwoThreads two;
  CHECK(child_lives([&] {
    return product_is_right(two.a) && child_lives([&] { return product_is_right(two.a); });
  }));
}

TEST_CASE("a forked child trains") {
  const TwoThreads two;
  CHECK(child_lives(
      [] {
        nn::Sequential net{nn::Linear(2, 64), nn::ReLU(), nn::Linear(64, 2)};
        optim::SGD optimizer(net.parameters(), {.lr = 0.1});
        data::DataLoader loader(data::spirals(2000), {.batch_size = 50, .shuffle = true});
        double loss = 1;
        for (auto& [x, y] : loader) {
          optimizer.zero_grad();
          const Tensor error = nn::CrossEntropyLoss()(net(x), y);
          error.backward();
          optimizer.step();
          loss = error.item<double>();
        }
        return std::isfinite(loss);
      },
      true));
}

#ifndef NORMA_SANITIZE  // whose own allocator a thread may have locked when the fork comes
TEST_CASE("a loop over a DataLoader goes on in a forked child, and in the parent") {
  const int64_t workers = GENERATE(1, 3);
  data::DataLoader loader(data::spirals(4000),
                          {.batch_size = 32, .shuffle = true, .num_workers = workers});
  data::DataLoader expected(data::spirals(4000),
                            {.batch_size = 32, .shuffle = true, .prefetch = false});
  auto batch = loader.begin();
  auto reference = expected.begin();
  const auto rest_is_right = [&] {
    int64_t count = 0;
    for (; batch != loader.end(); ++batch, ++reference, ++count) {
      if (!batch->inputs.eq(reference->inputs).all().item<bool>()) return false;
    }
    return count > 100 && !(reference != expected.end()) && rows_in(loader) == 4000;
  };
  for (int i = 0; i < 3; ++i, ++batch, ++reference) {
  }
  CHECK(child_lives([&] { return rest_is_right(); }, true));
  CHECK(child_lives([&] {
    batch = loader.begin();  // leaves the loop of the parent
    return true;
  }));
  CHECK(rest_is_right());
}

TEST_CASE("a fork beside threads that make tensors leaves the child a cache that works") {
  std::atomic<bool> stop{false};
  const auto make_tensors = [](int rounds) {
    for (int i = 0; i < rounds; ++i) static_cast<void>(zeros({1000 + 100 * (i % 8)}) + 1.0);
  };
  std::vector<std::thread> threads;
  for (int k = 0; k < 2; ++k) {
    threads.emplace_back([&] {
      while (!stop) make_tensors(8);
    });
  }
  int lived = 0;
  for (int k = 0; k < 60; ++k) {
    lived += child_lives([&] {
      make_tensors(100);
      return true;
    });
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(lived == 60);
}

TEST_CASE("a fork beside warnings leaves the child a list of them") {
  int number = 0;
  const int lived = children_beside([&] { warn("test", "number ", number++ % 1000); },
                                    [] {
                                      static_cast<void>(std::freopen("/dev/null", "w", stderr));
                                      warn("test", "of a child");
                                      return true;
                                    });
  CHECK(lived == 40);
}

TEST_CASE("a child of a fork beside products may fork") {
  const Tensor a = ones({100, 100}, {.dtype = kFloat64});
  const int lived = children_beside([&] { static_cast<void>(matmul(a, a)); },
                                    [] { return child_lives([] { return true; }); });
  CHECK(lived == 40);
}

TEST_CASE("what a program does before and after a fork may compute") {
  REQUIRE(handlers == 0);
  handlers_compute = true;
  CHECK(child_lives([] { return product_is_right(ones({512, 512})); }));
  handlers_compute = false;
}

// Nor is there a limit that leaves addresses for its shadow memory.
TEST_CASE("work without threads", "[.]") {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  // Room for the tensors, not for a thread's stack.
  const rlim_t bytes = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (7 << 20);
  const rlimit limit{bytes, bytes};
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  CHECK_THROWS_AS(std::thread([] {}), std::system_error);
  set_num_threads(8);
  CHECK(product_is_right(ones({512, 512})));
  data::DataLoader loader(data::spirals(4000), {.batch_size = 32});
  CHECK(rows_in(loader) == 4000);
}

TEST_CASE("where no thread can be had, those there are do the work") {
  // A thread of OpenBLAS's own would look for memory for ever.
  CHECK(run_again("work without threads", "OPENBLAS_NUM_THREADS=1") == 0);
}
#endif

namespace {
/// Computes when the program ends.
struct Late {
  nn::Sequential net{nn::Linear(64, 256), nn::ReLU(), nn::Linear(256, 10)};
  optim::SGD sgd{net.parameters(), {.lr = 0.1, .momentum = 0.9}};
  Late() { train(); }
  void train() {
    for (int i = 0; i < 20; ++i) {
      sgd.zero_grad();
      net(ones({4, 64})).sum().backward();
      sgd.step();
    }
  }
  ~Late() {
    train();
    const NoGradGuard no_grad;
    for (int i = 0; i < 20; ++i) net(zeros({256, 64}));
    if (!product_is_right(ones({512, 512}))) std::_Exit(3);
  }
};
}  // namespace

TEST_CASE("end with a static object that computes", "[.]") {
  set_num_threads(2);
  static Late late;
  CHECK(product_is_right(ones({512, 512})));
}

TEST_CASE("end with an object of the thread that computes", "[.]") {
  const auto train = [] {
    static thread_local Late late;
    late.train();
  };
  train();
  std::thread(train).join();
}

TEST_CASE("end beside a thread that computes", "[.]") {
  set_num_threads(2);
  std::thread([] {
    for (;;) product_is_right(ones({512, 512}));
  }).detach();
  CHECK(product_is_right(ones({512, 512})));
}

TEST_CASE("static objects may compute in their destructors") {
  CHECK(run_again("end with a static object that computes") == 0);
  CHECK(run_again("end with an object of the thread that computes") == 0);
}

TEST_CASE("a thread may compute while main ends") {
  for (int i = 0; i < 5; ++i) CHECK(run_again("end beside a thread that computes") == 0);
}

#ifdef NORMA_TEST_PLUGIN
TEST_CASE("a library that Norma is part of stays while threads of its pool run in it") {
  const auto is_mapped = [] {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
      if (line.ends_with(NORMA_TEST_PLUGIN)) return true;
    return false;
  };
  const auto use = [](int threads) {
    void* const plugin = dlopen(NORMA_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(plugin);
    reinterpret_cast<void (*)(int)>(dlsym(plugin, "run_loop"))(threads);
    REQUIRE(dlclose(plugin) == 0);
  };
  use(1);
  CHECK_FALSE(is_mapped());
  use(3);
  CHECK(is_mapped());
}

TEST_CASE("load a library whose static objects compute", "[.]") {
  REQUIRE(dlopen(NORMA_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL));
}

TEST_CASE("static objects may compute while their library is loaded") {
  CHECK(run_again("load a library whose static objects compute", "NORMA_TEST_EARLY=1 timeout 60") ==
        0);
}
#endif
