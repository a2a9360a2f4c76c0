// Indexing as Python writes it: what index() reads and writes. Random indices against PyTorch's are
// in tests/parity.
#include "norma/tests/autograd/compare.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

namespace {

Tensor counted(const Shape& sizes) { return arange(sizes.numel()).to(kFloat64).reshape(sizes); }
Tensor leaf_of(const Tensor& values) { return values.detach().clone().requires_grad_(); }

}  // namespace

TEST_CASE("index takes every kind of index in one call") {
  const Tensor x = counted({2, 3, 4}), mask = x[0] > 4;
  CHECK(equal(x.index({Slice(), 1}), x.select(1, 1)));
  CHECK(equal(x.index({1, -1, Slice(None, None, 2)}), x[1][2].slice(0, 0, 4, 2)));
  CHECK(equal(x.index({Slice(-1, None)}), x.narrow(0, 1, 1)));
  CHECK(equal(x.index({Ellipsis, Slice(1, 3)}), x.narrow(2, 1, 2)));
  CHECK(equal(x.index({"...", 0}), x.select(2, 0)));
  CHECK(x.index({None, Ellipsis, None, 0}).sizes() == Shape{1, 2, 3, 1});
  CHECK(equal(x.index({0, {2, 0}}), stack({x[0][2], x[0][0]})));
  CHECK(equal(x.index({0, std::vector<int64_t>{2, 0}}), stack({x[0][2], x[0][0]})));
  CHECK(equal(x.index({0, {true, false, true}}), stack({x[0][0], x[0][2]})));
  CHECK(equal(x.index({0, std::vector<bool>{true, false, true}}), x.index({0, {0, 2}})));
  CHECK(x.index({{}}).sizes() == Shape{0, 3, 4});
  CHECK(x.index({Slice(), std::vector<int64_t>{}}).sizes() == Shape{2, 0, 4});
  CHECK(equal(x.index({0, mask}), x[0].masked_select(mask)));
  CHECK(equal(x[0][mask], x[0].masked_select(mask)));
  CHECK(equal(x[0][mask.to(kUInt8)], x[0].masked_select(mask)));
  CHECK(equal(x[tensor({1, 0, 1})], stack({x[1], x[0], x[1]})));
  CHECK(x.index({true}).sizes() == Shape{1, 2, 3, 4});
  CHECK(x.index({Slice(), false}).sizes() == Shape{2, 0, 3, 4});
  CHECK(x.index({tensor(true), tensor({0, 1})}).sizes() == Shape{2, 3, 4});
  CHECK(equal(x.index({}), x));
  CHECK(x.index({x > 100}).sizes() == Shape{0});

  using namespace norma::indexing;
  CHECK(equal(x.index({Slice(1), None}), x.narrow(0, 1, 1).unsqueeze(1)));
}

TEST_CASE("several index tensors name elements together, at their place if they are side by side") {
  const Tensor x = counted({2, 3, 4, 5}), i = tensor({1, 0}), j = tensor({{2}, {-1}, {0}});
  CHECK(x.index({i, j}).sizes() == Shape{3, 2, 4, 5});
  CHECK(x.index({Slice(), j, i}).sizes() == Shape{2, 3, 2, 5});
  CHECK(x.index({Slice(), j, Slice(), i}).sizes() == Shape{3, 2, 2, 4});
  CHECK(x.index({i, Slice(), i}).sizes() == Shape{2, 3, 5});
  CHECK(x.index({Slice(), i, 0, i}).sizes() == Shape{2, 2});
  CHECK(x.index({i, None, i}).sizes() == Shape{2, 1, 4, 5});
  CHECK(x.index({ones({2, 3}, {.dtype = kBool}), Slice(None, 2)}).sizes() == Shape{6, 2, 5});
  CHECK(x.index({tensor({0}), Slice(), ones({4, 5}, {.dtype = kBool})}).sizes() == Shape{20, 3});
}

TEST_CASE("plain indices give views, index tensors copies") {
  Tensor x = counted({2, 3});
  const Tensor view = x.index({Slice(), 1}), number = x.index({tensor(1)}), copy = x.index({{0}});
  const Tensor same = x.index({}), dots = x.index({Ellipsis});
  CHECK_FALSE(same.is_same(x));
  CHECK_FALSE(dots.is_same(x));
  x.fill_(7);
  CHECK(to_vector(view) == std::vector<double>{7, 7});
  CHECK(to_vector(number) == std::vector<double>{7, 7, 7});
  CHECK(to_vector(copy) == std::vector<double>{0, 1, 2});
  CHECK(to_vector(dots[0]) == std::vector<double>{7, 7, 7});
}

