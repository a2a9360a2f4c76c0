// detect_anomaly: what it checks, and what it says.
#include "norma/autograd/anomaly.h"

#include <cmath>
#include <optional>

#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/core/tensor_impl.h"

namespace norma {
namespace autograd {
namespace {

constexpr AnomalyOptions kBoth{};

struct Finding {
  int64_t count = 0, numel = 0;
  Shape sizes, where;
  double first = 0;
  const char* what = "";
};

const char* name_of(double value) { return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"; }

/// "2 of 6 values not finite in shape [2, 3], the first nan at [0, 1]"
std::string describe(const Finding& found) {
  if (found.numel == 1) return text(name_of(found.first), " in shape ", found.sizes);
  return text(found.count, " of ", found.numel, " values ", found.what, " in shape ", found.sizes,
              ", the first ", name_of(found.first), " at ", found.where);
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
    const T* const values = values_of<T>(x);
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
  if (options.check_nan && options.check_inf) return text("a finite ", what);
  return text("a ", what, " without ", options.check_nan ? "nan" : "infinities");
}

[[noreturn]] void complain(std::string_view op, const std::string& expected, const Finding& found,
                           const std::string& rest) {
  fail(op, "expected ", expected, " (detect_anomaly), got ", describe(found), rest);
}

std::string registered_name(const TensorImpl* tensor) {
  std::string name;
  for (const Scope* scope = Scope::innermost(); scope && name.empty(); scope = scope->outer()) {
    name = scope->name_of(tensor);
  }
  return name;
}

std::string describe(const Tensor& tensor) {
  std::string name = registered_name(impl_of(tensor));
  if (!name.empty()) return name;
  if (!tensor.requires_grad()) return "a tensor outside the graph";
  return tensor.is_leaf() ? "a leaf" : "the result of " + tensor.grad_fn_name();
}

/// "its input", "input 1 of 3"
std::string position(int i, int count) {
  if (count == 1) return "its input";
  return text("input ", i, " of ", count);
}

/// Where a node was recorded, and what its inputs are: "the parameter 0.weight".
struct Origin final : Note {
  std::string path, type;  // of the module, "" outside of modules
  std::vector<std::string> inputs;

  void add_to(Error& error) const override {
    if (!type.empty()) error.add_module(path, type);
  }
};

Ref<Origin> origin_here() {
  auto origin = Ref<Origin>::make();
  if (const Scope* scope = Scope::innermost()) {
    origin->path = scope->path();
    origin->type = scope->type();
  }
  return origin;
}

/// "the parameter 0.weight", "" if the operation was recorded before the mode was on.
std::string noted_name(const Node& node, int i) {
  const auto* origin = dynamic_cast<const Origin*>(node.note.get());
  return origin ? origin->inputs[static_cast<std::size_t>(i)] : "";
}

std::string leaf_name(const Node& accumulator) {
  const std::string name = noted_name(accumulator, 0);
  return name.empty() ? "a leaf" : name;
}

/// One per thread; observes while the mode is on.
class AnomalyDetector final : public Observer {
 public:
  AnomalyOptions options;
  std::optional<ObserverGuard> watching;

  void result(const char* op, const Tensor& out, Inputs inputs) override {
    check_result(op, out, inputs);
  }

  /// Notes the running module and the names of the leaves among the inputs.
  void recorded(Node& node, const Tensor&) override {
    const Ref<Origin> origin = origin_here();
    for (int i = 0; i < node.input_count; ++i) {
      Node* const input = node.inputs[i].get();
      std::string& name = origin->inputs.emplace_back();
      if (!input) continue;
      name = text("the result of ", input->name);
      if (!input->is_accumulator()) continue;
      name = registered_name(static_cast<Accumulator*>(input)->leaf);
      if (name.empty()) name = "a leaf";
      // The leaf's own errors then name it, too.
      const Ref<Origin> own = origin_here();
      own->inputs = {name};
      input->note = own;
    }
    node.note = origin;
  }

  /// Checks what was not recorded, and so has not been checked yet.
  void called(const Scope& module, const Tensor& result, Inputs inputs) override {
    if (!result.defined() || result.requires_grad()) return;
    const std::vector<Tensor> own = module.tensors();
    std::vector<const Tensor*> given;
    given.reserve(static_cast<std::size_t>(inputs.size()) + own.size());
    for (int i = 0; i < inputs.size(); ++i) given.push_back(&inputs[i]);
    for (const Tensor& tensor : own) given.push_back(&tensor);
    check_result(module.type(), result, given);
  }

  void started(const Node&, const Tensor& grad) override {
    const auto found = find(grad, options);
    if (found) complain("backward", wish("gradient", options) + " to start from", *found, "");
  }

  /// Each part of the sum was checked before.
  void arrived(const Node& node, const Tensor& grad) override {
    check_gradient(node, grad, [&] {
      return ", the sum over the uses of " +
             (node.is_accumulator() ? leaf_name(node) : "its result") + "; each part was finite";
    });
  }

  void gradient(const Node& node, int i, const Tensor& grad) override {
    check_gradient(node, grad, [&] {
      const std::string name = noted_name(node, i);
      return ", for " + position(i, node.input_count) + (name.empty() ? "" : ", " + name) +
             "; the gradient of its result was finite";
    });
  }

  void accumulated(const Node& node, const Tensor& grad) override {
    check_gradient(node, grad, [&] {
      return ", in the grad() of " + leaf_name(node) +
             ", which held one before; what was added to it was finite; zero_grad() first";
    });
  }

 private:
  void check_result(std::string_view op, const Tensor& out, Inputs inputs) const {
    const std::optional<Finding> found = find(out, options);
    if (!found) return;
    std::string given = "what it was given was finite";
    for (int i = 0; i < inputs.size(); ++i) {
      const std::optional<Finding> earlier = find(inputs[i], kBoth);
      if (!earlier) continue;
      given = position(i, inputs.size()) + ", " + describe(inputs[i]) +
              ", was not finite before: " + describe(*earlier);
      break;
    }
    complain(op, wish("result", options), *found, "; " + given);
  }

  template <class Rest>
  void check_gradient(const Node& node, const Tensor& grad, Rest rest) const {
    const auto found = find(grad, options);
    if (found) complain(node.name, wish("gradient", options) + " in backward", *found, rest());
  }
};

thread_local AnomalyDetector detector;

}  // namespace
}  // namespace autograd

using autograd::detector;

bool is_anomaly_enabled() { return detector.watching && autograd::is_watched(); }

void set_detect_anomaly(bool mode, const AnomalyOptions& options) {
  detector.options = options;
  if (!mode) detector.watching.reset();
  if (mode && !detector.watching) detector.watching.emplace(detector);
}

DetectAnomalyGuard::DetectAnomalyGuard(const AnomalyOptions& options)
    : mode_before_(detector.watching), options_before_(detector.options) {
  set_detect_anomaly(true, options);
}
DetectAnomalyGuard::~DetectAnomalyGuard() { set_detect_anomaly(mode_before_, options_before_); }

}  // namespace norma
