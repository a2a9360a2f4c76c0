// What the operations of the tensor core refuse, word for word.
#include <functional>
#include <limits>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

struct Refusal {
  const char* message;
  std::function<void()> use;
};

const Tensor kRow = ones({3}), kMatrix = ones({2, 3}), kNumber = ones({}),
             kWhole = tensor({1, 2, 3}), kFlags = tensor({true, false, true}), kNone = ones({0, 3});

}  // namespace

TEST_CASE("operations refuse what they cannot do, and say what they expected") {
  const std::vector<Refusal> refusals = {
      // arithmetic
      {"[add] expected shapes that broadcast (equal or 1, from the last dimension), got [3] and "
       "[2]",
       [] { kRow + ones({2}); }},
      {"[mul] expected shapes that broadcast (equal or 1, from the last dimension), got [2, 3] and "
       "[2]",
       [] { kMatrix* ones({2}); }},
      {"[sub] expected numbers, got bool operands; use ne() or logical_not(), or convert with to()",
       [] { kFlags - kFlags; }},
      {"[sub] expected numbers, got bool operands; use ne() or logical_not(), or convert with to()",
       [] { kWhole - kFlags; }},
      {"[sub] expected numbers, got bool operands; use ne() or logical_not(), or convert with to()",
       [] { kFlags - 1; }},
      {"[sub] expected numbers, got bool operands; use ne() or logical_not(), or convert with to()",
       [] { 1 - kFlags; }},
      {"[neg] expected numbers, got a bool tensor; use logical_not()", [] { -kFlags; }},
      {"[pow] expected an exponent of 0 or more for integers, got a negative one; convert with "
       "to(kFloat32)",
       [] { kWhole.pow(-1); }},
      {"[pow] expected an exponent of 0 or more for integers, got a negative one; convert with "
       "to(kFloat32)",
       [] {
         kWhole.pow(tensor({1, -1, 0}));
       }},
      // choices
      {"[where] expected a condition of dtype bool, got int64; compare first, for example with "
       "gt(0)",
       [] { where(kWhole, kRow, kRow); }},
      {"[where] expected shapes that broadcast (equal or 1, from the last dimension), got [3] and "
       "[2]",
       [] { where(kFlags, kRow, ones({2})); }},
      {"[masked_fill] expected a mask of dtype bool, got float32",
       [] { kRow.masked_fill(kRow, 0); }},
      {"[maximum] expected shapes that broadcast (equal or 1, from the last dimension), got [3] "
       "and [2]",
       [] { kRow.maximum(ones({2})); }},
      {"[eq] expected shapes that broadcast (equal or 1, from the last dimension), got [3] and [2]",
       [] { static_cast<void>(kRow == ones({2})); }},
      // reductions
      {"[sum] expected a dimension in [-2, 1], got 2", [] { kMatrix.sum(2); }},
      {"[sum] expected every dimension at most once, got [0, -2]",
       [] {
         kMatrix.sum({0, -2});
       }},
      {"[mean] expected a floating tensor, got int64; convert with to(kFloat32)",
       [] { kWhole.mean(); }},
      {"[var] expected a floating tensor, got int64; convert with to()", [] { kWhole.var(); }},
      {"[std] expected a floating tensor, got bool; convert with to()", [] { kFlags.std(0); }},
      {"[norm] expected a floating tensor, got int64; convert with to()", [] { kWhole.norm(); }},
      {"[norm] expected at least one element to reduce, got shape [0, 3]", [] { kNone.norm(-1); }},
      {"[norm] expected a dimension in [-1, 0], got 1", [] { kRow.norm(2, 1); }},
      {"[max] expected at least one element to reduce, got shape [0, 3]", [] { kNone.max(); }},
      {"[min] expected at least one element to reduce, got shape [0, 3]", [] { kNone.min(0); }},
      {"[argmax] expected at least one element to reduce, got shape [0, 3]",
       [] { kNone.argmax(0); }},
      {"[argmin] expected at least one element to reduce, got shape [0, 3]",
       [] { kNone.argmin(); }},
      {"[max] expected a dimension in [-2, 1], got -3", [] { kMatrix.max(-3); }},
      {"[any] expected a dimension in [-1, 0], got 1", [] { kRow.any(1); }},
      {"[softmax] expected a dimension in [-2, 1], got 2", [] { kMatrix.softmax(2); }},
      {"[log_softmax] expected a dimension in [-1, 0], got 1", [] { kNumber.log_softmax(1); }},
      {"[allclose] expected shapes that broadcast (equal or 1, from the last dimension), got [3] "
       "and [2]",
       [] { allclose(kRow, ones({2})); }},
      // matrices
      {"[matmul] expected the last size of the first operand to equal the last but one (or only) "
       "size of the "
       "second, got [2, 3] and [2, 3]",
       [] { kMatrix.matmul(kMatrix); }},
      {"[matmul] expected the last size of the first operand to equal the last but one (or only) "
       "size of the "
       "second, got [3] and [2]",
       [] { kRow.matmul(ones({2})); }},
      {"[matmul] expected operands of 1 or more dimensions, got [] and [3]",
       [] { kNumber.matmul(kRow); }},
      {"[matmul] expected operands of one dtype, got float32 and float64; convert with to()",
       [] { kRow.matmul(kRow.to(kFloat64)); }},
      {"[matmul] expected shapes that broadcast (equal or 1, from the last dimension), got [2] and "
       "[4]",
       [] {
         ones({2, 3, 3}).matmul(ones({4, 3, 3}));
       }},
      {"[linear] expected a weight of shape [out_features, in_features], got [3]",
       [] { functional::linear(kRow, kRow); }},
      {"[linear] expected an input of shape [*, 3] for a weight of shape [2, 3], got [4, 2]",
       [] {
         functional::linear(ones({4, 2}), kMatrix);
       }},
      {"[linear] expected an input of shape [*, 6] for a weight of shape [2, 6], got [4, 1, 2, 3]; "
       "call flatten(1) on it, or put a Flatten before",
       [] {
         functional::linear(ones({4, 1, 2, 3}), ones({2, 6}));
       }},
      {"[linear] expected an input of shape [*, 6] for a weight of shape [2, 6], got [0, 2, 3]",
       [] {
         functional::linear(ones({0, 2, 3}), ones({2, 6}));
       }},
      {"[linear] expected an input of shape [*, 3] for a weight of shape [2, 3], got []",
       [] { functional::linear(kNumber, kMatrix); }},
      {"[linear] expected a bias of shape [2], got [3]",
       [] { functional::linear(kMatrix, kMatrix, kRow); }},
      {"[linear] expected a floating input of the weight's dtype float32, got float64; convert "
       "with to()",
       [] { functional::linear(kMatrix.to(kFloat64), kMatrix); }},
      {"[linear] expected a bias of the weight's dtype float32, got float64; convert with to()",
       [] { functional::linear(kMatrix, kMatrix, ones({2}, {.dtype = kFloat64})); }},
      // joins and picks
      {"[cat] expected at least one tensor, got none", [] { cat({}); }},
      {"[cat] expected tensors with dimensions, got a 0-d tensor; use stack()",
       [] {
         cat({kNumber, kNumber});
       }},
      {"[cat] expected sizes that agree except in dimension 0, got [2, 3] and [3]",
       [] {
         cat({kMatrix, kRow});
       }},
      {"[cat] expected sizes that agree except in dimension 1, got [2, 3] and [3, 3]",
       [] {
         cat({kMatrix, ones({3, 3})}, 1);
       }},
      {"[cat] expected a dimension in [-2, 1], got 2", [] { cat({kMatrix}, 2); }},
      {"[stack] expected at least one tensor, got none", [] { stack({}); }},
      {"[stack] expected tensors of one shape, got [2, 3] and [3]",
       [] {
         stack({kMatrix, kRow});
       }},
      {"[stack] expected a dimension in [-3, 2], got 3",
       [] {
         stack({kMatrix, kMatrix}, 3);
       }},
      {"[index_select] expected an index of dtype int64, got float32",
       [] { kRow.index_select(0, kRow); }},
      {"[index_select] expected indices in [0, 2], got 3",
       [] {
         kRow.index_select(0, tensor({0, 3}));
       }},
      {"[index_select] expected indices in [0, 2], got -1",
       [] { kRow.index_select(0, tensor({-1})); }},
      {"[index_select] expected a 1-d index, got one of shape [1, 1]",
       [] { kRow.index_select(0, tensor({{0}})); }},
      {"[index_select] expected an index of one element for a 0-d tensor, got 2",
       [] {
         kNumber.index_select(0, tensor({0, 0}));
       }},
      {"[index_select] expected a dimension in [-1, 0], got 1",
       [] { kRow.index_select(1, tensor({0})); }},
      {"[gather] expected an index of as many dimensions, no larger than [2, 3] except in "
       "dimension 1, got [3, 1]",
       [] {
         kMatrix.gather(1, zeros({3, 1}, {.dtype = kInt64}));
       }},
      {"[gather] expected an index of as many dimensions, no larger than [2, 3] except in "
       "dimension 0, got [2]",
       [] {
         kMatrix.gather(0, tensor({0, 1}));
       }},
      {"[gather] expected indices in [0, 1], got 2", [] { kMatrix.gather(0, tensor({{2}})); }},
      {"[gather] expected an index of dtype int64, got bool", [] { kRow.gather(0, kFlags); }},
      // views
      {"[reshape] expected sizes with 6 elements, as in [2, 3], got [4]",
       [] { kMatrix.reshape(4); }},
      {"[reshape] expected sizes with 6 elements, as in [2, 3], got [4, -1]",
       [] {
         kMatrix.reshape({4, -1});
       }},
      {"[reshape] expected sizes of 0 or more with at most one -1, got [-1, -1]",
       [] {
         kMatrix.reshape({-1, -1});
       }},
      {"[view] expected sizes of 0 or more with at most one -1, got [-2]",
       [] { kMatrix.view(-2); }},
      {"[view] expected sizes with 0 elements, as in [0, 3], got [-1, 0]",
       [] {
         kNone.view({-1, 0});
       }},
      {"[view] expected sizes with 3 elements, as in [3], got [4294967296, 4294967296, 4294967296]",
       [] {
         const int64_t large = int64_t{1} << 32;
         kRow.view({large, large, large});
       }},
      {"[view] expected a shape that the strides [1, 3] of [3, 2] allow without a copy, got [6]; "
       "use reshape()",
       [] { kMatrix.t().view(6); }},
      {"[flatten] expected start_dim not after end_dim, got 1 and 0",
       [] { kMatrix.flatten(1, 0); }},
      {"[flatten] expected a dimension in [-2, 1], got 2", [] { kMatrix.flatten(2); }},
      {"[transpose] expected a dimension in [-1, 0], got 1", [] { kRow.transpose(0, 1); }},
      {"[t] expected a tensor of at most 2 dimensions, got [1, 2, 3]",
       [] {
         ones({1, 2, 3}).t();
       }},
      {"[permute] expected one entry per dimension of [2, 3], got [0]", [] { kMatrix.permute(0); }},
      {"[permute] expected every dimension once, got [0, -2]",
       [] {
         kMatrix.permute({0, -2});
       }},
      {"[permute] expected a dimension in [-2, 1], got 2",
       [] {
         kMatrix.permute({0, 2});
       }},
      {"[squeeze] expected a dimension in [-1, 0], got 1", [] { kRow.squeeze(1); }},
      {"[unsqueeze] expected a dimension in [-2, 1], got 2", [] { kRow.unsqueeze(2); }},
      {"[narrow] expected a range within the 3 elements of dimension 0, got start 2 and length 2",
       [] { kRow.narrow(0, 2, 2); }},
      {"[narrow] expected a range within the 3 elements of dimension 0, got start -4 and length 1",
       [] { kRow.narrow(0, -4, 1); }},
      {"[narrow] expected a range within the 3 elements of dimension 0, got start 1 and length "
       "9223372036854775807",
       [] { kRow.narrow(0, 1, std::numeric_limits<int64_t>::max()); }},
      {"[narrow] expected a tensor with dimensions, got a 0-d tensor",
       [] { kNumber.narrow(0, 0, 1); }},
      {"[slice] expected a step of 1 or more, got 0", [] { kRow.slice(0, 0, 3, 0); }},
      {"[slice] expected a tensor with dimensions, got a 0-d tensor",
       [] { kNumber.slice(0, 0, 1); }},
      {"[select] expected an index in [-2, 1] for dimension 0 of [2, 3], got 2",
       [] { kMatrix[2]; }},
      {"[select] expected an index in [-3, 2] for dimension 1 of [2, 3], got -4",
       [] { kMatrix.select(1, -4); }},
      {"[select] expected a tensor with dimensions, got a 0-d tensor", [] { kNumber[0]; }},
      {"[expand] expected sizes that [2, 3] broadcasts to (only size 1 repeats), got [2, 6]",
       [] {
         kMatrix.expand({2, 6});
       }},
      {"[expand] expected sizes that [2, 3] broadcasts to (only size 1 repeats), got [3]",
       [] { kMatrix.expand(3); }},
      {"[expand] expected sizes that [3] broadcasts to (only size 1 repeats), got [-1, 3]",
       [] {
         kRow.expand({-1, 3});
       }},
  };
  for (const Refusal& refusal : refusals) CHECK(error_of(refusal.use) == refusal.message);
}

