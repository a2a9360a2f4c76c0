// Shapes, dtypes and scalars: the small value types.
#include "norma/core/shape.h"

#include <sstream>

#include "norma/core/factory.h"
#include "norma/core/scalar.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("a shape is a short list of numbers") {
  const std::vector<int64_t> values = {4, 5};
  Shape s = {2, 3};
  CHECK(s.size() == 2);
  CHECK(s.front() == 2);
  CHECK(s.back() == 3);
  CHECK(s.contains(3));
  CHECK(!s.contains(4));
  CHECK(Shape(7) == Shape({7}));
  CHECK(Shape(values) == Shape({4, 5}));
  CHECK_FALSE(Shape({2}) == Shape({2, 1}));
  CHECK(Shape::filled(3, 9) == Shape({9, 9, 9}));
  CHECK(Shape().empty());
  s.insert(1, 7);
  s.insert(3, 8);
  s.insert(0, 6);
  CHECK(s == Shape({6, 2, 7, 3, 8}));
  s.erase(0);
  s.erase(3);
  CHECK(s == Shape({2, 7, 3}));
  s.push_back(0);
  CHECK(s == Shape({2, 7, 3, 0}));
  CHECK(std::vector<int64_t>(s.begin(), s.end()) == std::vector<int64_t>({2, 7, 3, 0}));
  std::ostringstream out;
  out << s << Shape() << Shape(1);
  CHECK(out.str() == "[2, 7, 3, 0][][1]");
}

TEST_CASE("the number of elements") {
  CHECK(Shape().numel() == 1);
  CHECK(Shape({2, 3, 4}).numel() == 24);
  CHECK(Shape({2, 0, 4}).numel() == 0);
  const int64_t large = int64_t{1} << 40;
  CHECK(Shape({large, 0}).numel() == 0);
  // The strides of an empty tensor have to fit as well.
  const std::string too_many = "[shape] expected fewer than 2^63 elements, got sizes ";
  for (const Shape& sizes : {Shape{large, large, 0}, Shape{0, large, large}, Shape{large, 0, large},
                             Shape{int64_t{1} << 62, 2}}) {
    CHECK(error_of([=] { sizes.numel(); }) == too_many + sizes.str());
    CHECK(error_of([=] { contiguous_strides(sizes); }) == too_many + sizes.str());
    CHECK(error_of([=] { empty(sizes); }) == too_many + sizes.str());
    CHECK(error_of([=] { empty({0}).view(sizes); }) != "no error");
  }
  CHECK(error_of([=] {
          Shape({large, large}).numel();
        }) ==
        "[shape] expected fewer than 2^63 elements, got sizes [1099511627776, 1099511627776]");
}

TEST_CASE("an entry that is not there is refused") {
  Shape s = {2, 3};
  CHECK(error_of([&] { s[2] = 1; }) == "[shape] expected an entry in [0, 2) of [2, 3], got 2");
  CHECK(error_of([&] { static_cast<void>(std::as_const(s)[-1]); }) ==
        "[shape] expected an entry in [0, 2) of [2, 3], got -1");
  CHECK(error_of([&] { s.erase(2); }) == "[shape] expected an entry in [0, 2) of [2, 3], got 2");
  CHECK(error_of([&] { s.insert(3, 1); }) != "no error");
  CHECK(error_of([&] { s.insert(-1, 1); }) != "no error");
  CHECK(s == Shape({2, 3}));
  CHECK(error_of([] { static_cast<void>(Shape().front()); }) != "no error");
  CHECK(error_of([] { static_cast<void>(Shape().back()); }) != "no error");
}