TEST_CASE("index as the target of = writes, whatever the indices") {
  Tensor x = counted({3, 3});
  x.index({Slice(), 1}) = 10;
  x.index({0}) = tensor_of({-1, -2, -3}, {3});
  CHECK(to_vector(x) == std::vector<double>{-1, -2, -3, 3, 10, 5, 6, 10, 8});
  x[x < 0] = 0;
  x.index({{1, 2}, {0, 2}}) = tensor_of({30, 80}, {2});
  CHECK(to_vector(x) == std::vector<double>{0, 0, 0, 30, 10, 5, 6, 10, 80});
  x.index({Slice(), {0}}) = x.index({Slice(), {1}});  // from one index to another
  x.index({2}) = x.index({1});
  CHECK(to_vector(x) == std::vector<double>{0, 0, 0, 10, 10, 5, 10, 10, 5});
  x.index({x > 5}) += 1;
  x.index({0}) -= 2;
  x[tensor({0, 2})] *= tensor_of({1, 2, 3}, {3});
  x.index({1}) /= 2;
  CHECK(to_vector(x) == std::vector<double>{-2, -4, -6, 5.5, 5.5, 2.5, 11, 22, 15});
  x.index({Ellipsis}) = tensor_of({1, 2, 3}, {1, 1, 1, 3});  // more dimensions of size 1 in front
  x.index({tensor({2})}) = tensor_of({4, 5, 6}, {1, 1, 1, 3});
  CHECK(to_vector(x) == std::vector<double>{1, 2, 3, 1, 2, 3, 4, 5, 6});

  Tensor y = x.index({{0, 2}});  // a name reads, and then means something else
  y = zeros({2});
  CHECK(to_vector(x[0]) == std::vector<double>{1, 2, 3});
  auto z = x.index({{0, 2}});
  z = y;
  CHECK(z.is_same(y));
  CHECK(to_vector(x[0]) == std::vector<double>{1, 2, 3});

  Tensor whole = arange(4);
  whole[tensor({0, 1})] = 7.9;
  whole.index({2}) = tensor(8.9);
  CHECK(equal(whole, tensor({7, 7, 8, 3})));
}

TEST_CASE("index_put_ writes, adds and broadcasts, into strided views and from its own memory") {
  Tensor x = zeros({2, 3}, {.dtype = kFloat64});
  x.index_put_({tensor({0, 0, 1})}, tensor_of({1, 2, 3}, {3}), true);
  CHECK(to_vector(x) == std::vector<double>{2, 4, 6, 1, 2, 3});
  x.index_put_({1}, tensor_of({1}, {}), true);
  x.index_put_({Slice(), {2, 2}}, 5, true);
  CHECK(to_vector(x) == std::vector<double>{2, 4, 16, 2, 3, 14});
  Tensor turned = x.t();
  turned.index_put_({turned > 10}, 0);
  turned.index({{0, 1}}) = turned.index({{1, 0}});
  CHECK(to_vector(x) == std::vector<double>{4, 2, 0, 3, 2, 0});
  Tensor reversed = arange(4).to(kFloat64);
  reversed.index_put_({tensor({3, 2, 1, 0})}, reversed);
  CHECK(to_vector(reversed) == std::vector<double>{3, 2, 1, 0});
  CHECK(equal(x.index_put({Slice(), {0}}, tensor_of({9}, {})),
              tensor_of({9, 2, 0, 9, 2, 0}, {2, 3})));
  CHECK(to_vector(x)[0] == 4);

  Tensor bytes = zeros({2}, {.dtype = kUInt8}), bools = zeros({2}, {.dtype = kBool});
  bytes.index_put_({tensor({0, 0})}, tensor({200, 100}).to(kUInt8), true);
  bools.index_put_({tensor({0, 0})}, tensor({true, true}), true);
  CHECK(equal(bytes, tensor({44, 0}).to(kUInt8)));
  CHECK(equal(bools, tensor({true, false})));
}

TEST_CASE("gradients reach what was read, what was written to, and what was written") {
  manual_seed(1);
  const Tensor mask = tensor({{true, false, true}, {false, true, true}});
  const Tensor i = tensor({1, 0, 1}), j = tensor({{2}, {-1}});
  const auto check = [](auto function, const Shape& values) {
    CHECK(gradient_error(function, {random_leaf({2, 3, 2}), random_leaf(values)}) == "");
  };
  using Inputs = std::vector<Tensor>;
  check([=](const Inputs& x) { return x[0].index({mask}) * x[1]; }, {4, 2});
  check([=](const Inputs& x) { return x[0].index({i, j}) * x[1]; }, {2});
  check([=](const Inputs& x) { return x[0].index({i, Slice(), {1}}).square() * x[1]; }, {3});
  check([=](const Inputs& x) { return x[0].index({Slice(), 1, None}) * x[1]; }, {2, 1, 2});
  const auto write = [=](auto assign) {
    return [=](const Inputs& x) {
      Tensor y = x[0] * 2;
      assign(y, x[1]);
      return y * y * x[0];
    };
  };
  check(write([=](Tensor& y, const Tensor& v) { y.index({mask}) = v; }), {4, 2});
  check(write([=](Tensor& y, const Tensor& v) { y.index({Slice(), 1}) = v; }), {2});
  check(write([=](Tensor& y, const Tensor& v) { y.index({mask, 1}) *= v; }), {4});
  check(write([=](Tensor& y, const Tensor& v) { y.index({1}).index({{0, 2}}) = v.square(); }), {2});
  check(write([=](Tensor& y, const Tensor& v) { y.index_put_({i, j}, v, true); }), {1, 3, 2});
  check(write([=](Tensor& y, const Tensor& v) { y.transpose(0, 2).index({{1, 0}}) = v; }), {3, 2});
  check(write([=](Tensor& y, const Tensor& v) { y = y.index_put({i}, v, true) * v[0]; }),
        {3, 3, 2});
}

