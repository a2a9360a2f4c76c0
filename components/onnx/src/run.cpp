#include "run.h"

#include <algorithm>
#include <cstring>

#include "norma/core/tensor_impl.h"
#include "norma/layers/trial_run.h"

namespace norma::onnx {

namespace {

/// The names of the model's parameters and buffers among the values.
std::unordered_map<int, std::string> names_of(const nn::Module& model, const Trace& trace) {
  std::unordered_map<int, std::string> names;
  const auto look = [&](const NamedTensors& tensors) {
    for (const auto& [name, tensor] : tensors) {
      const TensorImpl* const own = impl_of(tensor);
      for (std::size_t i = 0; i < trace.values.size(); ++i) {
        const TensorImpl* const other = impl_of(trace.values[i].tensor);
        if (own->storage.get() == other->storage.get() && own->offset == other->offset &&
            own->sizes == other->sizes && own->strides == other->strides) {
          names.emplace(static_cast<int>(i), name);
        }
      }
    }
  };
  look(model.named_parameters());
  look(model.named_buffers());
  return names;
}

std::unordered_set<const void*> memory_of(const nn::Module& model) {
  std::unordered_set<const void*> memory;
  for (const Tensor& tensor : model.parameters()) memory.insert(impl_of(tensor)->storage.get());
  for (const Tensor& tensor : model.buffers()) memory.insert(impl_of(tensor)->storage.get());
  return memory;
}

/// As many samples as asked for, all if < 0, whose values are in another order and times `factor`,
/// unless they are those of the example.
Tensor variation(const Tensor& example, int64_t dim, int64_t samples, bool is_other,
                 double factor) {
  const NoGradGuard no_grad;
  const bool is_real = is_floating(example.dtype());
  Tensor x = example.detach();
  if (is_other) {
    const Tensor turned = x.flatten().flip(0).reshape(x.sizes());
    if (is_real && turned.equal(x)) {  // values that are all the same tell nothing
      x = x + rand(x.sizes(), {.dtype = x.dtype()});
    } else if (factor > 0 || !is_real) {  // another sign is another order already
      x = turned;
    }
  }
  if (is_other && is_real) x = x * factor;
  if (samples < 0) return x.clone();
  return x.index_select(dim, arange(samples).remainder(x.size(dim)));
}

/// Whether a tensor only repeats its first elements along dimensions that are as long as `sizes`
/// says and not as those of `other`.
bool repeats(const Tensor& a, const Tensor& b) {
  if (a.dim() != b.dim() || a.dtype() != b.dtype() || a.numel() == 0 || b.numel() == 0)
    return false;
  Tensor x = a, y = b;
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (a.size(d) == b.size(d)) continue;
    x = x.narrow(d, 0, 1), y = y.narrow(d, 0, 1);
  }
  return x.equal(y) && x.expand(a.sizes()).equal(a) && y.expand(b.sizes()).equal(b);
}

bool is_same(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.dtype() != b.dtype()) return false;
  const TensorImpl *x = impl_of(a), *y = impl_of(b);
  if (x->storage.get() == y->storage.get() && x->offset == y->offset) return true;
  const Tensor u = a.contiguous(), v = b.contiguous();  // bits: NaN equals NaN
  return std::memcmp(u.data_ptr(), v.data_ptr(),
                     static_cast<std::size_t>(u.numel() * item_size(u.dtype()))) == 0;
}

/// Finds the twins of the first run's values in another one.
class Comparison {
 public:
  Comparison(const Trace& first, const Trace& other)
      : a_(first), b_(other), twins_(first.values.size(), -1) {}

