// How every program of the benchmark measures: Norma's and its peers' alike.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

/// So many sets of labels take turns: a model that learned a single one by heart would have
/// gradients below 1e-38, which are slow to multiply.
inline constexpr int kLabelSets = 64;

/// So many calls at least warm up: weights are packed in the second.
inline constexpr int kWarmUpCalls = 3;

struct Timing {
  int blocks = 5;
  double seconds = 0.6;
};

/// Calls for a third of `seconds`, and kWarmUpCalls times at least; gives the number of calls.
template <class F>
int64_t warm_up(double seconds, F&& call) {
  using Clock = std::chrono::steady_clock;
  const std::chrono::duration<double> least(seconds / 3);
  const auto start = Clock::now();
  int64_t calls = 0;
  for (; calls < kWarmUpCalls || Clock::now() - start < least; ++calls) call();
  return calls;
}

/// Milliseconds per call: the median over blocks of `timing.seconds` each, after a warm-up.
template <class F>
double milliseconds(const Timing& timing, F&& call) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const int64_t calls = warm_up(timing.seconds, call);
  // The clock is read once per batch of calls, so that it costs nothing where calls are short.
  const auto batch = std::max<int64_t>(1, calls / 50);
  std::vector<double> blocks;
  for (int block = 0; block < timing.blocks; ++block) {
    const auto start = Clock::now();
    int64_t done = 0;
    double elapsed = 0;
    do {
      for (int64_t i = 0; i < batch; ++i) call();
      done += batch;
      elapsed = seconds_since(start);
    } while (elapsed < timing.seconds);
    blocks.push_back(1e3 * elapsed / static_cast<double>(done));
  }
  std::sort(blocks.begin(), blocks.end());
  return blocks[blocks.size() / 2];
}

/// Of single calls, in milliseconds.
struct Latency {
  double median, p99;
};

/// Times every call for as long as the blocks last together: at least 100 calls, at most 100,000.
template <class F>
Latency latency(const Timing& timing, F&& call) {
  using Clock = std::chrono::steady_clock;
  const std::chrono::duration<double> whole(timing.seconds * timing.blocks);
  warm_up(timing.seconds, call);
  std::vector<double> times(100'000);
  const auto start = Clock::now();
  auto last = start;
  std::size_t calls = 0;
  while (calls < 100 || (calls < times.size() && last - start < whole)) {
    call();
    const auto now = Clock::now();
    times[calls++] = std::chrono::duration<double, std::milli>(now - last).count();
    last = now;
  }
  times.resize(calls);
  std::sort(times.begin(), times.end());
  return {times[calls / 2], times[calls * 99 / 100]};
}

/// `NAME.one MS` and `NAME.one_p99 MS`: inference of one sample.
template <class F>
void print_one_sample(const std::string& name, const Timing& timing, F&& call) {
  const Latency measured = latency(timing, call);
  std::printf("%s.one %.5f\n%s.one_p99 %.5f\n", name.c_str(), measured.median, name.c_str(),
              measured.p99);
}

}  // namespace bench
