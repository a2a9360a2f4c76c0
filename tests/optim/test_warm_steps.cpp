// Once warm, training and inference allocate no memory, neither from the system nor with new.
#include <atomic>
#include <cstdlib>
#include <new>

#include "norma/norma.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/thread_count.h"

// Under AddressSanitizer nothing is kept for reuse.
#ifndef NORMA_SANITIZE

namespace {
std::atomic<int64_t> news{0};
}

void* operator new(std::size_t size) {
  ++news;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace norma;

nn::Sequential conv_block(int64_t in, int64_t out, int64_t stride) {
  return nn::Sequential(nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
                        nn::BatchNorm2d(out), nn::ReLU());
}

struct Block : nn::Module {
  nn::Sequential first, second, shortcut;
  Block(int64_t in, int64_t out)
      : first(conv_block(in, out, 2)),
        second(nn::Conv2d(out, out, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(out)),
        shortcut(nn::Conv2d(in, out, 1, {.stride = 2, .bias = false}), nn::BatchNorm2d(out)) {
    register_module("first", first);
    register_module("second", second);
    register_module("shortcut", shortcut);
  }
  Tensor forward(const Tensor& x) override { return relu(second(first(x)) + shortcut(x)); }
};

template <class F>
void check_warm(F step) {
  for (int i = 0; i < 3; ++i) step();
  const int64_t asked = system_allocations(), before = news;
  for (int i = 0; i < 3; ++i) step();
  CHECK(system_allocations() == asked);
  CHECK(news == before);
}

template <class Optimizer>
void check_training(nn::Sequential net, const Tensor& x, Optimizer optimizer) {
  nn::CrossEntropyLoss criterion;
  optim::CosineAnnealingLR schedule(optimizer, 100);
  const Tensor labels = randint(0, 10, {x.size(0)});
  check_warm([&] {
    optimizer.zero_grad();
    criterion(net(x), labels).backward();
    optimizer.step();
    schedule.step();
  });
  net.eval();
  const NoGradGuard no_grad;
  check_warm([&] { net(x); });
}

}  // namespace

TEST_CASE("warm steps allocate nothing") {
  // On one thread: on several, how much is in use at the same time depends on their pace.
  const ThreadCount guard(1);
  const auto sgd = [](const nn::Module& net) {
    return optim::SGD(net.parameters(), {.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
  };
  SECTION("of an MLP") {
    nn::Sequential net(nn::Linear(784, 128), nn::BatchNorm1d(128), nn::ReLU(), nn::Linear(128, 10));
    check_training(net, randn({64, 784}), sgd(net));
  }
  SECTION("of a CNN") {
    nn::Sequential net(conv_block(1, 8, 1), nn::MaxPool2d(2), conv_block(8, 16, 2), nn::Flatten(),
                       nn::Dropout(0.25), nn::Linear(16 * 4 * 4, 10));
    check_training(net, randn({64, 1, 14, 14}), sgd(net));
  }
  SECTION("of residual blocks, with Adam") {
    nn::Sequential net(conv_block(3, 8, 1), Block(8, 16), Block(16, 32), nn::AdaptiveAvgPool2d(1),
                       nn::Flatten(), nn::Linear(32, 10));
    check_training(net, randn({16, 3, 16, 16}), optim::Adam(net.parameters()));
  }
}

#endif
