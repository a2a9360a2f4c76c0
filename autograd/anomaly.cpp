// detect_anomaly: what it checks, and what it says.
#include "norma/autograd/anomaly.h"

#include <cmath>
#include <optional>
#include <utility>

#include "norma/autograd/node.h"
#include "norma/autograd/origin.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using autograd::anomaly_mode;

bool is_anomaly_enabled() { return anomaly_mode.on; }
void set_detect_anomaly(bool mode, const AnomalyOptions& options) {
  anomaly_mode = {mode, options};
}

DetectAnomalyGuard::DetectAnomalyGuard(const AnomalyOptions& options)
    : mode_before_(anomaly_mode.on), options_before_(anomaly_mode.options) {
  set_detect_anomaly(true, options);
}
DetectAnomalyGuard::~DetectAnomalyGuard() { set_detect_anomaly(mode_before_, options_before_); }

namespace autograd {

constinit thread_local AnomalyMode anomaly_mode;

namespace {

thread_local const Scope* innermost_scope = nullptr;

constexpr AnomalyOptions kBoth{};

struct Finding {
  int64_t count = 0, numel = 0;
  Shape sizes, where;
  double first = 0;
  const char* what = "";
};

const char* name_of(double value) { return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"; }

std::string first_of(const Finding& found) {
  return std::string(name_of(found.first)) +
         (found.sizes.empty() ? "" : " at " + found.where.str());
}

/// "2 of 6 values not finite in shape [2, 3], the first nan at [0, 1]"
std::string describe(const Finding& found) {
  const std::string shape = "shape " + found.sizes.str();
  if (found.numel == 1) return std::string(name_of(found.first)) + " in " + shape;
  return std::to_string(found.count) + " of " + std::to_string(found.numel) + " values " +
         found.what + " in " + shape + ", the first " + first_of(found);
}

template <class T>
bool is_wanted(T x, const AnomalyOptions& options) {
  return (options.check_nan && std::isnan(x)) || (options.check_inf && std::isinf(x));
}

std::optional<Finding> find(const Tensor& tensor, const AnomalyOptions& options) {
  if (!tensor.defined() || !is_floating(tensor.dtype())) return {};
  const Tensor x = tensor.detach().contiguous();
  Finding found;
  found.what = !options.check_inf ? "nan" : !options.check_nan ? "infinite" : "not finite";
  found.numel = x.numel();
  found.sizes = x.sizes();
  const Shape steps = contiguous_strides(found.sizes);
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const values = x.data_ptr<T>();
    for (int64_t i = 0; i < found.numel; ++i) {
      if (!is_wanted(values[i], options)) continue;
      if (found.count++ > 0) continue;
      found.first = static_cast<double>(values[i]);
      for (int64_t d = 0; d < x.dim(); ++d) found.where.push_back(i / steps[d] % found.sizes[d]);
    }
  });
  return found.count > 0 ? std::optional(found) : std::nullopt;
}

/// "a finite result"
std::string wish(const char* what, const AnomalyOptions& options) {
  if (options.check_nan && options.check_inf) return std::string("a finite ") + what;
  return std::string("a ") + what + " without " + (options.check_nan ? "nan" : "infinities");
}

[[noreturn]] void complain(std::string_view op, const std::string& expected, const Finding& found,
                           const std::string& rest) {
  fail(op, "expected " + expected + " (detect_anomaly), got " + describe(found) + rest);
}

std::string registered_name(const TensorImpl* tensor) {
  for (const Scope* scope = innermost_scope; scope; scope = scope->outer()) {
    const std::string name = scope->name_of(tensor);
    if (!name.empty()) return name;
  }
  return "";
}

std::string describe(const Tensor& tensor) {
  const std::string name = registered_name(tensor.impl());
  if (!name.empty()) return name;
  if (!tensor.requires_grad()) return "a tensor outside the graph";
  return tensor.is_leaf() ? "a leaf" : "the result of " + tensor.grad_fn_name();
}

/// "its input", "input 1 of 3"
std::string position(std::size_t i, std::size_t count) {
  if (count == 1) return "its input";
  return "input " + std::to_string(i) + " of " + std::to_string(count);
}

std::string leaf_name(const Node& accumulator) {
  return accumulator.origin ? accumulator.origin->inputs[0] : "a leaf";
}

}  // namespace

