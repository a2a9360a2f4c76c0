// Tensors in words, laid out as PyTorch's repr does.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma {

namespace {

constexpr int64_t kThreshold = 1000, kEdgeItems = 3;
constexpr std::size_t kLineWidth = 80;

double element(const TensorImpl* x, int64_t offset) {
  return dispatch(x->dtype, [&]<class T>() {
    return static_cast<double>(static_cast<const T*>(x->storage->data())[offset]);
  });
}

std::string integer_text(const TensorImpl* x, int64_t offset) {
  if (x->dtype == kBool)
    return static_cast<const bool*>(x->storage->data())[offset] ? "True" : "False";
  if (x->dtype == kUInt8)
    return std::to_string(static_cast<const uint8_t*>(x->storage->data())[offset]);
  if (x->dtype == kInt32)
    return std::to_string(static_cast<const int32_t*>(x->storage->data())[offset]);
  return std::to_string(static_cast<const int64_t*>(x->storage->data())[offset]);
}

/// As printf does, but with a point whatever the locale.
std::string printed(std::chars_format format, int digits, double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[400];
  return {text, std::to_chars(text, text + sizeof(text), value, format, digits).ptr};
}

/// Calls `visit(offset)` for every element that is shown.
void visit_shown(const TensorImpl* x, int64_t dim, int64_t offset, bool summarize,
                 const std::function<void(int64_t)>& visit) {
  if (dim == x->sizes.size()) return visit(offset);
  const int64_t size = x->sizes[dim];
  for (int64_t i = 0; i < size; ++i) {
    if (summarize && size > 2 * kEdgeItems && i == kEdgeItems) i = size - kEdgeItems;
    visit_shown(x, dim + 1, offset + i * x->strides[dim], summarize, visit);
  }
}

/// One width and one notation for all numbers of a tensor.
class Formatter {
 public:
  Formatter(const TensorImpl* x, bool summarize) : x_(x) {
    if (!is_floating(x->dtype)) {
      visit_shown(x, 0, x->offset, summarize,
                  [&](int64_t at) { width_ = std::max(width_, integer_text(x, at).size()); });
      return;
    }
    double smallest = INFINITY, largest = 0;
    std::vector<double> values;
    visit_shown(x, 0, x->offset, summarize, [&](int64_t at) {
      const double value = element(x, at);
      if (!std::isfinite(value) || value == 0) return;
      values.push_back(value);
      smallest = std::min(smallest, std::fabs(value));
      largest = std::max(largest, std::fabs(value));
      whole_ = whole_ && value == std::ceil(value);
    });
    if (values.empty()) return;
    scientific_ = largest / smallest > 1000 || largest > 1e8 || (!whole_ && smallest < 1e-4);
    for (double value : values) width_ = std::max(width_, real_text(value).size());
  }

  std::size_t width() const { return width_; }

  std::string text(int64_t offset) const {
    const std::string result =
        is_floating(x_->dtype) ? real_text(element(x_, offset)) : integer_text(x_, offset);
    return result.size() < width_ ? std::string(width_ - result.size(), ' ') + result : result;
  }

 private:
  std::string real_text(double value) const {
    const auto format = scientific_ ? std::chars_format::scientific : std::chars_format::fixed;
    const std::string text = printed(format, whole_ && !scientific_ ? 0 : 4, value);
    return whole_ && !scientific_ && std::isfinite(value) ? text + "." : text;
  }

  const TensorImpl* x_;
  std::size_t width_ = 1;
  bool whole_ = true, scientific_ = false;
};

std::string row_text(const TensorImpl* x, int64_t dim, int64_t offset, std::size_t indent,
                     bool summarize, const Formatter& formatter) {
  const int64_t size = x->sizes[dim], stride = x->strides[dim];
  const std::size_t element_width = formatter.width() + 2;
  const std::size_t available = kLineWidth > indent ? kLineWidth - indent : 0;
  const std::size_t per_line = std::max<std::size_t>(1, available / element_width);
  std::vector<std::string> items;
  for (int64_t i = 0; i < size; ++i) {
    if (summarize && size > 2 * kEdgeItems && i == kEdgeItems) {
      items.push_back(" ...");
      i = size - kEdgeItems;
    }
    items.push_back(formatter.text(offset + i * stride));
  }
  std::string text = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
    text += items[i];
  }
  return text + "]";
}

std::string nested_text(const TensorImpl* x, int64_t dim, int64_t offset, std::size_t indent,
                        bool summarize, const Formatter& formatter) {
  const int64_t rank = x->sizes.size();
  if (rank == 0) return formatter.text(offset);
  if (dim == rank - 1) return row_text(x, dim, offset, indent, summarize, formatter);
  const int64_t size = x->sizes[dim];
  std::string separator = ",";
  separator.append(static_cast<std::size_t>(rank - dim - 1), '\n').append(indent + 1, ' ');
  std::string text = "[";
  for (int64_t i = 0; i < size; ++i) {
    if (i > 0) text += separator;
    if (summarize && size > 2 * kEdgeItems && i == kEdgeItems) {
      text += "...";
      text += separator;
      i = size - kEdgeItems;
    }
    text += nested_text(x, dim + 1, offset + i * x->strides[dim], indent + 1, summarize, formatter);
  }
  return text + "]";
}

/// "log_softmax" → "LogSoftmaxBackward0"
std::string backward_name(const std::string& op) {
  std::string name;
  bool upper = true;
  for (char c : op) {
    if (c != '_')
      name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '_';
  }
  return name + "Backward0";
}

}  // namespace

std::string Tensor::str() const {
  return with_memory(0, [&]() -> std::string {
    if (!defined()) return "tensor(undefined)";
    const bool tracked = requires_grad(), leaf = is_leaf();
    const TensorImpl* x = impl_of(*this);
    const bool default_dtype = x->dtype == kFloat32 || x->dtype == kInt64 || x->dtype == kBool;
    const std::string prefix = "tensor(";
    std::vector<std::string> suffixes;
    std::string text = prefix;
    if (x->numel == 0) {
      text += "[]";
      if (x->sizes.size() != 1)
        suffixes.push_back("size=(" + x->sizes.str().substr(1, x->sizes.str().size() - 2) + ")");
      if (x->dtype != kFloat32) suffixes.push_back(norma::text("dtype=", x->dtype));
    } else {
      const bool summarize = x->numel > kThreshold;
      text += nested_text(x, 0, x->offset, prefix.size(), summarize, Formatter(x, summarize));
      if (!default_dtype) suffixes.push_back(norma::text("dtype=", x->dtype));
    }
    if (!leaf) {
      suffixes.push_back("grad_fn=<" + backward_name(grad_fn_name()) + ">");
    } else if (tracked) {
      suffixes.push_back("requires_grad=True");
    }
    // Two more than its length, as PyTorch counts.
    std::size_t last_line =
        text.size() - (text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1) + 2;
    for (const std::string& suffix : suffixes) {
      if (last_line + suffix.size() + 2 > kLineWidth) {
        text += ",\n" + std::string(prefix.size(), ' ') + suffix;
        last_line = prefix.size() + suffix.size();
      } else {
        text += ", " + suffix;
        last_line += suffix.size() + 2;
      }
    }
    return text + ")";
  });
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.str(); }

}  // namespace norma