TEST_CASE("writing counts as a change in place") {
  Tensor x = leaf_of(counted({3})), y = x * 2, z = y * y;
  const uint64_t before = y.version();
  y.index({{0}}) = 5;
  CHECK(y.version() == before + 1);
  CHECK(has(error_of([&] { z.sum().backward(); }), "changed in place"));
  Tensor plain = counted({3}), index = tensor({0, 1});
  const Tensor picked = x.index({index});
  index.fill_(2);
  CHECK(has(error_of([&] { picked.sum().backward(); }), "changed in place"));
  const uint64_t version = plain.version();
  plain[plain > 0] = 1;
  plain.index({0}) = 1;
  CHECK(plain.version() == version + 2);
  CHECK(has(error_of([&] { x[x > 0] = 1; }),
            "[index_put_] expected a tensor that may change in place, got a leaf"));
  CHECK(has(error_of([&] { zeros({1}).expand({3}).index({{0}}) = 1; }),
            "[index_put_] expected a tensor whose elements have memory of their own"));
}

TEST_CASE("index refuses what it cannot take") {
  Tensor x = zeros({2, 3});
  const Tensor i = tensor({0, 1});
  const auto error = [&](const std::vector<TensorIndex>& indices) {
    return error_of([&] { x.index(indices); });
  };
  CHECK(error({0, 0, 0}) ==
        "[index] too many indices: expected at most 2 for a tensor of shape [2, 3], got 3");
  CHECK(error({i, ones({3, 1}, {.dtype = kBool})}) ==
        "[index] too many indices: expected at most 2 for a tensor of shape [2, 3], got 3");
  CHECK(error({Ellipsis, Ellipsis}) == "[index] expected at most one Ellipsis, got 2");
  CHECK(error({zeros({2})}) ==
        "[index] expected index tensors of dtype int64, int32, uint8 or bool, got float32");
  CHECK(error({Slice(), tensor({0, 3})}) == "[index] expected indices in [-3, 2], got 3");
  CHECK(error({tensor({-3})}) == "[index] expected indices in [-2, 1], got -3");
  CHECK(error({2}) == "[select] expected an index in [-2, 1] for dimension 0 of [2, 3], got 2");
  CHECK(error({tensor({true, false, true})}) ==
        "[index] expected a mask of the sizes of the dimensions from 0 of [2, 3], got [3]");
  CHECK(error({i, tensor({0, 1, 2})}) ==
        "[index] expected shapes that broadcast (equal or 1, from the last dimension), got [2] and "
        "[3]");
  CHECK(error({Slice(None, None, -1)}) == "[slice] expected a step of 1 or more, got -1");
  CHECK(error_of([&] {
          x.index({"..", 0});
        }) == "[index] expected \"...\" as the only text among indices, got \"..\"");
  CHECK(has(error({Tensor()}), "[index] expected a defined tensor"));
  CHECK(has(error_of([] { Tensor().index({0}); }), "[index] expected a defined tensor"));
  CHECK(error_of([&] {
          x.index({i}) = zeros({3, 3});
        }) ==
        "[index_put_] expected shapes that broadcast (equal or 1, from the last dimension), got "
        "[2, 3] and [3, 3]");
  CHECK(error_of([&] {
          x.index({0}) = zeros({2, 3});
        }) == "[copy_] expected values that broadcast to the indexed shape [3], got [2, 3]");
  CHECK(error_of([&] {
          x.index_put_({i, i}, zeros({3, 2}));
        }) == "[index_put_] expected values that broadcast to the indexed shape [2], got [3, 2]");
  CHECK(error_of([&] {
          x.index_put_({i}, tensor({1, 2, 3}));
        }) ==
        "[index_put_] expected values of the dtype float32 that they are written to, got int64; "
        "convert them with to()");
  CHECK(has(error_of([&] { zeros({2}, {.dtype = kUInt8}).index({i}) = 300; }), "got 300"));
}
