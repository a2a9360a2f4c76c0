#include "progress.h"

#include <norma/norma.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace example {

namespace {

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

Progress::Progress(int64_t epochs, int64_t batches_per_epoch, norma::History& history)
    : epochs_(epochs),
      batches_(batches_per_epoch),
      history_(history),
      terminal_(isatty(STDOUT_FILENO) != 0),
      last_(Clock::now()) {}

std::string Progress::epoch_place() const { return norma::text("epoch ", epoch_, "/", epochs_); }

std::string Progress::place() const {
  return norma::text(epoch_place(), ", batch ", batch_, "/", batches_);
}

void Progress::clear_line() const {
  if (terminal_) std::printf("\r\x1b[K");
}

std::string Progress::state() const {
  return norma::text(epoch_, " ", batch_, " ", epoch_samples_, " ", norma::shortest(loss_sum_));
}

void Progress::restore(const std::string& state) {
  std::istringstream numbers(state);
  if (!(numbers >> epoch_ >> batch_ >> epoch_samples_ >> loss_sum_))
    norma::fail("Progress", "expected four numbers, got ", norma::in_quotes(state));
}

void Progress::log(std::initializer_list<norma::NamedNumber> values) {
  if (!resumed_) history_.resume(position());  // what an earlier run did from here on goes
  resumed_ = true;
  history_.log(values, position());
}

void Progress::batch(double loss, int64_t samples) {
  const auto now = Clock::now();
  trained_ += now - last_;
  last_ = now;
  log({{"loss/train", loss}});
  ++batch_;
  loss_sum_ += loss * static_cast<double>(samples);
  epoch_samples_ += samples;
  all_samples_ += samples;

  if (terminal_) {
    if (seconds(now - drawn_) >= 0.1) {
      draw_bar();
      drawn_ = now;
    }
  } else if (epochs_ <= 3 && batch_ < batches_ &&
             batch_ * 4 / batches_ != (batch_ - 1) * 4 / batches_) {
    // Where there are few epochs, three lines within each.
    std::printf("%s: loss %.4f\n", place().c_str(), mean_loss());
    std::fflush(stdout);
  }
}

void Progress::epoch(const Scores& test) {
  log({{"loss/test", test.loss}, {"accuracy/test", test.accuracy}});
  clear_line();
  // Of many epochs, every tenth of them.
  const int64_t step = std::max<int64_t>(1, epochs_ / 10);
  if (epoch_ % step == 0 || epoch_ == epochs_) {
    std::printf("%s: loss %.4f, accuracy on test data %.4f", epoch_place().c_str(), mean_loss(),
                test.accuracy);
    if (terminal_) {
      std::printf("  (%.1f s, %.0f samples/s)", seconds(trained_),
                  static_cast<double>(all_samples_) / seconds(trained_));
    }
    std::printf("\n");
  }
  std::fflush(stdout);
  ++epoch_;
  batch_ = 0;
  loss_sum_ = 0;
  epoch_samples_ = 0;
  last_ = Clock::now();
}

void Progress::draw_bar() {
  const int64_t done = (epoch_ - 1) * batches_ + batch_, all = epochs_ * batches_;
  const double share = static_cast<double>(done) / static_cast<double>(all);
  const double time = seconds(trained_);
  const auto left = static_cast<int>(time / share * (1 - share) + 0.5);
  constexpr int kWidth = 24;
  const auto full = static_cast<std::size_t>(share * kWidth);
  const std::string bar = std::string(full, '#') + std::string(kWidth - full, '.');
  std::printf("\r%s [%s] %3.0f%%  loss %.4f  %.0f samples/s  %d:%02d left\x1b[K",
              epoch_place().c_str(), bar.c_str(), 100 * share, mean_loss(),
              static_cast<double>(all_samples_) / time, left / 60, left % 60);
  std::fflush(stdout);
}

}  // namespace example
