// OpenBLAS belongs to the program, too: the number of threads that it was given stays, and does not
// change a bit of Norma's products.
#include <cblas.h>

#include <thread>
#include <vector>

#include "norma/core/factory.h"
#include "norma/core/random.h"
#include "norma/core/threads.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {
struct HostThreads {
  explicit HostThreads(int count) { openblas_set_num_threads(count); }
  ~HostThreads() { openblas_set_num_threads(before); }
  int before = openblas_get_num_threads();
};
}  // namespace

TEST_CASE("a product leaves OpenBLAS the number of threads that the program gave it") {
  for (const int threads : {1, 2, 3}) {
    const HostThreads host(threads);
    for (const int64_t n : {3, 64, 300}) {
      for (const DType dtype : {kFloat32, kFloat64}) {
        const Tensor a = ones({n, n}, {.dtype = dtype});
        a.matmul(a);
        CHECK(openblas_get_num_threads() == threads);
      }
    }
  }
}

TEST_CASE("products side by side do, too") {
  const ThreadCount two(2);
  const HostThreads host(2);
  const Tensor a = ones({200, 200}, {.dtype = kFloat64});
  std::vector<std::thread> threads;
  for (int k = 0; k < 3; ++k) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) a.matmul(a);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(openblas_get_num_threads() == 2);
}

TEST_CASE("the program's number of threads changes no bit of a product") {
  Generator random(3);
  for (const DType dtype : {kFloat32, kFloat64}) {
    for (const int64_t n : {5, 30, 40, 41, 64, 100, 300}) {
      const Tensor a = randn({n, n}, {.dtype = dtype}, random);
      const HostThreads outer(1);
      const Tensor one = a.matmul(a);
      const HostThreads inner(2);
      CHECK(one.eq(a.matmul(a)).all().item<bool>());
    }
  }
}
