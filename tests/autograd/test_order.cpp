// Order and counts: derivatives, equal elements, both kernels, and what is refused. Values:
// tests/parity/families/order.py.
#include <limits>
#include <memory>

#include "norma/core/kernels/order.h"
#include "norma/core/kernels/plain/order.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

/// Both kernels on lines of `length` numbers, some of them equal, NaN, or a zero of either sign.
template <class T>
void compare_kernels(int64_t length, int64_t lines) {
  const kernels::MiddleShape shape(lines / 2, length, 2);
  const Tensor drawn = randint(std::is_unsigned_v<T> ? 0 : -100, 100, {shape.lines() * length});
  const auto x = std::make_unique<T[]>(static_cast<std::size_t>(drawn.numel()));
  std::size_t at = 0;
  for (const double v : to_vector(drawn)) {
    x[at++] = static_cast<T>(v != 7 || std::is_integral_v<T> ? v == 3   ? -0.0
                                                               : v == 4 ? 0.0
                                                                        : v
                                                             : NAN);
  }
  for (const int64_t count : {int64_t{1}, length / 3, length}) {
    for (const bool descending : {false, true}) {
      std::vector<int64_t> got(static_cast<std::size_t>(shape.lines() * count)), want = got;
      kernels::first_positions(got.data(), x.get(), shape, count, descending);
      kernels::plain::first_positions(want.data(), x.get(), shape.outer, length, shape.inner, count,
                                      descending);
      CHECK(got == want);
    }
  }
  for (const int64_t k : {int64_t{0}, length / 2, length - 1}) {
    std::vector<int64_t> got(static_cast<std::size_t>(shape.lines())), want = got;
    kernels::kth_position(got.data(), x.get(), shape, k);
    kernels::plain::kth_position(want.data(), x.get(), shape.outer, length, shape.inner, k);
    CHECK(got == want);
  }
}

}  // namespace

TEST_CASE("both kernels order alike, on any number of threads") {
  manual_seed(1);
  for (const int threads : {1, 3}) {
    const ThreadCount guard(threads);
    for (const int64_t length : {1, 2, 50, 1023, 1024, 1500}) {
      INFO(length);
      compare_kernels<float>(length, 4);
      compare_kernels<double>(length, 4);
      compare_kernels<int64_t>(length, 4);
      compare_kernels<uint8_t>(length, 2);
      compare_kernels<bool>(length, 2);
    }
  }
}

TEST_CASE("values in order have first and second derivatives") {
  const Tensor x = tensor({{0.9, -1.2, 2.1}, {-0.4, 1.6, 0.7}, {1.4, -2.3, 0.2}},
                          {.dtype = kFloat64, .requires_grad = true});
  using Run = std::function<Tensor(const Tensor&)>;
  const std::vector<std::pair<const char*, Run>> cases = {
      {"sort", [](const Tensor& v) { return v.sort(0).first.cumsum(0).square(); }},
      {"sort, descending",
       [](const Tensor& v) { return v.sort(-1, true).first.cumsum(1).square(); }},
      {"topk", [](const Tensor& v) { return v.topk(2, 1).first.square(); }},
      {"topk, smallest", [](const Tensor& v) { return v.topk(2, 0, false).first.square(); }},
      {"kthvalue", [](const Tensor& v) { return v.kthvalue(2).first.square(); }}};
  for (const auto& [name, run] : cases) {
    INFO(name);
    const Run& function = run;
    CHECK(gradient_error([&](const std::vector<Tensor>& v) { return function(v[0]); }, {x}) == "");
  }
}

TEST_CASE("equal elements, NaN, zeros of both signs and single numbers in order") {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor_of({nan, 1, -0.0, inf, 0.0, nan, -inf, 1}, {8});
  CHECK(to_vector(x.argsort()) == std::vector<double>{6, 2, 4, 1, 7, 3, 0, 5});
  CHECK(to_vector(x.argsort(0, true)) == std::vector<double>{0, 5, 3, 1, 7, 2, 4, 6});
  CHECK(std::signbit(to_vector(x.sort().first)[1]));
  CHECK(to_vector(x.topk(3).second) == std::vector<double>{0, 5, 3});
  CHECK(to_vector(x.topk(3, 0, false).second) == std::vector<double>{6, 2, 4});
  CHECK(x.kthvalue(8).second.item<int64_t>() == 5);
  CHECK(x.kthvalue(2).first.sizes() == Shape{});
  CHECK(x.kthvalue(2, 0, true).first.sizes() == Shape{1});
  const Tensor number = tensor(3.0);
  CHECK(number.sort().first.item<double>() == 3);
  CHECK(number.argsort().sizes() == Shape{});
  CHECK(number.topk(1).first.item<double>() == 3);
  CHECK(number.kthvalue(1).second.item<int64_t>() == 0);
  CHECK(zeros({3, 0}).sort().second.dtype() == kInt64);
  CHECK(zeros({2, 3}).topk(0).first.sizes() == Shape{2, 0});
  const int64_t far = INT64_MAX;
  CHECK(
      equal(tensor({far, -far - 1, int64_t{0}}).sort().first, tensor({-far - 1, int64_t{0}, far})));
  CHECK(equal(norma::sort(x.slice(0, 1, 5)).first, x.slice(0, 1, 5).sort().first));
  CHECK(equal(norma::argsort(x), x.argsort()));
  CHECK(equal(norma::topk(x, 2).second, x.topk(2).second));
}