const Scope* Scope::innermost() { return innermost_scope; }
Scope::Scope() : outer_(std::exchange(innermost_scope, this)) {}
Scope::~Scope() { innermost_scope = outer_; }

void check_result(std::string_view op, const Tensor& out,
                  const std::vector<const Tensor*>& inputs) {
  const AnomalyPause pause;
  const AnomalyOptions options = pause.before().options;
  const std::optional<Finding> found = find(out, options);
  if (!found) return;
  std::string given = "what it was given was finite";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::optional<Finding> earlier = find(*inputs[i], kBoth);
    if (!earlier) continue;
    given = position(i, inputs.size()) + ", " + describe(*inputs[i]) +
            ", was not finite before: " + describe(*earlier);
    break;
  }
  complain(op, wish("result", options), *found, "; " + given);
}

void check_result(std::string_view op, const Tensor& out,
                  std::initializer_list<const Tensor*> inputs) {
  check_result(op, out, std::vector<const Tensor*>(inputs));
}

void check_result(std::string_view op, const Tensor& out, const std::vector<Tensor>& inputs) {
  std::vector<const Tensor*> list;
  for (const Tensor& input : inputs) list.push_back(&input);
  check_result(op, out, list);
}

void note_origin(Node& node) {
  const Ref<Origin> origin(new Origin);
  if (innermost_scope) {
    origin->path = innermost_scope->path();
    origin->type = innermost_scope->type();
  }
  for (int i = 0; i < node.input_count; ++i) {
    Node* const input = node.inputs[i].get();
    const bool is_leaf = input && input->is_accumulator();
    std::string& name = origin->inputs.emplace_back();
    if (!is_leaf) {
      if (input) name = std::string("the result of ") + input->name;
      continue;
    }
    name = registered_name(static_cast<Accumulator*>(input)->leaf);
    if (name.empty()) name = "a leaf";
    // The leaf's own errors then name it, too.
    const Ref<Origin> own(new Origin);
    own->path = origin->path;
    own->type = origin->type;
    own->inputs = {name};
    input->origin = own;
  }
  node.origin = origin;
}

void add_origin(Error& error, const Node& node) {
  const Origin* origin = node.origin.get();
  if (origin && !origin->type.empty()) error.add_module(origin->path, origin->type);
}

void BackwardChecks::given(const Tensor& grad) const {
  const AnomalyOptions options = pause_.before().options;
  const auto found = find(grad, options);
  if (found) complain("backward", wish("gradient", options) + " to start from", *found, "");
}

void BackwardChecks::sum(const Node& node, const Tensor& grad) const {
  const AnomalyOptions options = pause_.before().options;
  const auto found = find(grad, options);
  if (!found) return;
  complain(node.name, wish("gradient", options) + " in backward", *found,
           ", the sum over the uses of " +
               (node.is_accumulator() ? leaf_name(node) : "its result") + "; each part was finite");
}

void BackwardChecks::share(const Node& node, int i, const Tensor& grad) const {
  const AnomalyOptions options = pause_.before().options;
  const auto found = find(grad, options);
  if (!found) return;
  const auto index = static_cast<std::size_t>(i);
  std::string input = position(index, static_cast<std::size_t>(node.input_count));
  if (node.origin) input += ", " + node.origin->inputs[index];
  complain(node.name, wish("gradient", options) + " in backward", *found,
           ", for " + input + "; the gradient of its result was finite");
}

void BackwardChecks::leaf(const Node& node) const {
  if (!node.is_accumulator()) return;
  const TensorImpl* leaf = static_cast<const Accumulator&>(node).leaf;
  if (!leaf) return;
  const AnomalyOptions options = pause_.before().options;
  const auto found = find(leaf->grad, options);
  if (!found) return;
  complain(node.name, wish("gradient", options) + " in backward", *found,
           ", in the grad() of " + leaf_name(node) +
               ", which held one before; what was added to it was finite; zero_grad() first");
}

}  // namespace autograd
}  // namespace norma
