// Memory: alignment, reuse, foreign memory, requests that cannot be met.
#include "norma/core/storage.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

TEST_CASE("memory is aligned and as large as asked for") {
  std::vector<Tensor> held;
  for (int64_t bytes = 0; bytes < 5000; bytes += 1 + bytes / 7) {
    for (int64_t around : {-1, 0, 1}) {
      held.push_back(empty({std::max<int64_t>(0, bytes * 64 + around)}, {.dtype = kUInt8}));
      CHECK(reinterpret_cast<uintptr_t>(held.back().raw_data()) % 64 == 0);
      held.back().fill_(7);  // seen by AddressSanitizer
    }
  }
  for (const Tensor& x : held) CHECK((x.numel() == 0 || x.min().item<int>() == 7));
}

TEST_CASE("living bytes are counted per storage, not per view") {
  const int64_t before = live_storage_bytes();
  {
    const Tensor x = zeros({10, 10});
    CHECK(live_storage_bytes() == before + 400);
    const Tensor view = x.t().narrow(0, 1, 2), same = x, part = x.detach();
    CHECK(live_storage_bytes() == before + 400);
    const Tensor copy = x.clone();
    CHECK(live_storage_bytes() == before + 800);
  }
  CHECK(live_storage_bytes() == before);
}

// Under AddressSanitizer nothing is kept for reuse, so that it sees every use after free.
#ifndef NORMA_SANITIZE
TEST_CASE("freed blocks are used again") {
  empty_cache();
  CHECK(cached_bytes() == 0);
  const void* address = nullptr;
  {
    const Tensor x = empty({1000});
    address = x.raw_data();
  }
  CHECK(cached_bytes() >= 4000);
  const int64_t asked = system_allocations();
  CHECK(empty({1000}).raw_data() == address);
  CHECK(system_allocations() == asked);
  empty_cache();
  CHECK(cached_bytes() == 0);
  const Tensor x = empty({1000});
  CHECK(system_allocations() > asked);

  SECTION("training steps ask the system for nothing") {
    Tensor w = randn({20, 30}).requires_grad_();
    const Tensor input = randn({50, 20});
    const auto step = [&] {
      input.matmul(w).relu().log_softmax(1).mean().backward();
      const NoGradGuard no_grad;
      w.sub_(w.grad());
      w.set_grad(Tensor());
    };
    for (int i = 0; i < 3; ++i) step();
    const int64_t settled = system_allocations();
    for (int i = 0; i < 20; ++i) step();
    CHECK(system_allocations() == settled);
  }
}

TEST_CASE("a thread gets its own blocks again") {
  empty_cache();
  Tensor mine = empty({1000}), other = empty({1000});
  const void* const address = mine.raw_data();
  mine = Tensor();
  std::thread([&other] { other = Tensor(); }).join();  // its end hands the block to everyone
  CHECK(empty({1000}).raw_data() == address);

  SECTION("also when what it freed before is of other sizes") {
    std::vector<Tensor> dead;
    for (int i = 0; i < 300; ++i) dead.push_back(empty({1000}));  // 1.2 MB
    dead.clear();
    mine = empty({2000}), other = empty({2000});
    const void* const last = mine.raw_data();
    mine = Tensor();
    std::thread([&other] { other = Tensor(); }).join();
    CHECK(empty({2000}).raw_data() == last);
  }
  SECTION("and, when it has none, those of a thread that ended") {
    const Tensor first = empty({1000});
    const int64_t asked = system_allocations();
    const Tensor second = empty({1000});
    CHECK(system_allocations() == asked);
  }
}

TEST_CASE("what one thread frees, another may take") {
  empty_cache();
  std::vector<Tensor> made;
  const auto make = [&made] {
    for (int i = 0; i < 40; ++i) made.push_back(empty({100, 200}));  // 3 MB
  };
  for (int round = 0; round < 6; ++round) {
    std::thread(make).join();
    made.clear();
  }
  CHECK(cached_bytes() < 5'000'000);  // this thread keeps 1 MB for itself and no more
}

#ifndef NORMA_SANITIZE_THREADS  // its own memory would count
TEST_CASE("empty_cache gives memory back to the system") {
  const auto resident_pages = [] {
    std::ifstream file("/proc/self/statm");
    int64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident;
  };
  empty_cache();
  const int64_t before = resident_pages();
  constexpr int64_t kBlocks = 50, kBytes = 2 << 20;
  const int64_t pages = kBlocks * kBytes / 4096;
  {
    std::vector<Tensor> held;
    for (int64_t i = 0; i < kBlocks; ++i) held.push_back(ones({kBytes}, {.dtype = kUInt8}));
    CHECK(resident_pages() - before > pages * 9 / 10);
    CHECK(resident_pages() - before < pages * 11 / 10);
  }
  CHECK(cached_bytes() >= kBlocks * kBytes);
  empty_cache();
  CHECK(resident_pages() - before < pages / 10);
}

TEST_CASE("what the system cannot give is refused, and nothing is lost") {
  const int64_t live = live_storage_bytes();
  const Tensor x = ones({10});
  CHECK(error_of([] { empty({int64_t{1} << 60}); }) ==
        "[allocate] expected memory for 4611686018427387904 bytes, got none from the system; use a "
        "smaller "
        "batch or model");
  CHECK(error_of([&] { x.expand({int64_t{1} << 50, 10}).clone(); }).find("[allocate] ") == 0);
  CHECK(x.sum().item<float>() == 10);
  CHECK(live_storage_bytes() == live + 40);
}

