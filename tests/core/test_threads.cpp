// The pool: how work is split, how many threads run, errors, nesting, callers side by side.
#include "norma/core/platform/processor.h"
#include "norma/core/threads.h"

#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

int living_threads() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

/// Output of this program started again with an environment and a hidden test.
std::string run_again(const std::string& environment, const std::string& test) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const char* const emulator = std::getenv("NORMA_TEST_EMULATOR");  // of scripts/cross.sh
  const std::string command = environment + " " + (emulator ? emulator : "");
  std::FILE* pipe = popen((command + " '" + self + "' '" + test + "' 2>&1").c_str(), "r");
  std::string text;
  char part[256];
  while (std::fgets(part, sizeof(part), pipe)) text += part;
  pclose(pipe);
  return text;
}

}  // namespace

TEST_CASE("a loop covers its range once, in as many parts as threads and grain allow") {
  for (int threads : {1, 2, 3, 7}) {
    const ThreadCount guard(threads);
    CHECK(get_num_threads() == threads);
    for (int64_t count : {0, 1, 2, 5, 100, 1001}) {
      for (int64_t grain : {0, 1, 10, 1000}) {
        std::vector<int> visits(static_cast<std::size_t>(count));
        std::atomic<int> ranges{0};
        parallel_for(count, grain, [&](int64_t begin, int64_t end) {
          ++ranges;
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        CHECK(std::count(visits.begin(), visits.end(), 1) == count);
        CHECK(ranges <= std::max<int64_t>(
                            1, std::min<int64_t>(threads, count / std::max<int64_t>(grain, 1))));
        std::atomic<int> wrong{0};
        std::vector<int64_t> sums(static_cast<std::size_t>(threads));
        const int parts = parallel_parts(count, grain);
        parallel_parts_for(parts, count, [&](int64_t begin, int64_t end, int part) {
          if (part >= parts) ++wrong;
          sums[static_cast<std::size_t>(part)] = end - begin;
        });
        CHECK(std::accumulate(sums.begin(), sums.end(), int64_t{0}) == count);
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE(
    "a loop keeps the parts that memory was made for, whatever set_num_threads says meanwhile") {
  for (const auto& [before, after] : {std::pair{3, 1}, {1, 3}, {2, 5}}) {
    INFO(before << " threads, then " << after);
    const ThreadCount guard(before);
    const int parts = parallel_parts(100, 1);
    REQUIRE(parts == before);
    set_num_threads(after);
    std::vector<int64_t> items(8);
    parallel_parts_for(parts, 100, [&](int64_t begin, int64_t end, int part) {
      items[static_cast<std::size_t>(part)] = end - begin;
    });
    CHECK(std::count_if(items.begin(), items.end(), [](int64_t n) { return n > 0; }) == before);
    CHECK(std::accumulate(items.begin(), items.end(), int64_t{0}) == 100);
  }
}

TEST_CASE("threads take the smallest numbers for zero where their caller does") {
  const platform::FloatMode before = platform::float_mode();
  const ThreadCount guard(4);
  for (const platform::FloatMode more : {platform::FloatMode{0}, platform::kFlushToZero}) {
    std::vector<float> halves(64);
    platform::set_float_mode(before | more);
    parallel_for(64, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        volatile float small = std::numeric_limits<float>::min();
        halves[static_cast<std::size_t>(i)] = small * 0.5F;
      }
    });
    platform::set_float_mode(before);
    for (const float half : halves) CHECK((half == 0) == (more != 0));
  }
}

TEST_CASE("set_num_threads is the number of threads at work") {
  // Every part waits for the others, so that each needs a thread of its own.
  const auto workers = [](int threads) {
    set_num_threads(threads);
    std::mutex lock;
    std::set<std::thread::id> ids;
    std::atomic<int> arrived{0};
    parallel_for(64, 1, [&](int64_t, int64_t) {
      {
        const std::lock_guard<std::mutex> guard(lock);
        ids.insert(std::this_thread::get_id());
      }
      ++arrived;
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (arrived < threads && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
      }
    });
    return static_cast<int>(ids.size());
  };
  const ThreadCount guard(1);
  const Tensor a = randn({200, 300}), b = randn({300, 100});
  const Tensor alone = a.matmul(b);
  const int base = living_threads();  // with those that OpenBLAS may have started
  for (int threads : {1, 2, 4, 2, 1}) {
    CHECK(workers(threads) == threads);
    CHECK(living_threads() == base + threads - 1);
    CHECK(mismatch(a.matmul(b), alone, 1e-5, 1e-4) == "");
    CHECK(living_threads() == base + threads - 1);
  }
  CHECK(error_of([] { set_num_threads(0); }) ==
        "[set_num_threads] expected a number from 1 to 1024, got 0");
  CHECK(error_of([] { set_num_threads(1025); }) ==
        "[set_num_threads] expected a number from 1 to 1024, got 1025");
}

TEST_CASE("all threads of a loop round as the one that calls it") {
  const ThreadCount guard(3);
  for (const int mode : {FE_TONEAREST, FE_UPWARD, FE_TONEAREST}) {
    std::atomic<int> arrived{0}, others{0};
    std::fesetround(mode);
    parallel_for(3, 1, [&](int64_t, int64_t) {
      if (std::fegetround() != mode) ++others;
      ++arrived;
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (arrived < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    });
    std::fesetround(FE_TONEAREST);
    CHECK(arrived == 3);
    CHECK(others == 0);
  }
}

TEST_CASE("the environment sets the number of threads at the start") {
  CHECK(run_again("NORMA_NUM_THREADS=3", "child: threads").find("threads 3\n") !=
        std::string::npos);
  const std::string message = run_again("NORMA_NUM_THREADS=many", "child: threads");
  CHECK(message.find("[set_num_threads] expected NORMA_NUM_THREADS to be a number from 1 to 1024, "
                     "got \"many\"") != std::string::npos);
  CHECK(run_again("NORMA_NUM_THREADS=0", "child: threads").find("got \"0\"") != std::string::npos);
  CHECK(run_again("unset NORMA_NUM_THREADS; taskset 1", "child: threads").find("threads 1\n") !=
        std::string::npos);
}

TEST_CASE("child: threads", "[.]") {
  std::string text;
  try {
    text = "threads " + std::to_string(get_num_threads());
  } catch (const Error& error) {
    text = error.what();
  }
  std::printf("%s\n", text.c_str());
}

TEST_CASE("errors cross a parallel loop, which can run again") {
  const ThreadCount guard(4);
  for (int64_t bad : {0, 50, 99}) {
    CHECK(error_of([&] {
            parallel_for(100, 1, [&](int64_t begin, int64_t end) {
              if (begin <= bad && bad < end) fail("loop", "expected luck");
            });
          }) == "[loop] expected luck");
  }
  CHECK(error_of([] {
          parallel_for(100, 1, [](int64_t, int64_t) { fail("loop", "in every part"); });
        }) == "[loop] in every part");
  std::atomic<int64_t> total{0};
  parallel_for(1000, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
  CHECK(total == 1000);
}

TEST_CASE("a loop inside a loop runs on the thread it is called from") {
  const ThreadCount guard(3);
  std::atomic<int> strangers{0};
  std::atomic<int64_t> total{0};
  parallel_for(30, 1, [&](int64_t begin, int64_t end) {
    const std::thread::id outer = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i) {
      parallel_for(20, 1, [&](int64_t b, int64_t e) {
        if (std::this_thread::get_id() != outer) ++strangers;
        total += e - b;
      });
    }
  });
  CHECK(strangers == 0);
  CHECK(total == 600);
  std::atomic<int> refused{0};
  parallel_for(30, 1, [&](int64_t, int64_t) {
    if (error_of([] { set_num_threads(1); }) ==
        "[set_num_threads] expected a call from outside a parallel loop, got one from within") {
      ++refused;
    }
  });
  CHECK(refused == 3);
  CHECK(get_num_threads() == 3);
}

TEST_CASE("threads of the program's own use tensors side by side") {
  const ThreadCount guard(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int k = 1; k <= 3; ++k) {
    callers.emplace_back([k, &wrong] {
      const Tensor x = full({400, 300}, k, {.dtype = kFloat64});
      for (int i = 0; i < 30; ++i) {
        if (x.add(x).sum().item<double>() != 2.0 * k * 120000) ++wrong;
        if (x.matmul(x.t()).max().item<double>() != 300.0 * k * k) ++wrong;
        if (x.t().contiguous().select(0, 299).min().item<double>() != k) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("results do not depend on the number of threads") {
  manual_seed(3);
  const Tensor x = randn({300, 401}), big = randn({200000}), w = randn({401, 300});
  const auto results = [&](int threads) {
    const ThreadCount guard(threads);
    return std::vector<Tensor>{big.sum(),    x.sum(0),       x.sum(1),   x.mean({0, 1}), x.var(0),
                               x.softmax(1), x.softmax(0),   x.exp(),    x.t().mul(2.0), x.norm(),
                               x.t() + w,    x.max(0).first, x.argmax(), big.mean()};
  };
  const std::vector<Tensor> one = results(1);
  for (int threads : {2, 5}) {
    const std::vector<Tensor> many = results(threads);
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO("result " << i << ", " << threads << " threads");
      CHECK(mismatch(many[i], one[i]) == "");
    }
  }
}
