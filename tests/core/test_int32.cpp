// kInt32: what PyTorch's int32 does. Its loops are int64's; what does not fit wraps around.
#include <climits>
#include <functional>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

Tensor ints(const NestedList& values) { return tensor(values, {.dtype = kInt32}); }

/// Of one dtype, too.
bool same(const Tensor& a, const Tensor& b) { return a.dtype() == b.dtype() && equal(a, b); }

const Tensor kEnds = ints({INT_MAX, INT_MIN});

}  // namespace

TEST_CASE("int32 tensors are made, read, printed and converted") {
  const Tensor x = ints({{1, -2}, {3, INT_MAX}});
  CHECK(x.dtype() == kInt32);
  CHECK(x.str() ==
        "tensor([[         1,         -2],\n        [         3, 2147483647]], dtype=int32)");
  CHECK(ints(3).str() == "tensor(3, dtype=int32)");
  CHECK(zeros({0}, {.dtype = kInt32}).str() == "tensor([], dtype=int32)");
  CHECK(zeros({0, 2}, {.dtype = kInt32}).str() == "tensor([], size=(0, 2), dtype=int32)");
  CHECK(x.data_ptr<int32_t>()[1] == -2);
  CHECK(x.data_ptr<const int32_t>()[2] == 3);
  CHECK(x[1][1].item<int32_t>() == INT_MAX);
  CHECK(x[0][1].item<double>() == -2);
  CHECK(x[0][1].item<int64_t>() == -2);
  int32_t memory[] = {4, 5, 6};
  Tensor shared = from_blob(memory, {3});
  shared[1] = 7;
  CHECK(memory[1] == 7);
  CHECK(from_blob(memory, {3}, kInt32).dtype() == kInt32);
  CHECK(tensor(std::vector<int32_t>{1, 2}).dtype() == kInt64);  // as in PyTorch
  CHECK(same(arange(0, 3, 1, {.dtype = kInt32}), ints({0, 1, 2})));
  CHECK(same(arange(INT_MAX, int64_t{INT_MAX} + 2, 1, {.dtype = kInt32}), kEnds));
  CHECK(same(zeros({2}, {.dtype = kInt32}), ints({0, 0})));
  CHECK(same(full({1}, 2.9, {.dtype = kInt32}), ints({2})));
  CHECK(same(zeros_like(x[0]), ints({0, 0})));
  CHECK(same(x[0].new_full({1}, 4), ints({4})));
}

TEST_CASE("int32 tensors are drawn within their range") {
  manual_seed(1);
  Tensor drawn = randint(INT_MIN, int64_t{INT_MAX} + 1, {100}, {.dtype = kInt32});
  CHECK(drawn.dtype() == kInt32);
  CHECK(drawn.min().item<int>() < -1000000000);
  CHECK(drawn.max().item<int>() > 1000000000);
  drawn.random_();
  CHECK(drawn.min().item<int>() >= 0);
  CHECK(drawn.max().item<int>() > 1000000000);
  drawn.random_(INT_MIN, int64_t{INT_MAX} + 1);
  CHECK(drawn.min().item<int>() < -1000000000);
  CHECK(randint_like(drawn, -3, 4).dtype() == kInt32);
  CHECK(same(ints({0, 0}).bernoulli_(1), ints({1, 1})));
}

TEST_CASE("numbers that int32 does not hold become -2^31, integers wrap around") {
  for (const DType dtype : {kFloat32, kFloat64}) {
    const double infinity = INFINITY;
    const Tensor x = tensor({2.9, -2.9, 3e9, -3e9, 1e30, infinity, -infinity, NAN, -2147483648.0},
                            {.dtype = dtype});
    CHECK(same(x.to(kInt32),
               ints({2, -2, INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN})));
  }
  CHECK(same(tensor({2147483647.5, -2147483647.5}, {.dtype = kFloat64}).to(kInt32),
             ints({INT_MAX, -INT_MAX})));
  CHECK(same(tensor({2147483648, -2147483649, (int64_t{1} << 33) + 5}).to(kInt32),
             ints({INT_MIN, INT_MAX, 5})));
  CHECK(same(ints({300, -1}).to(kUInt8), tensor({44, 255}, {.dtype = kUInt8})));
  CHECK(same(tensor({true, false}).to(kInt32), ints({1, 0})));
  CHECK(same(ints({5, 0}).to(kBool), tensor({true, false})));
  CHECK(same(kEnds.to(kInt64).to(kInt32), kEnds));
  Tensor to = ints({0, 0});
  to.copy_(tensor({1.7, 3e9}));
  CHECK(same(to, ints({1, INT_MIN})));
}