TEST_CASE("the cache is given up before memory is refused") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  std::FILE* pipe = popen(("'" + self + "' 'child: little memory' 2>&1").c_str(), "r");
  std::string text;
  char part[256];
  while (std::fgets(part, sizeof(part), pipe)) text += part;
  pclose(pipe);
  INFO(text);
  CHECK(text.find("fits\n") != std::string::npos);
}

TEST_CASE("child: little memory", "[.]") {
  constexpr int64_t kMiB = 1 << 20;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = 4096 * kMiB;
  setrlimit(RLIMIT_AS, &limit);
  const std::string failure = error_of([] {
    empty({1500 * kMiB}, {.dtype = kUInt8});
    empty({2000 * kMiB}, {.dtype = kUInt8});
    empty({2600 * kMiB}, {.dtype = kUInt8});
  });
  std::printf("%s\n", failure == "no error" ? "fits" : failure.c_str());
}
#endif
#endif

TEST_CASE("sizes beyond all memory are refused before anything is allocated") {
  CHECK(error_of([] {
          zeros({int64_t{1} << 40, int64_t{1} << 40});
        }) ==
        "[shape] expected fewer than 2^63 elements, got sizes [1099511627776, 1099511627776]");
  CHECK(error_of([] { empty({int64_t{1} << 61}, {.dtype = kFloat64}); }) ==
        "[empty] expected fewer than 2^63 bytes, got sizes [2305843009213693952]");
  CHECK(error_of([] { zeros({2, -1}); }) == "[empty] expected sizes of 0 or more, got [2, -1]");
  CHECK(zeros({int64_t{1} << 40, 0}).numel() == 0);
  CHECK(has(error_of([] {
              zeros({int64_t{1} << 40, 0, int64_t{1} << 40});
            }),
            "[shape] expected fewer than 2^63 elements"));
}

TEST_CASE("foreign memory is wrapped, not copied, and let go once") {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  int deleted = 0;
  const int64_t live = live_storage_bytes();
  {
    Tensor view;
    {
      const Tensor x = from_blob(values.data(), {2, 3}, kFloat32, [&] { ++deleted; });
      CHECK(x.raw_data() == values.data());
      CHECK(live_storage_bytes() == live + 24);
      Tensor(x).mul_(2);
      view = x.t().select(0, 2);
    }
    CHECK(deleted == 0);
    CHECK(view.str() == "tensor([ 6., 12.])");
  }
  CHECK(deleted == 1);
  CHECK(live_storage_bytes() == live);
  CHECK(values[5] == 12);
  void* const raw = values.data();
  CHECK(from_blob(nullptr, {0, 3}).numel() == 0);
  CHECK(error_of([] { from_blob(nullptr, {1}); }) ==
        "[from_blob] expected a pointer to the values, got null");
  CHECK(error_of([&] { from_blob(values.data(), {-1}); }) ==
        "[from_blob] expected sizes of 0 or more, got [-1]");
  CHECK(error_of([&] { from_blob(raw, {int64_t{1} << 61}, kFloat64); }) ==
        "[from_blob] expected fewer than 2^63 bytes, got sizes [2305843009213693952]");
}

TEST_CASE("foreign memory has the dtype of its pointer") {
  float single = 1;
  const double number = 2;
  const bool flag = true;
  uint8_t byte = 3;
  long long whole = 4;
  CHECK(from_blob(&single, {}).dtype() == kFloat32);
  CHECK(from_blob(&number, {}).item<double>() == 2);
  CHECK(from_blob(&number, {}).dtype() == kFloat64);
  CHECK(from_blob(&flag, {}).dtype() == kBool);
  CHECK(from_blob(&byte, {}, kUInt8).item<int>() == 3);
  CHECK(from_blob(&whole, {}).dtype() == kInt64);
  CHECK(from_blob(&whole, {}).item<int>() == 4);
  int deleted = 0;
  from_blob(&single, {}, [&] { ++deleted; });
  CHECK(deleted == 1);
  void* const unknown = &single;
  CHECK(from_blob(unknown, {}, kFloat32).item<float>() == 1);
  CHECK(error_of([&] { from_blob(&single, {}, kInt64); }) ==
        "[from_blob] expected a pointer to values of int64, got one to float32");
}

TEST_CASE("threads allocate and free each other's memory") {
  const int64_t live = live_storage_bytes();
  std::vector<Tensor> made(64);
  for (int round = 0; round < 4; ++round) {
    std::vector<std::thread> threads;
    for (std::size_t k = 0; k < 4; ++k) {
      threads.emplace_back([&made, k] {
        for (std::size_t i = k; i < made.size(); i += 4) {
          for (int64_t n = 1; n < 3000; n += 401) made[i] = ones({n}) + 1.0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::rotate(made.begin(), made.begin() + 1, made.end());
  }
  for (const Tensor& x : made) CHECK(x.sum().item<float>() == 2.0f * static_cast<float>(x.numel()));
  made.clear();
  CHECK(live_storage_bytes() == live);
}
