// The number of threads, for a while.
#pragma once
#include "norma/core/threads.h"

/// So many threads while it lives, then as many as before.
class ThreadCount {
 public:
  explicit ThreadCount(int count) { norma::set_num_threads(count); }
  ~ThreadCount() { norma::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  const int before_ = norma::get_num_threads();
};