TEST_CASE("at most twelve dimensions") {
  Shape s = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  CHECK(error_of([&] { s.push_back(9); }) == "[shape] expected at most 12 dimensions, got 13");
  CHECK(error_of([&] { s.insert(0, 9); }) == "[shape] expected at most 12 dimensions, got 13");
  CHECK(error_of([] {
          Shape({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
        }) == "[shape] expected at most 12 dimensions, got 14");
  CHECK(s == Shape({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST_CASE("strides, broadcasting and dimensions counted from the end") {
  CHECK(contiguous_strides({2, 3, 4}) == Shape({12, 4, 1}));
  CHECK(contiguous_strides({2, 0, 4}) == Shape({4, 4, 1}));
  CHECK(contiguous_strides({}) == Shape());
  CHECK(broadcast_shapes({2, 1, 3}, {4, 1}, "op") == Shape({2, 4, 3}));
  CHECK(broadcast_shapes({}, {2, 3}, "op") == Shape({2, 3}));
  CHECK(broadcast_shapes({1}, {0}, "op") == Shape({0}));
  CHECK(broadcast_shapes({3}, {3}, "op") == Shape({3}));
  CHECK(error_of([] {
          broadcast_shapes({2, 3}, {2}, "op");
        }) ==
        "[op] expected shapes that broadcast (equal or 1, from the last dimension), got [2, 3] and "
        "[2]");
  CHECK(error_of([] { broadcast_shapes({2}, {0}, "op"); }).find("got [2] and [0]") !=
        std::string::npos);
  CHECK(wrap_dim(-1, 3, "op") == 2);
  CHECK(wrap_dim(2, 3, "op") == 2);
  CHECK(wrap_dim(-1, 0, "op") == 0);
  CHECK(wrap_dim(0, 0, "op") == 0);
  CHECK(error_of([] { wrap_dim(3, 3, "op"); }) == "[op] expected a dimension in [-3, 2], got 3");
  CHECK(error_of([] { wrap_dim(-4, 3, "op"); }) == "[op] expected a dimension in [-3, 2], got -4");
  CHECK(error_of([] { wrap_dim(1, 0, "op"); }) == "[op] expected a dimension in [-1, 0], got 1");
}

TEST_CASE("dtypes") {
  CHECK(item_size(kBool) == 1);
  CHECK(item_size(kUInt8) == 1);
  CHECK(item_size(kInt32) == 4);
  CHECK(item_size(kInt64) == 8);
  CHECK(item_size(kFloat32) == 4);
  CHECK(item_size(kFloat64) == 8);
  CHECK(is_floating(kFloat32));
  CHECK(is_floating(kFloat64));
  CHECK(!is_floating(kInt64));
  CHECK(!is_floating(kInt32));
  std::ostringstream out;
  out << kBool << kUInt8 << kInt32 << kInt64 << kFloat32 << kFloat64;
  CHECK(out.str() == "booluint8int32int64float32float64");
  CHECK(dispatch(kUInt8, []<class T>() { return sizeof(T); }) == 1);
  CHECK(dispatch(kFloat64, []<class T>() { return dtype_of<T>; }) == kFloat64);
}

TEST_CASE("a scalar remembers what kind of number it was") {
  CHECK(Scalar(true).dtype() == kBool);
  CHECK(Scalar(3).dtype() == kInt64);
  CHECK(Scalar(uint8_t{3}).dtype() == kInt64);
  CHECK(Scalar(3.0f).dtype() == kFloat64);
  CHECK(Scalar(0.5).to<double>() == 0.5);
  CHECK(Scalar(2.9).to<int64_t>() == 2);
  CHECK(Scalar(0.5).to<bool>());
  CHECK(!Scalar(0).to<bool>());
  const int64_t large = (int64_t{1} << 53) + 1;
  CHECK(Scalar(large).to<int64_t>() == large);
  // A pointer is no number, though C++ would take it for true.
  CHECK(!std::convertible_to<const char*, Scalar>);
  CHECK(!std::convertible_to<float*, Scalar>);
  CHECK(!std::convertible_to<std::nullptr_t, Scalar>);
  CHECK(Scalar(uint64_t{1} << 63).dtype() == kFloat64);
  CHECK(Scalar(uint64_t{1} << 63).to<double>() == 0x1p63);
  CHECK(Scalar(UINT64_MAX / 2).dtype() == kInt64);
}
