// Printed tensors, character for character, against PyTorch's repr.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/comma_locale.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

DType dtype_named(const std::string& name) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32}) {
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

/// "options profile=short precision=2"
PrintOptions options_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  PrintOptions options;
  while (words >> word) {
    const std::string name = word.substr(0, word.find('=')), value = word.substr(name.size() + 1);
    if (name == "profile") {
      options.profile = value;
    } else if (name == "sci_mode") {
      options.sci_mode = value == "True";
    } else if (name == "threshold") {
      options.threshold = std::strtod(value.c_str(), nullptr);
    } else {
      auto& number = name == "precision"   ? options.precision
                     : name == "edgeitems" ? options.edgeitems
                                           : options.linewidth;
      number = std::stoll(value);
    }
  }
  return options;
}

}  // namespace

TEST_CASE("tensors print as in PyTorch") {
  const PrintOptionsGuard as_they_are({});

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
    } else if (line.starts_with("options")) {
      set_print_options({.profile = "default"});
      set_print_options(options_of(line));
    } else {
      source = line;
      plain = described(line);
    }
  }
  check();
  CHECK(texts > 1000);
}

TEST_CASE("print options keep what is not set") {
  const PrintOptionsGuard as_they_are({});
  const Tensor x = tensor({0.123456789, 20.0});
  set_print_options({.precision = 2});
  CHECK(x.str() == "tensor([ 0.12, 20.00])");
  set_print_options({.sci_mode = true});
  CHECK(x.str() == "tensor([1.23e-01, 2.00e+01])");
  // As PyTorch has it: a call without sci_mode lets the numbers decide again.
  set_print_options({.linewidth = 10});
  CHECK(x.str() == "tensor([ 0.12,\n        20.00])");
  {
    const PrintOptionsGuard more({.precision = 0, .sci_mode = false});
    CHECK(x.str() == "tensor([ 0,\n        20])");
  }
  CHECK(x.str() == "tensor([ 0.12,\n        20.00])");
  const PrintOptions now = print_options();
  CHECK(now.precision == 2);
  CHECK(now.threshold == 1000);
  CHECK(now.edgeitems == 3);
  CHECK(now.linewidth == 10);
  CHECK(now.profile.empty());
  CHECK_FALSE(now.sci_mode);
  set_print_options({.profile = "full", .sci_mode = true});
  CHECK(print_options().threshold == INFINITY);
  CHECK(print_options().sci_mode == true);
  set_print_options(now);
  CHECK(x.str() == "tensor([ 0.12,\n        20.00])");
  CHECK(print_options().threshold == 1000);
}

TEST_CASE("print options that cannot be are refused, and nothing is changed") {
  const PrintOptionsGuard as_they_are({});
  const auto refusal = [](const PrintOptions& options) {
    return error_of([&] { set_print_options(options); });
  };
  CHECK(refusal({.precision = -1, .sci_mode = true}) ==
        "[set_print_options] expected precision from 0 to 1000, got -1");
  CHECK(refusal({.precision = 1001}) ==
        "[set_print_options] expected precision from 0 to 1000, got 1001");
  CHECK(refusal({.precision = 1, .threshold = -0.5}) ==
        "[set_print_options] expected threshold of at least 0, got -0.5");
  CHECK(refusal({.threshold = std::nan("")}) ==
        "[set_print_options] expected threshold of at least 0, got nan");
  CHECK(refusal({.precision = 1, .edgeitems = -1}) ==
        "[set_print_options] expected edgeitems of at least 0, got -1");
  CHECK(refusal({.linewidth = -1, .profile = "short"}) ==
        "[set_print_options] expected linewidth of at least 0, got -1");
  CHECK(refusal({.precision = 1, .profile = "Short"}) ==
        "[set_print_options] expected the profile \"default\", \"short\" or \"full\", got "
        "\"Short\"");
  CHECK(print_options().precision == 4);
  CHECK_FALSE(print_options().sci_mode);
  set_print_options({.precision = 1000, .linewidth = INT64_MAX});
  CHECK(tensor({0.5, 1e300}, {.dtype = kFloat64}).str().size() > 2000);
  set_print_options({.precision = 1000, .sci_mode = false});
  CHECK(tensor({-1e308}, {.dtype = kFloat64}).str().size() > 300);
}

TEST_CASE("a tensor prints by the options of one moment while other threads set them") {
  const PrintOptionsGuard as_they_are({});
  const Tensor x = tensor({0.5, 1.25});
  std::thread other([] {
    for (int i = 0; i < 2000; ++i)
      set_print_options({.precision = i % 2 ? 4 : 1, .sci_mode = i % 2 == 1});
  });
  int strange = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = x.str();
    strange += text != "tensor([0.5000, 1.2500])" && text != "tensor([0.5, 1.2])" &&
               text != "tensor([5.0000e-01, 1.2500e+00])";
  }
  other.join();
  CHECK(strange == 0);
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
  const CommaLocale locale;
  if (!locale.is_set()) {
    WARN(kNoLocales);
    return;
  }
  CHECK(tensor({0.5, 1.25}).str() == "tensor([0.5000, 1.2500])");
  CHECK(tensor({1e-7, 1.5e4}).str() == "tensor([1.0000e-07, 1.5000e+04])");
  CHECK(error_of([] { bernoulli_(zeros({2}), 1.5); }) ==
        "[bernoulli_] expected a probability from 0 to 1, got 1.5");
  CHECK(error_of([] { arange(0.0, 1.5, -0.25); }) ==
        "[arange] expected an end that the step leads to, got start 0.0, end 1.5, step -0.25");
}
