// Copies of a weight in a kernel's own order: made at the second use of unchanged values, gone with
// the first change, and never made of memory that others may change.
#include <norma/norma.h>

#include <thread>
#include <vector>

#include "norma/core/tensor_impl.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/temp_folder.h"

using namespace norma;

namespace {

constexpr char kOrder[] = "of the test";

Ref<Storage> prepare(const Tensor& weight, int* fills, int64_t size = 0) {
  const TensorImpl* impl = impl_of(weight);
  return impl->storage->prepared({impl->data(), kOrder, {size, 0, 0}}, 4, [&](void* memory) {
    *static_cast<float*>(memory) = *impl->data_as<float>();
    ++*fills;
  });
}

float first(const Ref<Storage>& copy) { return *static_cast<float*>(copy->data()); }

}  // namespace

TEST_CASE("a copy is made at the second use and kept while the values stay") {
  Tensor weight = full({3}, 2.0);
  int fills = 0;
  CHECK_FALSE(prepare(weight, &fills));
  const Ref<Storage> copy = prepare(weight, &fills);
  REQUIRE(copy);
  CHECK(first(copy) == 2);
  CHECK(prepare(weight, &fills).get() == copy.get());
  CHECK(fills == 1);
}

TEST_CASE("every change of the values ends the copy") {
  Tensor weight = full({3}, 2.0);
  int fills = 0;
  prepare(weight, &fills);
  const Ref<Storage> copy = prepare(weight, &fills);
  REQUIRE(copy);
  SECTION("in place") { weight.mul_(2); }
  SECTION("through a view") { weight.slice(0, 0, 1).add_(2); }
  SECTION("by copy_") { weight.copy_(full({3}, 4.0)); }
  SECTION("by an optimizer") {
    weight.requires_grad_();
    weight.set_grad(full({3}, -2.0));
    optim::SGD({weight}, {.lr = 1.0}).step();
  }
  SECTION("by an initialiser") { nn::init::constant_(weight, 4.0); }
  SECTION("over a temporary") {
    int uses = 0;
    Tensor temporary = full({3}, 1.0) + 1.0;
    prepare(temporary, &uses);
    REQUIRE(prepare(temporary, &uses));
    const void* const place = impl_of(temporary)->data();
    Tensor doubled = std::move(temporary) + 2.0;
    REQUIRE(impl_of(doubled)->data() == place);
    CHECK_FALSE(prepare(doubled, &uses));
    CHECK(first(prepare(doubled, &uses)) == 4);
    return;
  }
  const bool released = copy->use_count() == 1;  // by the change itself
  CHECK_FALSE(prepare(weight, &fills));
  CHECK(released);
  CHECK(first(prepare(weight, &fills)) == 4);
  CHECK(fills == 2);
}

TEST_CASE("memory that others may change is never copied") {
  int fills = 0;
  SECTION("handed out before the first use") {
    const Tensor weight = full({3}, 2.0);
    weight.data_ptr<float>();
    for (int use = 0; use < 3; ++use) CHECK_FALSE(prepare(weight, &fills));
  }
  SECTION("handed out while there is a copy") {
    const Tensor weight = full({3}, 2.0);
    prepare(weight, &fills);
    REQUIRE(prepare(weight, &fills));
    weight.raw_data();
    for (int use = 0; use < 3; ++use) CHECK_FALSE(prepare(weight, &fills));
  }
  SECTION("foreign") {
    std::vector<float> values(3);
    const Tensor weight = from_blob(values.data(), {3});
    for (int use = 0; use < 3; ++use) CHECK_FALSE(prepare(weight, &fills));
  }
}

TEST_CASE("tensors made of a vector or drawn can have copies") {
  int fills = 0;
  const Tensor made = tensor(std::vector<float>{1, 2, 3});
  prepare(made, &fills);
  CHECK(prepare(made, &fills));
  const Tensor drawn = randn({3});
  prepare(drawn, &fills);
  CHECK(prepare(drawn, &fills));
}

TEST_CASE("reading and saving a tensor leave its copy") {
  const TempFolder folder;
  nn::Linear layer(3, 4);
  int fills = 0;
  prepare(layer.weight, &fills);
  const Ref<Storage> copy = prepare(layer.weight, &fills);
  REQUIRE(copy);
  layer.weight.sum();
  layer.weight.mean({1});
  layer.weight.norm();
  layer.weight.max();
  layer.weight.argmax();
  layer.weight.var();
  layer.weight.matmul(ones({3}));
  layer.weight.str();
  save(layer, folder / "layer.safetensors");
  CHECK(prepare(layer.weight, &fills).get() == copy.get());
}

#ifndef NORMA_SANITIZE  // whose own allocator ends the program
TEST_CASE("no memory for a copy is no error, and not asked for again") {
  const Tensor weight = full({3}, 2.0);
  const TensorImpl* impl = impl_of(weight);
  int fills = 0;
  for (int use = 0; use < 3; ++use) {
    CHECK_FALSE(impl->storage->prepared({impl->data(), kOrder, {0, 0, 0}}, std::size_t{1} << 60,
                                        [&](void*) { ++fills; }));
  }
  CHECK(fills == 0);
}
#endif

TEST_CASE("one storage has few orders of copies") {
  const Tensor weight = full({3}, 2.0);
  int fills = 0;
  for (int64_t size = 0; size < 100; ++size) prepare(weight, &fills, size);
  for (int64_t size = 0; size < 100; ++size) prepare(weight, &fills, size);
  CHECK(fills == 16);
}

TEST_CASE("threads ask for copies side by side") {
  const Tensor weight = full({3}, 2.0);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int& mine : wrong) {
    threads.emplace_back([&weight, &mine] {
      int fills = 0;
      for (int use = 0; use < 1000; ++use) {
        const Ref<Storage> copy = prepare(weight, &fills, use % 3);
        if (copy && first(copy) != 2) ++mine;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}