TEST_CASE("unique elements, where they are, and how often") {
  const Tensor x = tensor({{3, 1, 3}, {2, 1, 1}});
  CHECK(equal(x.unique(), tensor({1, 2, 3})));
  CHECK(equal(norma::unique(x), x.unique()));
  const auto [values, inverse, counts] = x.unique(true, true, true);
  CHECK(equal(values.index_select(0, inverse.flatten()).reshape(x.sizes()), x));
  CHECK(equal(counts, tensor({3, 1, 2})));
  CHECK(std::get<1>(x.unique(true, false)).numel() == 0);
  CHECK(equal(tensor({1, 1, 2, 1}).unique_consecutive(), tensor({1, 2, 1})));
  CHECK(
      equal(std::get<2>(tensor({1, 1, 2, 1}).unique_consecutive(false, true)), tensor({2, 1, 1})));
  CHECK(tensor_of({NAN, NAN, 1}, {3}).unique().numel() == 3);  // no NaN is like another
  CHECK_FALSE(ones({2}, {.requires_grad = true}).unique().requires_grad());
}

TEST_CASE("places, counts and classes") {
  const Tensor edges = tensor({1.0, 3.0, 5.0});
  CHECK(equal(searchsorted(edges, tensor({{3.0, 0.0}, {9.0, 1.0}})), tensor({{1, 0}, {3, 0}})));
  CHECK(equal(searchsorted(edges, tensor({3.0, 0.5}), true), tensor({2, 0})));
  CHECK(searchsorted(edges, 4).item<int64_t>() == 2);
  CHECK(searchsorted(tensor({1, 3}), 2.5).item<int64_t>() == 1);
  CHECK(equal(searchsorted(tensor({{1, 3}, {2, 2}}), tensor({{2}, {2}})), tensor({{1}, {0}})));
  CHECK(equal(bucketize(tensor({1, 2}), edges), tensor({0, 1})));
  CHECK(equal(bucketize(tensor({1, 2}), edges, true), tensor({1, 1})));
  CHECK(searchsorted(edges, tensor(std::vector<float>{NAN})).item<int64_t>() == 3);

  CHECK(equal(tensor({1, 3, 1}).bincount(), tensor({0, 2, 0, 1})));
  CHECK(equal(norma::bincount(tensor({1, 3, 1})), tensor({0, 2, 0, 1})));
  CHECK(tensor({1}).bincount(5).numel() == 5);
  CHECK(equal(tensor({1, 0}).bincount(tensor({0.5, 2.0})), tensor({2.0, 0.5})));
  CHECK(tensor({1, 0}).bincount(tensor({1, 2})).dtype() == kFloat64);
  CHECK(tensor(std::vector<int64_t>{}).bincount().numel() == 0);
  CHECK(equal(tensor({1.0, 2.0, 1.0, NAN, 9.0}).histc(4, 0, 3), tensor({0.0, 2.0, 1.0, 0.0})));
  CHECK(equal(tensor({1.0, 2.0, 1.0}).histc(4), tensor({2.0, 0.0, 0.0, 1.0})));
  CHECK(equal(tensor({1.0, 1.0}).histc(4), tensor({0.0, 0.0, 2.0, 0.0})));

  CHECK(equal(functional::one_hot(tensor({0, 2})), tensor({{1, 0, 0}, {0, 0, 1}})));
  CHECK(functional::one_hot(tensor(1), 4).sizes() == Shape{4});
  CHECK(functional::one_hot(tensor(std::vector<int64_t>{}), 3).sizes() == Shape{0, 3});
  CHECK(equal(tril_indices(2, 3), tensor({{0, 1, 1}, {0, 0, 1}})));
  CHECK(equal(triu_indices(2, 3, 1), tensor({{0, 0, 1}, {1, 2, 2}})));
  CHECK(tril_indices(int64_t{1} << 60, 3, -(int64_t{1} << 60) + 1).sizes() == Shape{2, 1});
  CHECK(triu_indices(int64_t{1} << 60, 1).sizes() == Shape{2, 1});
  CHECK(mismatch(logspace(0, 3, 4), tensor({1.0, 10.0, 100.0, 1000.0}), 1e-6) == "");
  CHECK(equal(logspace(0, 3, 4, 2, {.dtype = kInt64}), tensor({1, 2, 4, 8})));
}

