// A build with NORMA_THREADS=OFF.
#include <norma/norma.h>

#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

namespace data = norma::data;

namespace {
const data::Dataset six{norma::arange(6).to(norma::kFloat32), norma::arange(6)};
}

TEST_CASE("without threads whoever asks for a batch prepares it") {
  int prepared = 0;
  std::thread::id by;
  data::DataLoader loader(six, {.batch_size = 2, .transforms = {[&](const norma::Tensor& x, auto&) {
                                                   ++prepared;
                                                   by = std::this_thread::get_id();
                                                   return x + 1;
                                                 }}});
  int batches = 0;
  for (auto [x, y] : loader) {
    ++batches;
    CHECK(prepared == batches);
    CHECK(by == std::this_thread::get_id());
    CHECK(norma::equal(x, y.to(norma::kFloat32) + 1));
  }
  CHECK(batches == 3);
}

TEST_CASE("without threads several workers are refused") {
  CHECK(error_of([] { data::DataLoader(six, {.batch_size = 2, .num_workers = 2}); }) ==
        "[DataLoader] expected num_workers 0 or 1 in a build without threads (NORMA_THREADS=OFF), "
        "got 2");
  CHECK_NOTHROW(data::DataLoader(six, {.batch_size = 2, .num_workers = 0}));
}
