// kInt32: what PyTorch's int32 does. Its loops are int64's; what does not fit wraps around.
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

Tensor ints(const NestedList& values) { return tensor(values, {.dtype = kInt32}); }

}  // namespace

TEST_CASE("int32 tensors are made, read, printed and converted") {
  const Tensor x = ints({{1, -2}, {3, 2147483647}});
  CHECK(x.dtype() == kInt32);
  CHECK(x.str() ==
        "tensor([[         1,         -2],\n        [         3, 2147483647]], dtype=int32)");
  CHECK(x.data_ptr<int32_t>()[1] == -2);
  CHECK(x[1][1].item<int>() == 2147483647);
  CHECK(equal(x.to(kInt64).to(kInt32), x));
  CHECK(equal(tensor({2147483648, -2147483649}).to(kInt32), ints({-2147483647 - 1, 2147483647})));
  const double infinity = INFINITY;
  CHECK(equal(tensor({2.9, -2.9, 3e9, infinity, NAN}).to(kInt32),
              ints({2, -2, -2147483647 - 1, -2147483647 - 1, -2147483647 - 1})));
  int32_t memory[] = {4, 5, 6};
  Tensor shared = from_blob(memory, {3});
  shared[1] = 7;
  CHECK(memory[1] == 7);
  CHECK(tensor(std::vector<int32_t>{1, 2}).dtype() == kInt64);  // as labels are
  CHECK(arange(0, 3, 1, {.dtype = kInt32}).dtype() == kInt32);
  CHECK(equal(zeros({2}, {.dtype = kInt32}), ints({0, 0})));
  const Tensor drawn = randint(-5, 5, {100}, {.dtype = kInt32});
  CHECK(drawn.dtype() == kInt32);
  CHECK(drawn.min().item<int>() >= -5);
  CHECK(has(error_of([] { ints({2147483648}); }), "expected a value that fits int32"));
  CHECK(has(error_of([] { randint(0, 2147483649, {1}, {.dtype = kInt32}); }), "fits int32"));
  CHECK(has(error_of([&] { x.data_ptr<int64_t>(); }), "int32"));
  CHECK(has(error_of([] { zeros({2}, {.dtype = kInt32, .requires_grad = true}); }), "floating"));
}

TEST_CASE("arithmetic on int32 keeps it, and wraps around") {
  const Tensor x = ints({2147483647, -7, 4}), y = ints({1, 2, -2});
  CHECK(equal(x + y, ints({-2147483647 - 1, -5, 2})));
  CHECK(equal(x * 2, ints({-2, -14, 8})));
  CHECK(equal(x - y, ints({2147483646, -9, 6})));
  CHECK(equal(x / y, tensor({2147483648.0, -3.5, -2.0})));
  CHECK(equal(-x, ints({-2147483647, 7, -4})));
  CHECK(equal(x.abs(), ints({2147483647, 7, 4})));
  CHECK(equal(x.clamp(-3, 5), ints({5, -3, 4})));
  CHECK(equal(x.maximum(y), ints({2147483647, 2, 4})));
  CHECK(equal(x > y, tensor({true, false, true})));
  CHECK(equal(x > 3, tensor({true, false, true})));
  CHECK(equal(x.sum(), tensor(2147483644)));
  CHECK(has(error_of([&] { x.mean(); }), "[mean] expected a floating tensor, got int32"));
  CHECK(equal(x.max(), ints(2147483647)));
  CHECK(equal(x.min(0).first, ints(-7)));
  CHECK(x.argmin().item<int>() == 1);
  CHECK(equal(x.any(), tensor(true)));
  CHECK(equal(ints({{1, 2}, {3, 4}}).matmul(ints({{1, 0}, {1, 1}})), ints({{3, 2}, {7, 4}})));
  CHECK(equal(y.pow(3), ints({1, 8, -8})));
  CHECK(y.exp().dtype() == kFloat32);
  Tensor z = y.clone();
  z += tensor({1, 1, 1});
  z *= 3;
  CHECK(equal(z, ints({6, 9, -3})));
  CHECK(equal(z.masked_fill(z > 6, 0), ints({6, 0, -3})));
  CHECK(equal(cat({z, tensor({1})}), tensor({6, 9, -3, 1})));
  CHECK(equal(z.index_add(0, tensor({0, 0}), ints({1, 2})), ints({9, 9, -3})));
  CHECK(equal(z.nonzero(), tensor({{0}, {1}, {2}})));
  CHECK(equal(z.t().contiguous(), z));
}

TEST_CASE("int32 indices go where PyTorch takes them") {
  const Tensor x = arange(6).to(kFloat32).reshape({3, 2}), at = ints({2, 0});
  CHECK(equal(x.index_select(0, at), x.index_select(0, tensor({2, 0}))));
  CHECK(equal(x.index({at}), x.index({tensor({2, 0})})));
  CHECK(equal(x.index({ints(1)}), x[1]));
  CHECK(equal(functional::embedding(at, x), x.index_select(0, at)));
  CHECK(equal(x.scatter(0, ints({{2, 0}}), 9), x.scatter(0, tensor({{2, 0}}), 9)));
  CHECK(equal(x.index_add(0, at, x.narrow(0, 0, 2)),
              x.index_add(0, tensor({2, 0}), x.narrow(0, 0, 2))));
  CHECK(error_of([&] {
          x.gather(0, ints({{0, 1}}));
        }) == "[gather] expected an index of dtype int64, got int32");
  CHECK(error_of([&] { x.index_fill(0, at, 1); }) ==
        "[index_fill] expected an index of dtype int64, got int32");
}

TEST_CASE("int32 tensors are saved and loaded as they are") {
  const TempFolder folder;
  const Tensor x = ints({{1, -2}, {3, 2147483647}});
  save_safetensors({{"x", x}}, folder / "x.safetensors");
  const auto loaded = load_safetensors(folder / "x.safetensors").tensors;
  REQUIRE(loaded.size() == 1);
  CHECK(equal(loaded.begin()->second, x));
  CHECK(loaded.begin()->second.dtype() == kInt32);
}
