#include "norma/testing/assert_close.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "norma/autograd/promotion.h"
#include "norma/core/coordinates.h"
#include "norma/core/memory.h"
#include "norma/core/text.h"
#include "norma/testing/compare.h"

namespace norma::testing {

namespace {

/// PyTorch's, by dtype.
Tolerances default_tolerances(DType dtype) {
  if (dtype == kFloat32) return {1.3e-6, 1e-5};
  if (dtype == kFloat64) return {1e-7, 1e-7};
  return {};
}

Tolerances tolerances_for(DType actual, DType expected, const CloseOptions& options) {
  if (options.rtol) return {*options.rtol, *options.atol};
  const Tolerances a = default_tolerances(actual), b = default_tolerances(expected);
  return {std::max(a.rtol, b.rtol), std::max(a.atol, b.atol)};
}

void check_options(const CloseOptions& options) {
  if (options.rtol.has_value() != options.atol.has_value()) {
    fail("assert_close", "expected rtol and atol, or neither, got no ",
         options.rtol ? "atol" : "rtol", "; 0 switches one off");
  }
  if (options.rtol && !(*options.rtol >= 0 && *options.atol >= 0)) {
    fail("assert_close", "expected rtol and atol >= 0, got ", *options.rtol, " and ",
         *options.atol);
  }
}

std::string allowed(const Tolerances& tolerances, double tolerance) {
  if (tolerances.rtol == 0 && tolerances.atol == 0) return "";
  return text(" (up to ", tolerance, " allowed)");
}

std::string heading(const char* what, const Tolerances& tolerances) {
  const bool equality = tolerances.rtol == 0 && tolerances.atol == 0;
  return text(what, " are not ", equality ? "equal" : "close", "!\n\n");
}

std::string not_the_same(const char* attribute, const std::string& actual,
                         const std::string& expected) {
  return text("The values for attribute '", attribute, "' do not match: ", actual, " != ", expected,
              ".");
}

/// A whole number is exact; bools count as 0 and 1.
std::string numbers_differ(const Value& actual_value, const Value& expected_value,
                           const Tolerances& tolerances) {
  const Scalar &actual = actual_value.number(), &expected = expected_value.number();
  std::string absolute;
  double relative = 0;
  const double to = expected.to<double>();
  if (is_floating(std::max(actual_value.dtype(), expected_value.dtype()))) {
    const double apart = std::fabs(actual.to<double>() - to);
    absolute = text(apart);
    relative = apart;
  } else {
    const int64_t a = actual.to<int64_t>(), b = expected.to<int64_t>();
    const uint64_t x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    const uint64_t apart = a > b ? x - y : y - x;
    absolute = text(apart);
    relative = static_cast<double>(apart);
  }
  relative = to == 0 ? INFINITY : relative / std::fabs(to);
  return text(heading("Scalars", tolerances), "Expected ", expected_value.repr(), " but got ",
              actual_value.repr(), ".\nAbsolute difference: ", absolute,
              allowed(tolerances, tolerances.atol), "\nRelative difference: ", relative,
              allowed(tolerances, tolerances.rtol));
}

std::string percent(int64_t part, int64_t whole) {
  char buffer[16];
  const double value = 100 * static_cast<double>(part) / static_cast<double>(whole);
  char* const end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, 1).ptr;
  return std::string(buffer, end) + "%";
}

std::string tensors_differ(Tensor actual, Tensor expected, const CloseOptions& options) {
  if (!actual.defined() || !expected.defined()) {
    if (actual.defined() == expected.defined()) return "";
    return text("Expected ", Value(expected).str(), " but got ", Value(actual).str(), ".");
  }
  if (actual.sizes() != expected.sizes()) {
    return not_the_same("shape", actual.sizes().str(), expected.sizes().str());
  }
  if (options.check_stride && actual.strides() != expected.strides()) {
    return not_the_same("stride()", tuple_text(actual.strides()), tuple_text(expected.strides()));
  }
  if (options.check_dtype && actual.dtype() != expected.dtype()) {
    return not_the_same("dtype", dtype_name(actual.dtype()), dtype_name(expected.dtype()));
  }
  const Tolerances tolerances = tolerances_for(actual.dtype(), expected.dtype(), options);
  if (actual.dtype() != expected.dtype()) {
    const DType common = autograd::result_type(actual, expected);
    actual = actual.detach().to(common);
    expected = expected.detach().to(common);
  }
  const Comparison found = compare(actual, expected, tolerances, options.equal_nan);
  if (found.mismatched == 0) return "";
  if (actual.dim() == 0) {
    const auto number = [](const Tensor& x) {
      if (x.dtype() == kBool) return Value(x.item<bool>());
      return is_floating(x.dtype()) ? Value(x.item<double>()) : Value(x.item<int64_t>());
    };
    return numbers_differ(number(actual), number(expected), tolerances);
  }
  return text(heading("Tensor-likes", tolerances), "Mismatched elements: ", found.mismatched, " / ",
              found.numel, " (", percent(found.mismatched, found.numel),
              ")\nGreatest absolute difference: ", found.absolute, " at index ",
              tuple_text(found.absolute_index), allowed(tolerances, tolerances.atol),
              "\nGreatest relative difference: ", found.relative, " at index ",
              tuple_text(found.relative_index), allowed(tolerances, tolerances.rtol));
}

const char* python_type(DType dtype) {
  return dtype == kBool ? "bool" : is_floating(dtype) ? "float" : "int";
}

std::string scalars_differ(const Value& actual, const Value& expected,
                           const CloseOptions& options) {
  const Scalar &a = actual.number(), &b = expected.number();
  const char *own = python_type(actual.dtype()), *other = python_type(expected.dtype());
  if (options.check_dtype && own != std::string_view(other)) {
    return text("The (d)types do not match: ", own, " != ", other, ".");
  }
  if (actual.dtype() == kBool && expected.dtype() == kBool) {
    if (a.to<bool>() == b.to<bool>()) return "";
    return text("Booleans mismatch: ", a.to<bool>(), " is not ", b.to<bool>());
  }
  const Tolerances tolerances = tolerances_for(actual.dtype(), expected.dtype(), options);
  const bool whole = !is_floating(std::max(actual.dtype(), expected.dtype()));
  if (whole ? a.to<int64_t>() == b.to<int64_t>() : a.to<double>() == b.to<double>()) return "";
  const double x = a.to<double>(), y = b.to<double>(), apart = std::fabs(x - y);
  if (options.equal_nan && x != x && y != y) return "";
  const bool exact = tolerances.rtol == 0 && tolerances.atol == 0;
  if (!exact && std::isfinite(apart) && apart <= tolerances.atol + tolerances.rtol * std::fabs(y)) {
    return "";
  }
  return numbers_differ(actual, expected, tolerances);
}

/// What differs first, and in how many items in all.
struct Search {
  const CloseOptions& options;
  int64_t compared = 0, different = 0;
  std::string first = "", place = "";

