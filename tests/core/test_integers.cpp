// Integers at the ends of their range, and what NaN and large numbers become, as in PyTorch.
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/golden_file.h"

using namespace norma;

namespace {

const std::map<std::string, DType> kTypes = {
    {"f32", kFloat32}, {"f64", kFloat64}, {"i64", kInt64}, {"i32", kInt32}, {"u8", kUInt8}};

Tensor integer(const std::string& text, DType dtype) {
  return tensor(std::vector<int64_t>{std::stoll(text)}).to(dtype);
}

using Unary = std::function<Tensor(const Tensor&)>;
using Binary = std::function<Tensor(const Tensor&, const Tensor&)>;

const std::map<std::string, Unary> kUnary = {{"neg", [](const Tensor& x) { return -x; }},
                                             {"abs", [](const Tensor& x) { return x.abs(); }},
                                             {"square", [](const Tensor& x) { return x.square(); }},
                                             {"pow_3", [](const Tensor& x) { return x.pow(3); }},
                                             {"relu", [](const Tensor& x) { return x.relu(); }},
                                             {"sum_twice", [](const Tensor& x) {
                                                return cat({x, x}).sum();
                                              }}};
const std::map<std::string, Binary> kBinary = {
    {"add", [](const Tensor& x, const Tensor& y) { return x + y; }},
    {"sub", [](const Tensor& x, const Tensor& y) { return x - y; }},
    {"mul", [](const Tensor& x, const Tensor& y) { return x * y; }},
    {"maximum", [](const Tensor& x, const Tensor& y) { return maximum(x, y); }}};

}  // namespace

TEST_CASE("conversions to integers and their arithmetic give PyTorch's numbers") {
  std::set<std::string> seen;
  for (const GoldenLine& line : read_golden(NORMA_CORE_TESTS "golden_integers.txt")) {
    const std::vector<std::string>& w = line.words;
    std::string all;
    for (const std::string& word : w) all += word + " ";
    INFO(all);
    seen.insert(w[0]);
    if (w[0] == "cast") {
      const Tensor x = tensor({std::stod(w[3])}, {.dtype = kTypes.at(w[1])});
      CHECK(x.to(kTypes.at(w[2])).item<int64_t>() == std::stoll(w[4]));
    } else if (w[0] == "make") {
      const Tensor x = tensor({std::stod(w[2])}, {.dtype = kTypes.at(w[1])});
      CHECK(x.item<int64_t>() == std::stoll(w[3]));
    } else if (w[0] == "refuse") {
      const DType dtype = kTypes.at(w[1]);
      const std::string words =
          std::string("expected a value that fits ") + dtype_name(dtype) + ", got ";
      CHECK(error_of([&] {
              tensor({std::stod(w[2])}, {.dtype = dtype});
            }).find("[tensor] " + words) == 0);
      CHECK(error_of([&] {
              full({1}, std::stod(w[2]), {.dtype = dtype});
            }).find("[full] " + words) == 0);
    } else if (w[0] == "div") {
      const DType dtype = kTypes.at(w[1]);
      const float quotient = (integer(w[2], dtype) / integer(w[3], dtype)).item<float>();
      const float want = static_cast<float>(std::stod(w[4]));
      CHECK((quotient == want || (std::isnan(quotient) && std::isnan(want))));
    } else if (w.size() == 4) {
      const DType dtype = kTypes.at(w[1]);
      CHECK(kUnary.at(w[0])(integer(w[2], dtype)).item<int64_t>() == std::stoll(w[3]));
    } else {
      const DType dtype = kTypes.at(w[1]);
      CHECK(kBinary.at(w[0])(integer(w[2], dtype), integer(w[3], dtype)).item<int64_t>() ==
            std::stoll(w[4]));
    }
  }
  CHECK(seen.size() == kUnary.size() + kBinary.size() + 4);
}

TEST_CASE("item() refuses what the integer asked for does not hold") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(error_of([&] { tensor({nan}).item<int64_t>(); }) ==
        "[item] expected a value that fits the integer asked for, got nan; ask for a double");
  for (const double value : {0x1p63, -0x1.1p63, 1e300, -1e300, nan})
    CHECK_THROWS_AS(tensor({value}, {.dtype = kFloat64}).item<int64_t>(), Error);
  for (const double value : {0x1p31, -0x1.1p31, nan})
    CHECK_THROWS_AS(tensor({value}, {.dtype = kFloat64}).item<int>(), Error);
  for (const double value : {256.0, -1.0, nan})
    CHECK_THROWS_AS(tensor({value}, {.dtype = kFloat64}).item<uint8_t>(), Error);
  CHECK_THROWS_AS(tensor({int64_t{1} << 31}).item<int>(), Error);
  CHECK_THROWS_AS(tensor({-1}).item<uint8_t>(), Error);
  CHECK(tensor({-0x1p63}).item<int64_t>() == std::numeric_limits<int64_t>::min());
  CHECK(tensor({-0x1p31}).item<int>() == std::numeric_limits<int>::min());
  CHECK(tensor({255.5}).item<uint8_t>() == 255);
  CHECK(tensor({-1.9}).item<int>() == -1);
  CHECK(tensor({std::numeric_limits<int64_t>::max()}).item<int64_t>() ==
        std::numeric_limits<int64_t>::max());
  CHECK(tensor({1e300}, {.dtype = kFloat64}).item<float>() ==
        std::numeric_limits<float>::infinity());
  CHECK(tensor({nan}).item<bool>());
}
