// The dtype of operations on mixed operands, for all pairs, against torch.result_type.
#include "norma/autograd/promotion.h"

#include "norma/tests/support/catch.h"
#include "norma/tests/support/golden_file.h"

using namespace norma;

namespace {

DType dtype_named(const std::string& name) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  throw std::runtime_error("unknown dtype " + name);
}

Tensor operand(const std::string& dtype, const std::string& rank) {
  return ones(rank == "0" ? Shape{} : Shape{1}, {.dtype = dtype_named(dtype)});
}

}  // namespace

TEST_CASE("mixed dtypes are promoted as in PyTorch") {
  int pairs = 0;
  for (const GoldenLine& line : read_golden(NORMA_AUTOGRAD_TESTS "golden_promotion.txt")) {
    const std::vector<std::string>& w = line.words;
    const DType expected = dtype_named(w.back());
    const Tensor a = operand(w[0], w[1]);
    INFO(w[0] << " " << w[1] << ", " << w[2] << " " << w[3]);
    ++pairs;
    if (w.size() == 4) {
      const Scalar b = w[2] == "True" ? Scalar(true) : w[2] == "2" ? Scalar(2) : Scalar(2.5);
      CHECK(autograd::result_type(a, b) == expected);
      CHECK((a + b).dtype() == expected);
      CHECK((b * a).dtype() == expected);
      CHECK((a / b).dtype() == autograd::floating_type(expected));
      CHECK((b / a).dtype() == autograd::floating_type(expected));
      CHECK((a < b).dtype() == kBool);
      if (expected != kBool) CHECK(a.clamp(b, b).dtype() == expected);
      if (expected != kBool) CHECK(a.pow(b).dtype() == expected);
      continue;
    }
    const Tensor b = operand(w[2], w[3]);
    CHECK(autograd::result_type(a, b) == expected);
    CHECK((a + b).dtype() == expected);
    CHECK((a * b).dtype() == expected);
    CHECK((a / b).dtype() == autograd::floating_type(expected));
    CHECK(a.maximum(b).dtype() == expected);
    CHECK(where(tensor(true), a, b).dtype() == expected);
    CHECK((a == b).dtype() == kBool);
    CHECK((a == b).all().item<bool>());
    if (expected != kBool) CHECK(a.pow(b).dtype() == expected);
    if (w[1] == "1" && w[3] == "1") CHECK(cat({a, b}).dtype() == expected);
  }
  CHECK(pairs == 180);
}

TEST_CASE("any and all of bytes are bytes, as in PyTorch, and bools of every other type") {
  for (const DType dtype : {kFloat32, kFloat64, kInt64, kInt32, kBool, kUInt8}) {
    const Tensor x = tensor({{1, 0}, {1, 1}}).to(dtype);
    const DType expected = dtype == kUInt8 ? kUInt8 : kBool;
    for (const Tensor& result : {x.any(), x.all(), x.any(0), x.all(0)})
      CHECK(result.dtype() == expected);
    CHECK(x.any().item<int64_t>() == 1);
    CHECK(x.all().item<int64_t>() == 0);
    CHECK(equal(x.all(1), tensor({0, 1}).to(expected)));
  }
}