TEST_CASE("arithmetic on int32 keeps it, and wraps around") {
  const Tensor x = ints({INT_MAX, -7, 4}), y = ints({1, 2, -2});
  CHECK(same(x + y, ints({INT_MIN, -5, 2})));
  CHECK(same(x * 2, ints({-2, -14, 8})));
  CHECK(same(x - y, ints({INT_MAX - 1, -9, 6})));
  CHECK(same(2 - x, ints({-INT_MAX + 2, 9, -2})));
  CHECK(same(x / y, tensor({2147483648.0, -3.5, -2.0})));
  CHECK(same(x / 2, tensor({1073741824.0, -3.5, 2.0})));
  CHECK(same(-kEnds, ints({-INT_MAX, INT_MIN})));
  CHECK(same(kEnds.abs(), kEnds));
  CHECK(same(kEnds.remainder(-1), ints({0, 0})));
  CHECK(same(kEnds.sign(), ints({1, -1})));
  CHECK(same(x.clamp(-3, 5), ints({5, -3, 4})));
  CHECK(same(x.clamp(-3000000000, 3000000000), x));
  CHECK(same(x.clamp(2.5, 5), tensor({5.0, 2.5, 4.0})));
  CHECK(same(x.maximum(y), ints({INT_MAX, 2, 4})));
  CHECK(same(y.pow(3), ints({1, 8, -8})));
  CHECK(same(x.pow(2), ints({1, 49, 16})));
  CHECK(same(y.pow(0.5).slice(0, 0, 1), tensor({1.0})));
  CHECK(y.exp().dtype() == kFloat32);
  CHECK(same(y.add(tensor({1, 1, 1})), tensor({2, 3, -1})));
  CHECK(same(y + tensor(1), ints({2, 3, -1})));
  CHECK(same(y + 0.5, tensor({1.5, 2.5, -1.5})));
  CHECK(same(ints({{1, 2}, {3, 4}}).matmul(ints({{1, 0}, {1, 1}})), ints({{3, 2}, {7, 4}})));
  // Numbers wrap around as well, as in PyTorch.
  constexpr int64_t kMore = int64_t{1} << 32;
  CHECK(same(y + kMore, y));
  CHECK(same(y == kMore + 2, tensor({false, true, false})));
  CHECK(same(y.remainder(kMore + 2), ints({1, 0, 0})));
  // And so do 0-d tensors of int64 beside int32 ones with dimensions.
  const Tensor a = ints({7, 8}), k = tensor(2 * kMore), two = tensor(2 * kMore + 2);
  CHECK(same(a.maximum(k), a));
  CHECK(same(a.minimum(two), ints({2, 2})));
  CHECK(same(a.clamp(-k, two), ints({2, 2})));
  CHECK(same(k < a, tensor({true, true})));
  CHECK(same(a > k, tensor({true, true})));
  CHECK(same(a == two + 5, tensor({true, false})));
  CHECK(same(a.logical_and(k), tensor({false, false})));
  CHECK(same(a.remainder(two), ints({1, 0})));
  CHECK(same(a.fmod(two), ints({1, 0})));
  CHECK(same(two.remainder(a), ints({2, 2})));
  CHECK(same(a.pow(two), ints({49, 64})));
  CHECK(same(linspace(-3, 3, 3, {.dtype = kUInt8}), tensor({253, 0, 3}).to(kUInt8)));
  Tensor z = y.clone();
  z += tensor({1, 1, 1});
  z *= 3;
  CHECK(same(z, ints({6, 9, -3})));
  CHECK(same(z.masked_fill(z > 6, 2.7), ints({6, 2, -3})));
  CHECK(same(cat({z, ints({1})}), ints({6, 9, -3, 1})));
  CHECK(same(cat({z, tensor({1})}), tensor({6, 9, -3, 1})));
  CHECK(same(where(z > 6, z, y), ints({1, 9, -2})));
  CHECK(allclose(z, ints({6, 9, -3})));
  CHECK(equal(z, tensor({6, 9, -3})));
}

