// Tensors in words, laid out as PyTorch's repr does.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "norma/core/coordinates.h"
#include "norma/core/memory.h"
#include "norma/core/print.h"
#include "norma/core/tensor_impl.h"
#include "norma/core/write_number.h"

namespace norma {

namespace {

/// PrintOptions, all of them.
struct Settings {
  int64_t precision = 4;
  double threshold = 1000;
  int64_t edgeitems = 3, linewidth = 80;
  std::optional<bool> sci_mode = {};

  bool operator==(const Settings&) const = default;
};

/// All settings that there ever were, each once: without a lock, which a fork might find taken.
struct Kept {
  Settings settings;
  Kept* next = nullptr;
};
constinit Kept first_settings;
constinit std::atomic<Kept*> all_settings{&first_settings};
constinit std::atomic<const Kept*> current_settings{&first_settings};

const Kept* kept(const Settings& settings) {
  for (const Kept* old = all_settings.load(); old; old = old->next)
    if (old->settings == settings) return old;
  const auto fresh = with_memory(0, [&] { return new Kept{settings}; });
  fresh->next = all_settings.load();
  while (!all_settings.compare_exchange_weak(fresh->next, fresh)) {
  }
  return fresh;
}

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
  std::string text(static_cast<std::size_t>(digits) + 320, ' ');  // 1e308 has 309 before the point
  char* const end = text.data() + text.size();
  const char* const behind = write_number(text.data(), end, value, format, digits).ptr;
  text.resize(static_cast<std::size_t>(behind - text.data()));
  return text;
}

/// The settings for one tensor.
struct Layout : Settings {
  bool summarize;

  /// Whether an ellipsis stands in the place of element i, and of all up to the last `edgeitems`.
  bool skips(int64_t size, int64_t i) const {
    return summarize && i == edgeitems && size - edgeitems > edgeitems;
  }
};

/// Calls `visit(offset)` for every element that is shown.
void visit_shown(const TensorImpl* x, int64_t dim, int64_t offset, const Layout& layout,
                 const std::function<void(int64_t)>& visit) {
  if (dim == x->sizes.size()) return visit(offset);
  const int64_t size = x->sizes[dim];
  for (int64_t i = 0; i < size; ++i) {
    if (layout.skips(size, i)) i = size - layout.edgeitems;
    if (i < size) visit_shown(x, dim + 1, offset + i * x->strides[dim], layout, visit);
  }
}

/// One width and one notation for all numbers of a tensor.
class Formatter {
 public:
  Formatter(const TensorImpl* x, const Layout& layout)
      : x_(x), precision_(static_cast<int>(layout.precision)) {
    if (!is_floating(x->dtype)) {
      visit_shown(x, 0, x->offset, layout,
                  [&](int64_t at) { width_ = std::max(width_, integer_text(x, at).size()); });
      return;
    }
    double smallest = INFINITY, largest = 0;
    std::vector<double> values;
    visit_shown(x, 0, x->offset, layout, [&](int64_t at) {
      const double value = element(x, at);
      if (!std::isfinite(value) || value == 0) return;
      values.push_back(value);
      smallest = std::min(smallest, std::fabs(value));
      largest = std::max(largest, std::fabs(value));
      whole_ = whole_ && value == std::ceil(value);
    });
    if (values.empty()) return;
    scientific_ = layout.sci_mode.value_or(largest / smallest > 1000 || largest > 1e8 ||
                                           (!whole_ && smallest < 1e-4));
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
    const std::string text = printed(format, whole_ && !scientific_ ? 0 : precision_, value);
    return whole_ && !scientific_ && std::isfinite(value) ? text + "." : text;
  }

  const TensorImpl* x_;
  const int precision_;
  std::size_t width_ = 1;
  bool whole_ = true, scientific_ = false;
};

std::string row_text(const TensorImpl* x, int64_t dim, int64_t offset, std::size_t indent,
                     const Layout& layout, const Formatter& formatter) {
  const int64_t size = x->sizes[dim], stride = x->strides[dim];
  const std::size_t element_width = formatter.width() + 2;
  const auto linewidth = static_cast<std::size_t>(layout.linewidth);
  const std::size_t available = linewidth > indent ? linewidth - indent : 0;
  const std::size_t per_line = std::max<std::size_t>(1, available / element_width);
  std::vector<std::string> items;
  for (int64_t i = 0; i < size; ++i) {
    if (layout.skips(size, i)) {
      items.push_back(i == 0 ? "..." : " ...");
      i = size - layout.edgeitems;
    }
    if (i < size) items.push_back(formatter.text(offset + i * stride));
  }
  std::string text = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
    text += items[i];
  }
  return text + "]";
}