TEST_CASE("what lies at the edge is allowed") {
  const int64_t far = std::numeric_limits<int64_t>::max();
  CHECK(kRow.slice(0, 1, far, far).sizes() == Shape({1}));
  CHECK(kRow.slice(0, 0, far).sizes() == Shape({3}));
  CHECK(kRow.slice(0, -far, 2).sizes() == Shape({2}));
  CHECK(kRow.slice(0, 2, 1).sizes() == Shape({0}));
  CHECK(kNone.max(1).first.sizes() == Shape({0}));
  CHECK(kNone.sum(0).sizes() == Shape({3}));
  CHECK(tensor({3}).pow(39).item<int64_t>() == 4052555153018976267);
  CHECK(tensor({2}).pow(1000000000000).item<int64_t>() == 0);
  const int64_t top = std::numeric_limits<int64_t>::max();
  CHECK(tensor(top).add(1).item<int64_t>() == -top - 1);  // wraps around
  CHECK(tensor({top, top}).sum().item<int64_t>() == -2);
  CHECK(tensor({top, top}).mul(2).select(0, 0).item<int64_t>() == -2);
  CHECK(tensor({top, 2}).matmul(tensor({2, 0})).item<int64_t>() == -2);
}

TEST_CASE("allclose and equal") {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               inf = std::numeric_limits<double>::infinity();
  CHECK(allclose(tensor({1.0, 2.0}), tensor({1.0 + 1e-6, 2.0})));
  CHECK(!allclose(tensor({1.0, 2.0}), tensor({1.0, 2.1})));
  CHECK(allclose(tensor({1.0, 2.0}), tensor({1.05, 2.1}), 0.06));
  CHECK(allclose(tensor({0.0}), tensor({0.01}), 0, 0.02));
  CHECK(allclose(tensor({1.0, 1.0}), tensor(1.0)));
  CHECK(allclose(tensor({1, 2}), tensor({1.0, 2.0})));
  CHECK(!allclose(tensor({nan}), tensor({nan})));
  CHECK(allclose(tensor({inf, -inf}), tensor({inf, -inf})));
  CHECK(!allclose(tensor({inf}), tensor({-inf})));
  CHECK(!allclose(tensor({1.0}), tensor({inf}), 1.0));
  CHECK(allclose(kNone, kNone));
  CHECK(equal(kMatrix, ones({2, 3})));
  CHECK(equal(kMatrix.t(), ones({3, 2})));
  CHECK(!equal(kMatrix, ones({3, 2})));
  CHECK(!equal(tensor({nan}), tensor({nan})));
  CHECK(equal(tensor({1, 2}), tensor({1.0, 2.0})));
  CHECK(equal(kNone, kNone));
}