TEST_CASE("order and counts refuse what they cannot do") {
  const Tensor row = ones({3}), flags = tensor({true, false}), other;
  const std::vector<std::pair<std::string, std::function<void()>>> refusals = {
      {"[sort] expected a dimension in [-1, 0], got 1", [&] { row.sort(1); }},
      {"[argsort] expected a dimension in [-1, 0], got -2", [&] { row.argsort(-2); }},
      {"[topk] expected k from 0 to the 3 elements of dimension 0, got 4", [&] { row.topk(4); }},
      {"[topk] expected numbers, got bool", [&] { flags.topk(1); }},
      {"[kthvalue] expected k from 1 to the 3 elements of dimension 0, got 0",
       [&] { row.kthvalue(0); }},
      {"[kthvalue] expected numbers, got bool", [&] { flags.kthvalue(1); }},
      {"[searchsorted] expected a sorted vector, or sorted rows of the shape of the values except "
       "in the last dimension, got [2, 3] and [3, 3]",
       [] {
         searchsorted(ones({2, 3}), ones({3, 3}));
       }},
      {"[searchsorted] expected a sorted vector, or sorted rows of the shape of the values except "
       "in the last dimension, got [] and [3]",
       [&] { searchsorted(ones({}), row); }},
      {"[searchsorted] expected a sorted vector for a single value, got [2, 3]",
       [] {
         searchsorted(ones({2, 3}), 1);
       }},
      {"[bucketize] expected a vector of boundaries, got [2, 3]",
       [&] {
         bucketize(row, ones({2, 3}));
       }},
      {"[bincount] expected a vector of integers, got float32 [3]", [&] { row.bincount(); }},
      {"[bincount] expected a vector of integers, got bool [2]", [&] { flags.bincount(); }},
      {"[bincount] expected integers of 0 or more, got -3",
       [] {
         tensor({1, -3}).bincount();
       }},
      {"[bincount] expected a minlength of 0 or more, got -1", [] { arange(3).bincount(-1); }},
      {"[bincount] expected integers below 2^63 - 1, got 9223372036854775807",
       [] { tensor({INT64_MAX}).bincount(); }},
      {"[bincount] expected a weight for each of the integers [2], got [3]",
       [&] { arange(2).bincount(row); }},
      {"[histc] expected a floating input, got int64; convert it with to(kFloat32)",
       [] { arange(3).histc(); }},
      {"[histc] expected 1 bin or more, got 0", [&] { row.histc(0); }},
      {"[histc] expected a finite range, got [1.0, inf]",
       [] {
         tensor({1.0, std::numeric_limits<double>::infinity()}).histc();
       }},
      {"[histc] expected a max of at least min, got [2.0, 1.0]", [&] { row.histc(3, 2, 1); }},
      {"[one_hot] expected classes of dtype int64, got float32", [&] { functional::one_hot(row); }},
      {"[one_hot] expected classes below num_classes 2, got 2",
       [] {
         functional::one_hot(tensor({0, 2}), 2);
       }},
      {"[one_hot] expected classes of 0 or more, got -2",
       [] { functional::one_hot(tensor({-2})); }},
      {"[one_hot] expected a number of classes for an empty tensor, got -1",
       [] { functional::one_hot(arange(0)); }},
      {"[tril_indices] expected sizes of 0 or more, got -1 and 2", [] { tril_indices(-1, 2); }},
      {"[triu_indices] expected sizes of 0 or more, got 2 and -1", [] { triu_indices(2, -1); }},
      {"[logspace] expected 0 steps or more, got -1", [] { logspace(0, 1, -1); }},
  };
  for (const auto& [message, use] : refusals) CHECK(error_of(use) == message);
  CHECK(error_of([&] { other.sort(); }).find("[sort] expected a defined tensor") == 0);
  CHECK(error_of([&] { other.unique(); }).find("[unique] expected a defined tensor") == 0);
  CHECK(error_of([&] { row.bincount(other); }).find("[bincount] expected a defined tensor") == 0);
}

TEST_CASE("a number is searched for in the dtype of floating values") {
  CHECK(searchsorted(tensor({0.1}), 0.1, true).item<int64_t>() == 1);
  CHECK(searchsorted(tensor({0.7}), 0.7).item<int64_t>() == 0);
  CHECK(searchsorted(tensor({0.1}, {.dtype = kFloat64}), 0.1, true).item<int64_t>() == 1);
  CHECK(searchsorted(tensor({1, 2, 3}, {.dtype = kUInt8}), 300).item<int64_t>() == 3);
}
