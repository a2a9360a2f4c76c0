// The number of threads, for a while.
#pragma once
#include <cstring>

#include "norma/core/error.h"
#include "norma/core/threads.h"

/// So many threads while it lives, then as many as before. One in a build without threads, where
/// what has to be the same with several is the same.
class ThreadCount {
 public:
  explicit ThreadCount(int count) {
    try {
      norma::set_num_threads(count);
    } catch (const norma::Error& error) {
      if (!std::strstr(error.what(), "a build without threads")) throw;
    }
  }
  ~ThreadCount() { norma::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  const int before_ = norma::get_num_threads();
};