  std::vector<int> twins() {
    for (std::size_t i = 0; i < a_.inputs.size(); ++i) pair(a_.inputs[i], b_.inputs[i], "");
    const std::size_t count = std::max(a_.steps.size(), b_.steps.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= a_.steps.size() || i >= b_.steps.size()) refuse(i);
      const Step &x = a_.steps[i], &y = b_.steps[i];
      if (x.op != y.op || x.path != y.path || x.inputs.size() != y.inputs.size()) refuse(i);
      for (std::size_t k = 0; k < x.inputs.size(); ++k)
        pair(x.inputs[k], y.inputs[k], place_of(x.op, x.path));
      pair(x.output, y.output, place_of(x.op, x.path));
    }
    for (std::size_t i = 0; i < a_.outputs.size(); ++i)
      pair(a_.outputs[i], b_.outputs[i], "the model's result");
    return twins_;
  }

 private:
  [[noreturn]] void refuse(std::size_t i) const {
    const auto name = [i](const Trace& trace) {
      return i < trace.steps.size() ? place_of(trace.steps[i].op, trace.steps[i].path)
                                    : std::string("nothing");
    };
    fail(kOp, "expected the same operations for every input, got ", name(a_), " for one and ",
         name(b_), " for another; control flow that depends on values or on the number of samples ",
         "has no place in the file");
  }

  void pair(int a, int b, const std::string& place) {
    const auto is_missing = [](int value) { return value < 0; };
    bool fits = is_missing(a) == is_missing(b);
    if (fits && !is_missing(a)) {
      int& twin = twins_[static_cast<std::size_t>(a)];
      const Value &x = a_.values[std::size_t(a)], &y = b_.values[std::size_t(b)];
      fits = (twin < 0 || twin == b || !x.depends) && x.depends == y.depends &&
             x.tensor.dim() == y.tensor.dim() && x.tensor.dtype() == y.tensor.dtype();
      twin = b;
      if (fits && !x.depends && !is_same(x.tensor, y.tensor) && !repeats(x.tensor, y.tensor)) {
        fail(
            kOp, "expected values that can be followed from the model's input, got others ",
            x.tensor.sizes(), " in every run, as input of ", place,
            "; they come from sizes, from values read by item() or data_ptr(), from memory changed "
            "under NoGradGuard, or from an operation that is not told");
      }
    }
    if (!fits)
      fail(kOp, "expected the same operands for every input, got different ones in ", place,
           "; control flow that depends on values or on the number of samples has no place in the "
           "file");
  }

  const Trace &a_, &b_;
  std::vector<int> twins_;
};

}  // namespace

Runs run_model(nn::Module& model, const std::vector<Tensor>& examples, const Forward& forward,
               const ExportOptions& options) {
  nn::refuse_lazy(kOp, model);
  const nn::TrialRun trial(model, examples);
  const autograd::EnableGradGuard recording;
  // So that what is computed from frozen ones is recorded, too.
  for (Tensor& parameter : model.parameters()) {
    if (is_floating(parameter.dtype())) parameter.requires_grad_(true);
  }
  const auto dim = [&](const Tensor& x) { return wrap_dim(options.batch_dim, x.dim(), kOp); };
  Runs runs;
  runs.dynamic = options.dynamic_batch && examples[0].dim() > 0;
  const int64_t samples = runs.dynamic ? examples[0].size(dim(examples[0])) : -1;
  // One sample could not be told from a dimension of size 1.
  const int64_t first = std::max<int64_t>(samples, 2);
  // Along another dimension than the first, pooling rounds a few more away.
  const int64_t more = runs.dynamic && dim(examples[0]) != 0 ? 65 : 3;
  runs.samples = {first, first + 1, first + more, first};
  // What a threshold is compared with lies on its other side in one of them, nearly always.
  constexpr double kFactors[] = {1, 1000, 0.001, -1000};
  const auto trace = [&](std::size_t run, double factor) {
    std::vector<Tensor> inputs;
    for (const Tensor& example : examples) {
      const bool grows = runs.dynamic && example.dim() > 0 && example.size(dim(example)) == samples;
      Tensor x = variation(example, grows ? dim(example) : 0, grows ? runs.samples[run] : -1,
                           run > 0, factor);
      // A result, so that the model may change it in place.
      if (is_floating(x.dtype())) x = x.requires_grad_(true).clone();
      inputs.push_back(x);
    }
    Trace seen(inputs, memory_of(model));
    std::vector<Tensor> results;
    {
      const autograd::ObserverGuard guard(seen);
      results = forward(inputs);
    }
    if (results.empty()) fail(kOp, "expected a model that gives at least one tensor, got none");
    for (const Tensor& result : results) {
      if (!result.defined()) fail(kOp, "expected results that are defined, got an undefined one");
    }
    seen.finish(results);
    return seen;
  };
  runs.traces.push_back(trace(0, 1));
  runs.names = names_of(model, runs.traces[0]);
  for (std::size_t run = 1; run < runs.samples.size(); ++run) {
    try {
      runs.traces.push_back(trace(run, kFactors[run]));
      continue;
    } catch (const std::exception&) {  // of values that the model does not take
    }
    try {
      runs.traces.push_back(trace(run, 1));
    } catch (const Error& error) {
      if (!runs.dynamic)
        fail(kOp,
             "expected a model that takes other values than the example's, got: ", error.what());
      fail(kOp, "expected a model that takes any number of samples, got for ", runs.samples[run],
           " of them: ", error.what(),
           "; set dynamic_batch = false for a file that takes as many as the example has");
    }
  }
  for (std::size_t run = 0; run < runs.traces.size(); ++run) {
    if (runs.traces[run].outputs.size() != runs.traces[0].outputs.size())
      fail(kOp, "expected as many results for every input, got ", runs.traces[0].outputs.size(),
           " and ", runs.traces[run].outputs.size());
    runs.twins.push_back(Comparison(runs.traces[0], runs.traces[run]).twins());
  }
  return runs;
}

}  // namespace norma::onnx
