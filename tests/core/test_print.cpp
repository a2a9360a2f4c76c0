// Printed tensors, character for character, against PyTorch's repr.
#include <fstream>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

DType dtype_named(const std::string& name) {
  for (DType dtype : {kBool, kUInt8, kInt64, kFloat32}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  return kFloat64;
}

/// "tensor float32 2 3 | values", or an arange where there are no values.
Tensor described(const std::string& line) {
  std::istringstream words(line);
  std::string word, dtype;
  words >> word >> dtype;
  Shape sizes;
  std::vector<double> values;
  bool has_values = false;
  while (words >> word) {
    if (word == "|") {
      has_values = true;
    } else if (has_values) {
      values.push_back(std::strtod(word.c_str(), nullptr));
    } else {
      sizes.push_back(std::stoll(word));
    }
  }
  const Tensor x = has_values ? tensor(values) : arange(sizes.numel()).to(kFloat64) * 0.5 - 3;
  return x.reshape(sizes).to(dtype_named(dtype));
}

}  // namespace

TEST_CASE("tensors print as in PyTorch") {
  std::ifstream file(NORMA_CORE_TESTS "golden_print.txt");
  REQUIRE(file);
  Tensor plain;
  std::string source, state, expected, line;
  int texts = 0;
  const auto check = [&] {
    if (expected.empty()) return;
    INFO(source << ", " << state);
    Tensor x = plain;
    if (state != "plain") x = plain.clone().requires_grad_();
    if (state == "mul") x = x * 1;
    CHECK(x.str() == expected);
    // The layout in memory must not show.
    if (state == "plain") CHECK(scattered(x).str() == expected);
    expected.clear();
    ++texts;
  };
  while (std::getline(file, line)) {
    if (line[0] == '#') {
      expected += (expected.empty() ? "" : "\n") + line.substr(1);
      continue;
    }
    check();
    if (line[0] == '>') {
      state = line.substr(2);
    } else {
      source = line;
      plain = described(line);
    }
  }
  check();
  CHECK(texts > 400);
}

TEST_CASE("what a stream shows is str()") {
  std::ostringstream out;
  out << tensor({{1.5, 2.0}}) << Tensor() << Shape({2, 3}) << kUInt8;
  CHECK(out.str() == "tensor([[1.5000, 2.0000]])tensor(undefined)[2, 3]uint8");
  const Tensor x = ones({2}).requires_grad_();
  CHECK(x.log_softmax(0).str() == "tensor([-0.6931, -0.6931], grad_fn=<LogSoftmaxBackward0>)");
  CHECK(Shape().str() == "[]");
}
