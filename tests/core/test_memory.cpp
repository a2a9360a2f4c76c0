// What happens when there is no memory left: an Error that says how much was asked for.
#include "norma/core/memory.h"

#include <string>
#include <vector>

#include "norma/norma.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/limited.h"

using namespace norma;

TEST_CASE("std::bad_alloc becomes an Error") {
  CHECK(error_of([] { with_memory(12, []() -> int { throw std::bad_alloc(); }); }) ==
        "[allocate] expected memory for 12 bytes, got none from the system; use a smaller batch or "
        "model");
  CHECK(has(error_of([] { with_memory(0, [] { throw std::bad_alloc(); }); }),
            "[allocate] expected more memory, got none from the system"));
  CHECK(with_memory(0, [] { return 3; }) == 3);
  CHECK(error_of([] { with_memory(0, [] { fail("op", "text"); }); }) == "[op] text");
}

#ifndef NORMA_SANITIZE  // its shadow needs more address space than the limit leaves

TEST_CASE("small tensors and graphs until memory ends") {
  CHECK(child_says(256 << 20, [] {
          std::vector<Tensor> tensors;
          tensors.reserve(10'000'000);
          const std::string error = error_of([&] {
            for (;;) tensors.push_back(zeros({1}));
          });
          tensors.clear();
          return error + (ones({3}).sum().item<double>() == 3 ? "; works" : "; wrong");
        }).find("[allocate] expected memory for ") == 0);
  for (int round = 0; round < 2; ++round) {
    const std::string end = child_says(256 << 20, [] {
      Tensor leaf = ones({1}, {.requires_grad = true}), x = leaf;
      const auto grow = [&] {
        return error_of([&] {
          for (;;) x = x + 1.0;
        });
      };
      std::string error = grow();
      x = leaf;
      const std::string again = grow();  // memory came back, and with it what the message needs
      x = leaf;
      x = (leaf * 2.0).sum();
      x.backward();
      const bool works = leaf.grad().item<double>() == 2;
      return error + "|" + again + (works && autograd::live_nodes() < 10 ? "|works" : "|wrong");
    });
    INFO(end);
    CHECK(end.find("[allocate] expected memory for ") == 0);
    CHECK(end.find("|[allocate] expected memory for ") != std::string::npos);
    CHECK(end.ends_with("|works"));
  }
}

#endif
