// Products with sizes and distances between rows of 2^31 and more: OpenBLAS counts in 32 bits. The
// operands are pages that nobody wrote to, which take addresses and next to no memory.
#include <sys/mman.h>

#include <cstdio>

#include "norma/core/factory.h"
#include "norma/core/kernels/matmul.h"
#include "norma/tests/support/catch.h"

using namespace norma;

namespace {

constexpr int64_t kLong = (int64_t{1} << 31) + 8;

/// Zeros, but for some addresses that are then written to.
template <class T>
class Pages {
 public:
  explicit Pages(int64_t count) : bytes_(static_cast<std::size_t>(count) * sizeof(T)) {
    void* const data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) return;
    madvise(data, bytes_, MADV_NOHUGEPAGE);
    data_ = static_cast<T*>(data);
  }
  ~Pages() {
    if (data_) munmap(data_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  T* data() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  std::size_t bytes_;
  T* data_ = nullptr;
};

/// Says so where the system has no room for the case.
template <class T>
bool has_room(const Pages<T>& pages) {
  if (!pages.data()) std::puts("skipped: no address space for a case of this test");
  return pages.data();
}

}  // namespace

TEMPLATE_TEST_CASE("rows may lie further apart than 2^31 elements", "", float, double) {
  const Pages<TestType> a(3 * kLong), b(3 * kLong), c(3 * kLong);
  if (!has_room(a) || !has_room(b) || !has_room(c)) return;
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      for (int64_t i = 0; i < 3; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          a[i * kLong + j] = static_cast<TestType>(1 + i + 3 * j);
          b[i * kLong + j] = static_cast<TestType>(2 + 2 * i - j);
        }
      }
      const TestType start[3] = {1, 2, 3};
      kernels::parallel_matmul<TestType>(
          {trans_a, trans_b, 3, 3, 3, a.data(), kLong, b.data(), kLong, start, c.data(), kLong});
      for (int64_t i = 0; i < 3; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          TestType sum = start[j];
          for (int64_t p = 0; p < 3; ++p) {
            sum += (trans_a ? a[p * kLong + i] : a[i * kLong + p]) *
                   (trans_b ? b[j * kLong + p] : b[p * kLong + j]);
          }
          CHECK(c[i * kLong + j] == sum);
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("a sum may have more than 2^31 terms", "", float, double) {
  const Pages<TestType> pages(kLong);
  if (!has_room(pages)) return;
  pages[0] = pages[kLong - 1] = 1;
  const Tensor x = from_blob(pages.data(), {kLong});
  CHECK(x.matmul(x).item<double>() == 2);
}