TEST_CASE("reductions of int32: sums and products are int64, extrema int32") {
  const Tensor x = ints({INT_MAX, -7, 4});
  CHECK(same(x.sum(), tensor(2147483644)));
  CHECK(same(x.sum(kInt32), ints(2147483644)));
  CHECK(same(kEnds.sum(0, false, kInt32), ints(-1)));
  CHECK(same(tensor({2, 3}).sum(kBool), tensor(true)));
  CHECK(same(tensor({200, 100}).sum(kUInt8), tensor(44, {.dtype = kUInt8})));
  CHECK(same(x.prod(), tensor(int64_t{INT_MAX} * -28)));
  CHECK(same(x.cumsum(0), tensor({2147483647, 2147483640, 2147483644})));
  CHECK(same(x.cumsum(0, kInt32), ints({INT_MAX, INT_MAX - 7, INT_MAX - 3})));
  CHECK(same(x.cumprod(0, kInt32), ints({INT_MAX, -2147483641, 28})));
  CHECK(same(x.cummax(0).first, ints({INT_MAX, INT_MAX, INT_MAX})));
  CHECK(same(x.max(), ints(INT_MAX)));
  CHECK(same(x.min(0).first, ints(-7)));
  CHECK(same(x.amax(0), ints(INT_MAX)));
  CHECK(same(x.median(), ints(4)));
  CHECK(same(x.argmin(), tensor(1)));
  CHECK(same(x.any(), tensor(true)));
  CHECK(same(x.sort().first, ints({-7, 4, INT_MAX})));
  CHECK(same(x.topk(2).first, ints({INT_MAX, 4})));
  CHECK(same(ints({3, 1, 3}).unique(), ints({1, 3})));
  CHECK(same(ints({3, 1, 3}).bincount(), tensor({0, 1, 0, 2})));
  CHECK(same(searchsorted(ints({1, 3}), ints({2})), tensor({1})));
  CHECK(same(functional::max_pool2d(ints({{{1, 2}, {INT_MIN, 4}}}), 2), ints({{{4}}})));
  CHECK(same(functional::pad(ints({1}), {1, 0}, PaddingMode::Constant, 7), ints({7, 1})));
}

TEST_CASE("int32 indices go where PyTorch takes them") {
  const Tensor x = arange(6).to(kFloat32).reshape({3, 2}), at = ints({2, 0}), wide = at.to(kInt64);
  const Tensor row = ints({{2, 0}}), wide_row = row.to(kInt64), rows = x.narrow(0, 0, 2),
               column = ints({1, 0});
  CHECK(same(x.index_select(0, at), x.index_select(0, wide)));
  CHECK(same(x.gather(0, row), x.gather(0, wide_row)));
  CHECK(same(x.index({at}), x.index({wide})));
  CHECK(same(x.index({ints({-1}), column}), x.index({2, column})));
  CHECK(same(x.index({ints(1)}), x[1]));
  Tensor written = x.clone();
  written.index_put_({at}, 9);
  CHECK(same(written, x.index_fill(0, wide, 9)));
  CHECK(same(functional::embedding(at, x), x.index_select(0, wide)));
  CHECK(same(x.scatter(0, row, 9), x.scatter(0, wide_row, 9)));
  CHECK(same(x.scatter(0, row, x), x.scatter(0, wide_row, x)));
  CHECK(same(x.scatter_add(0, row, x), x.scatter_add(0, wide_row, x)));
  CHECK(same(x.scatter_reduce(0, row, x, "mean"), x.scatter_reduce(0, wide_row, x, "mean")));
  CHECK(same(x.index_add(0, at, rows), x.index_add(0, wide, rows)));
  CHECK(same(x.repeat_interleave(ints({1, 0, 2}), 0), x.index_select(0, tensor({0, 2, 2}))));
  const auto packed = nn::utils::rnn::pack_padded_sequence(x.reshape({3, 2, 1}), ints({3, 1}));
  CHECK(same(packed.batch_sizes(), tensor({2, 1, 1})));

  Tensor leaf = x.clone().requires_grad_();
  leaf.gather(0, row).sum().backward();
  CHECK(same(leaf.grad(), tensor({{0.0, 1.0}, {0.0, 0.0}, {1.0, 0.0}})));
}

