// Printed tensors, character for character, against PyTorch's repr.
#include <clocale>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"
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

TEST_CASE("numbers have a point in every locale") {
  const TempFolder folder;
  write_bytes(
      folder / "source",
      "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n");
  // It complains of what else a locale might have.
  static_cast<void>(std::system(
      ("localedef -c -i '" + folder / "source" + "' '" + folder / "comma" + "' > /dev/null 2>&1")
          .c_str()));
  REQUIRE(setenv("LOCPATH", folder.path().c_str(), 1) == 0);
  if (!std::setlocale(LC_ALL, "comma")) {
    unsetenv("LOCPATH");
    WARN("skipped: localedef has no character maps here (Debian's package locales)");
    return;
  }
  char text[8];
  std::snprintf(text, sizeof text, "%.1f", 0.5);
  CHECK(std::string(text) == "0,5");
  CHECK(tensor({0.5, 1.25}).str() == "tensor([0.5000, 1.2500])");
  CHECK(tensor({1e-7, 1.5e4}).str() == "tensor([1.0000e-07, 1.5000e+04])");
  CHECK(error_of([] { bernoulli_(zeros({2}), 1.5); }) ==
        "[bernoulli_] expected a probability from 0 to 1, got 1.5");
  CHECK(error_of([] { arange(0.0, 1.5, -0.25); }) ==
        "[arange] expected an end that the step leads to, got start 0.0, end 1.5, step -0.25");
  std::setlocale(LC_ALL, "C");
  unsetenv("LOCPATH");
}