std::string nested_text(const TensorImpl* x, int64_t dim, int64_t offset, std::size_t indent,
                        const Layout& layout, const Formatter& formatter) {
  const int64_t rank = x->sizes.size();
  if (rank == 0) return formatter.text(offset);
  if (dim == rank - 1) return row_text(x, dim, offset, indent, layout, formatter);
  const int64_t size = x->sizes[dim];
  std::string separator = ",";
  separator.append(static_cast<std::size_t>(rank - dim - 1), '\n').append(indent + 1, ' ');
  std::string text = "[";
  for (int64_t i = 0; i < size; ++i) {
    if (i > 0) text += separator;
    if (layout.skips(size, i)) {
      text += "...";
      i = size - layout.edgeitems;
      if (i == size) break;
      text += separator;
    }
    text += nested_text(x, dim + 1, offset + i * x->strides[dim], indent + 1, layout, formatter);
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
    const Settings& current = current_settings.load()->settings;
    const bool tracked = requires_grad(), leaf = is_leaf();
    const TensorImpl* x = impl_of(*this);
    const bool default_dtype = x->dtype == kFloat32 || x->dtype == kInt64 || x->dtype == kBool;
    const std::string prefix = "tensor(";
    std::vector<std::string> suffixes;
    std::string text = prefix;
    if (x->numel == 0) {
      text += "[]";
      if (x->sizes.size() != 1) suffixes.push_back("size=" + tuple_text(x->sizes));
      if (x->dtype != kFloat32) suffixes.push_back(norma::text("dtype=", x->dtype));
    } else {
      const Layout layout{current, static_cast<double>(x->numel) > current.threshold};
      text += nested_text(x, 0, x->offset, prefix.size(), layout, Formatter(x, layout));
      if (current.edgeitems == 0) suffixes.push_back("size=" + tuple_text(x->sizes));
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
      if (last_line + suffix.size() + 2 > static_cast<std::size_t>(current.linewidth)) {
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

void set_print_options(const PrintOptions& options) {
  const char* const op = "set_print_options";
  const bool is_short = options.profile == "short", is_full = options.profile == "full";
  const bool has_profile = !options.profile.empty();
  if (has_profile && !is_short && !is_full && options.profile != "default")
    fail(op, "expected the profile \"default\", \"short\" or \"full\", got ",
         in_quotes(options.profile));
  const auto check = [&](const char* what, auto value, bool valid) {
    if (!valid) fail(op, "expected ", what, ", got ", value);
  };
  const int64_t precision = options.precision.value_or(0);
  const double threshold = options.threshold.value_or(0);
  const int64_t edgeitems = options.edgeitems.value_or(0);
  const int64_t linewidth = options.linewidth.value_or(0);
  check("precision from 0 to 1000", precision, precision >= 0 && precision <= 1000);
  check("threshold of at least 0", threshold, threshold >= 0);
  check("edgeitems of at least 0", edgeitems, edgeitems >= 0);
  check("linewidth of at least 0", linewidth, linewidth >= 0);

  Settings settings = has_profile ? Settings() : current_settings.load()->settings;
  if (is_short) settings.precision = settings.edgeitems = 2;
  if (is_full) settings.threshold = INFINITY;
  if (options.precision) settings.precision = precision;
  if (options.threshold) settings.threshold = threshold;
  if (options.edgeitems) settings.edgeitems = edgeitems;
  if (options.linewidth) settings.linewidth = linewidth;
  settings.sci_mode = options.sci_mode;
  current_settings.store(kept(settings));
}

PrintOptions print_options() {
  const Settings& current = current_settings.load()->settings;
  return {.precision = current.precision,
          .threshold = current.threshold,
          .edgeitems = current.edgeitems,
          .linewidth = current.linewidth,
          .sci_mode = current.sci_mode};
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.str(); }

}  // namespace norma