TEST_CASE("what int32 refuses") {
  const Tensor x = arange(6).to(kFloat32).reshape({3, 2}), at = ints({2, 0}), y = ints({0, 1, 0});
  const std::vector<std::pair<std::string, std::function<void()>>> refused = {
      {"[mean] expected a floating tensor, got int32; convert with to(kFloat32)",
       [&] { at.mean(); }},
      {"[tensor] expected a value that fits int32, got 2147483648.0", [] { ints({2147483648}); }},
      {"[full] expected a value that fits int32, got -2147483649.0",
       [] { full({1}, -2147483649, {.dtype = kInt32}); }},
      {"[full] expected a value that fits int32, got nan", [&] { at.masked_fill(at > 0, NAN); }},
      {"[clamp] expected bounds that fit int32, got min = 3000000000.0",
       [&] { at.clamp(3000000000, std::nullopt); }},
      {"[clamp] expected bounds that fit int32, got max = -3000000000.0",
       [&] { at.clamp(std::nullopt, -3000000000); }},
      {"[randint] expected a range that fits int32, got [0, 2147483649)",
       [] { randint(0, 2147483649, {1}, {.dtype = kInt32}); }},
      {"[random_] expected a range of integers that int32 holds, got [0, 2147483649)",
       [] { ints({1}).random_(2147483649); }},
      {"[data_ptr] expected a tensor of int64, got int32; convert with to() first",
       [&] { at.data_ptr<int64_t>(); }},
      {"[add_] expected a result that fits the dtype int32 that changes in place, got float32",
       [] { ints({1}).add_(0.5); }},
      {"[fmod] expected integer divisors other than 0, got a 0", [&] { at.fmod(0); }},
      {"[remainder] expected integer divisors other than 0, got a 0",
       [&] { at.remainder(int64_t{1} << 32); }},
      {"[fmod] expected integer divisors other than 0, got a 0", [&] { at.fmod(at); }},
      {"[pow] expected an exponent of 0 or more for integers, got a negative one; convert with "
       "to(kFloat32)",
       [&] { at.pow(-1); }},
      {"[pow] expected an exponent that fits int32, got 4294967297",
       [&] { at.pow((int64_t{1} << 32) + 1); }},
      {"[index_fill] expected an index of dtype int64, got int32", [&] { x.index_fill(0, at, 1); }},
      {"[index_copy] expected an index of dtype int64, got int32",
       [&] { x.index_copy(0, at, x.narrow(0, 0, 2)); }},
      {"[take] expected an index of dtype int64, got int32", [&] { x.take(at); }},
      {"[take_along_dim] expected an index of dtype int64, got int32",
       [&] {
         x.take_along_dim(ints({{0, 0}}), 0);
       }},
      {"[take_along_dim] expected an index of dtype int64, got int32",
       [&] { x[0][0].take_along_dim(ints(0), 0); }},
      {"[linspace] expected a value that fits int32, got 3000000000.0",
       [] { linspace(0, 3e9, 5, {.dtype = kInt32}); }},
      {"[linspace] expected a value that fits uint8, got 300.0",
       [] { linspace(0, 300, 3, {.dtype = kUInt8}); }},
      {"[addcmul] expected a value that fits int32, got 8589934593",
       [&] { at.addcmul(at, at, (int64_t{1} << 33) + 1); }},
      {"[addcmul] expected a value that fits uint8, got 257",
       [&] {
         const Tensor bytes = at.to(kUInt8);
         bytes.addcmul(bytes, bytes, 257);
       }},
      {"[one_hot] expected classes of dtype int64, got int32", [&] { functional::one_hot(at); }},
      {"[nll_loss] expected target of type int64 (classes), got int32; convert it with to(kInt64)",
       [&] { functional::nll_loss(x, y); }},
      {"[masked_fill] expected a mask of dtype bool, got int32", [&] { x.masked_fill(at, 1); }},
      {"[gather] expected indices in [0, 2], got -1",
       [&] {
         x.gather(0, ints({{0, -1}}));
       }},
  };
  for (const auto& [message, call] : refused) CHECK(error_of(call) == message);
  CHECK(has(error_of([] { zeros({2}, {.dtype = kInt32, .requires_grad = true}); }), "floating"));
  CHECK(has(error_of([&] { functional::cross_entropy(x, y); }), "got int32 of size [3]"));
}

TEST_CASE("int32 tensors pass through data sets, files and modules as they are") {
  const TempFolder folder;
  const Tensor x = ints({{1, -2}, {3, INT_MAX}});
  save_safetensors({{"x", x}}, folder / "x.safetensors");
  const auto loaded = load_safetensors(folder / "x.safetensors").tensors;
  REQUIRE(loaded.size() == 1);
  CHECK(same(loaded.begin()->second, x));

  data::DataLoader loader(data::Dataset{x, ints({5, 6})}, {.batch_size = 2});
  for (const data::Batch& batch : loader) {
    CHECK(same(batch.inputs, x));
    CHECK(same(batch.targets, ints({5, 6})));
  }

  struct Holder : nn::Module {
    Tensor count = register_buffer("count", ints({0}));
    Tensor forward(const Tensor& input) override { return input; }
  } from, to;
  from.count += 7;
  to.load_state_dict(from.state_dict());
  CHECK(same(to.count, ints({7})));
  to.to(kFloat64);
  CHECK(to.count.dtype() == kInt32);
}
