#include "call.h"

#include <algorithm>
#include <cmath>

#include "norma/core/error.h"
#include "norma/core/factory.h"

namespace norma::onnx {

Size Runs::size(const std::vector<int64_t>& values, const std::string& place) const {
  if (std::equal(values.begin() + 1, values.end(), values.begin())) return {values[0], 0};
  if (!dynamic)
    fail(kOp, "expected sizes that do not depend on values, got others in every run in ", place);
  const int64_t per_sample = (values[1] - values[0]) / (samples[1] - samples[0]);
  const Size found{values[0] - per_sample * samples[0], per_sample};
  for (std::size_t run = 0; run < samples.size(); ++run) {
    if (values[run] == found.per_sample * samples[run] + found.fixed) continue;
    fail(kOp, "expected sizes that grow in proportion to the number of samples, got ", values[0],
         " for ", samples[0], " samples and ", values[run], " for ", samples[run], " in ", place,
         "; set dynamic_batch = false for a file that takes one number of samples");
  }
  return found;
}

Sizes Runs::sizes(int value, const std::string& place) const {
  Sizes found;
  for (int64_t d = 0; d < tensor(0, value).dim(); ++d) {
    std::vector<int64_t> lengths;
    for (std::size_t run = 0; run < traces.size(); ++run)
      lengths.push_back(tensor(run, value).size(d));
    found.push_back(size(lengths, place));
  }
  return found;
}

std::string Call::in(int i) const {
  return has(i) ? names_[static_cast<std::size_t>(step().inputs[std::size_t(i)])] : "";
}

std::string Call::in(int i, DType dtype) {
  return tensor(i).dtype() == dtype ? in(i) : cast(in(i), dtype);
}

const Tensor& Call::tensor(int i) const { return runs_.tensor(0, step().inputs[std::size_t(i)]); }

bool Call::is_constant(int i) const {
  return !runs_.traces[0].values[std::size_t(step().inputs[std::size_t(i)])].depends;
}

const Setting& Call::setting(std::size_t run, const char* name) const {
  const Setting* const found = step_of(run).find(name);
  if (!found) refuse(text("an option \"", name, "\""));
  return *found;
}

template <class Get>
auto Call::same(const char* name, Get get) const {
  auto value = get(setting(0, name));
  for (std::size_t run = 1; run < runs_.traces.size(); ++run) {
    if (!(get(setting(run, name)) == value)) {
      fail(kOp, "expected an option \"", name,
           "\" that depends neither on values nor on the number of samples in ", place(),
           "; what item() read is not followed: compute with the tensor instead");
    }
  }
  return value;
}

int64_t Call::integer(const char* name) const {
  return same(name, [](const Setting& s) { return s.number.to<int64_t>(); });
}
double Call::number(const char* name) const {
  return same(name, [](const Setting& s) { return s.number.to<double>(); });
}
Shape Call::list(const char* name) const {
  return same(name, [](const Setting& s) { return s.list.value_or(Shape()); });
}
std::string Call::word(const char* name) const {
  return same(name, [](const Setting& s) { return s.word; });
}

Size Call::size(const char* name) const {
  std::vector<int64_t> values;
  for (std::size_t run = 0; run < runs_.traces.size(); ++run)
    values.push_back(setting(run, name).number.to<int64_t>());
  return runs_.size(values, place());
}

Sizes Call::sizes(const char* name) const {
  Sizes found;
  const int64_t length = setting(0, name).list.value_or(Shape()).size();
  for (int64_t i = 0; i < length; ++i) {
    std::vector<int64_t> values;
    for (std::size_t run = 0; run < runs_.traces.size(); ++run)
      values.push_back((*setting(run, name).list)[i]);
    found.push_back(runs_.size(values, place()));
  }
  return found;
}

Shape Call::dims(const char* name) const {
  Shape found;
  for (const int64_t dim : list(name)) found.push_back(dim < 0 ? dim + rank(0) : dim);
  return found.empty() ? all_dims() : found;
}

Shape Call::all_dims() const {
  Shape all;
  for (int64_t i = 0; i < rank(0); ++i) all.push_back(i);
  return all;
}

std::string Call::scalar(double value, DType dtype) {
  return graph.constant(full({}, value, {.dtype = dtype}));
}

std::string Call::option_scalar(const char* name, DType dtype) {
  const Scalar value = setting(0, name).number;
  std::vector<int64_t> counts;
  bool is_same = true, is_count = runs_.dynamic;
  for (std::size_t run = 0; run < runs(); ++run) {
    const auto own = setting(run, name).number.to<double>();
    is_same = is_same && own == value.to<double>();
    is_count = is_count && std::floor(own) == own && std::fabs(own) < 1e15;
    if (is_count) counts.push_back(static_cast<int64_t>(own));
  }
  if (!is_same && is_count) {
    const std::string count = graph.list({runs_.size(counts, place())});
    return cast(node("Squeeze", {count, graph.integers({0})}), dtype);
  }
  number(name);  // the same in every run
  return graph.constant(is_floating(dtype) ? full({}, value.to<double>(), {.dtype = dtype})
                                           : full({}, value, {.dtype = dtype}));
}

std::string Call::cast(const std::string& value, DType dtype) {
  constexpr int64_t kTypes[] = {9, 2, 6, 7, 1, 11};  // TensorProto's, in the order of DType
  return node("Cast", {value}, {{"to", kTypes[static_cast<int>(dtype)]}});
}

std::string Call::linear(const std::string& x, double a, double b) {
  const DType dtype = out().dtype();
  const std::string product = a == 1 ? x : node("Mul", {x, scalar(a, dtype)});
  return b == 0 ? product : node("Add", {product, scalar(b, dtype)});
}

void Call::refuse(const std::string& expected) const {
  fail(kOp, "expected ", expected, " in ", place());
}

}  // namespace norma::onnx