  void note(const std::string& difference, const std::string& path) {
    ++compared;
    if (difference.empty()) return;
    if (++different > 1) return;
    first = difference;
    place = path;
  }

  void visit(const Value& actual, const Value& expected, const std::string& path) {
    using Kind = Value::Kind;
    if (actual.kind() != expected.kind()) {
      fail("assert_close", "expected two values of one kind, got ", actual.str(), " and ",
           expected.str(), path.empty() ? "" : " at item " + path,
           "; tensor({…}) makes a tensor of numbers, item<double>() a number of a tensor");
    }
    switch (actual.kind()) {
      case Kind::Tensor:
        return note(tensors_differ(actual.tensor(), expected.tensor(), options), path);
      case Kind::Number:
        return note(scalars_differ(actual, expected, options), path);
      case Kind::List:
        return visit_list(actual, expected, path);
      case Kind::Mapping:
        return visit_mapping(actual, expected, path);
    }
  }

 private:
  void visit_list(const Value& actual, const Value& expected, const std::string& path) {
    const std::size_t size = actual.items().size(), other = expected.items().size();
    if (size != other) {
      return note(text("The length of the sequences mismatch: ", size, " != ", other), path);
    }
    for (std::size_t i = 0; i < size; ++i) {
      visit(actual.items()[i], expected.items()[i], text(path, "[", i, "]"));
    }
  }

  static std::vector<std::string> lacking(const std::vector<std::string>& keys,
                                          const std::vector<std::string>& sorted) {
    std::vector<std::string> result;
    for (const std::string& key : keys) {
      if (!std::binary_search(sorted.begin(), sorted.end(), key)) result.push_back(key);
    }
    return result;
  }

  static std::vector<std::string> in_order(std::vector<std::string> keys) {
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) {
      fail("assert_close", "expected each key once, got ", in_quotes(*twice), " twice");
    }
    return keys;
  }

  // In the order of `expected`, that of the layers in a state_dict.
  void visit_mapping(const Value& actual, const Value& expected, const std::string& path) {
    const std::vector<std::string> have = in_order(actual.keys()), want = in_order(expected.keys());
    const auto missing = lacking(want, have), additional = lacking(have, want);
    if (!missing.empty() || !additional.empty()) {
      return note(text("The keys of the mappings do not match:\nMissing keys in the actual "
                       "mapping: [",
                       quoted_list(missing), "]\nAdditional keys in the actual mapping: [",
                       quoted_list(additional), "]"),
                  path);
    }
    for (std::size_t i = 0; i < want.size(); ++i) {
      const std::string& key = expected.keys()[i];
      // Mostly the keys stand in the same order.
      std::size_t at = i;
      if (actual.keys()[i] != key) {
        at = static_cast<std::size_t>(std::find(actual.keys().begin(), actual.keys().end(), key) -
                                      actual.keys().begin());
      }
      visit(actual.items()[at], expected.items()[i], text(path, "[", in_quotes(key), "]"));
    }
  }
};

}  // namespace

std::string difference(const Value& actual, const Value& expected, const CloseOptions& options) {
  return with_memory(0, [&]() -> std::string {
    check_options(options);
    Search search{options};
    search.visit(actual, expected, "");
    if (search.different == 0) return "";
    if (!options.msg.empty()) return options.msg;
    if (search.place.empty()) return search.first;
    const int64_t others = search.different - 1;
    return text(search.first, "\n\nThe failure occurred for item ", search.place,
                others == 0 ? ""
                            : text("; ", others, others == 1 ? " other" : " others", " of ",
                                   search.compared, " differ, too"));
  });
}

void assert_close(const Value& actual, const Value& expected, const CloseOptions& options) {
  const std::string found = difference(actual, expected, options);
  if (!found.empty()) fail("assert_close", found);
}

}  // namespace norma::testing
