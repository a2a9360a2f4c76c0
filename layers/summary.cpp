#include "norma/layers/summary.h"

#include <algorithm>
#include <limits>

#include "norma/autograd/grad_mode.h"
#include "norma/autograd/observer.h"
#include "norma/layers/summary_rows.h"
#include "norma/layers/trial_run.h"

namespace norma::nn {

namespace {

int64_t bytes_of(const Tensor& tensor) { return tensor.numel() * item_size(tensor.dtype()); }

class Recorder final : public autograd::Observer {
 public:
  explicit Recorder(const Module& model) : model_(model.id()) {}

  void called(const autograd::Scope& scope, const Tensor& result,
              autograd::Inputs inputs) override {
    std::size_t outer = 0;
    for (const auto* around = scope.outer(); around; around = around->outer()) ++outer;
    ModuleCall call{Module::of(scope).id(), {}, {}};
    int64_t input_bytes = 0;
    bool is_view = false;
    for (int i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) continue;
      call.inputs.push_back(inputs[i].sizes());
      input_bytes += bytes_of(inputs[i]);
      is_view = is_view || (result.defined() && shares_memory(inputs[i], result));
    }
    if (result.defined()) {
      call.outputs.push_back(result.sizes());
      if (!is_view) call.output_bytes = bytes_of(result);
    }
    if (call.module == model_ && !model_ran_) input_bytes_ = input_bytes, model_ran_ = true;
    order_.ended(std::move(call), outer);
  }

  int64_t input_bytes() const { return input_bytes_; }
  std::vector<ModuleCall> calls() { return order_.take(); }

 private:
  static bool shares_memory(const Tensor& a, const Tensor& b) {
    return impl_of(a)->storage.get() == impl_of(b)->storage.get();
  }
  const void* model_;
  bool model_ran_ = false;
  int64_t input_bytes_ = 0;
  CallOrder order_;
};

void add_totals(Summary& summary, const Module& model) {
  const Summary::Row& top = summary.rows[0];
  summary.total_params = top.params;
  summary.trainable_params = top.trainable_params;
  summary.total_buffers = top.buffers;
  int64_t grads = 0, results = 0;
  for (const Tensor& parameter : model.parameters()) {
    summary.param_bytes += bytes_of(parameter);
    if (parameter.requires_grad()) grads += bytes_of(parameter);
  }
  for (const Tensor& buffer : model.buffers()) summary.buffer_bytes += bytes_of(buffer);
  for (const Summary::Row& row : summary.rows) {
    if (__builtin_add_overflow(summary.total_mult_adds, row.mult_adds, &summary.total_mult_adds))
      summary.total_mult_adds = std::numeric_limits<int64_t>::max();
    if (!row.is_layer) continue;
    results += row.output_bytes;
    if (row.trainable != "--") summary.forward_backward_bytes += 2 * row.output_bytes;
  }
  summary.training_step_bytes =
      summary.input_bytes + summary.param_bytes + summary.buffer_bytes + grads + results;
}

}  // namespace

Summary detail::summary_of(Module& handle, const std::vector<Tensor>& inputs,
                           const std::function<void()>& run, const SummaryOptions& options) {
  return with_memory(0, [&] {
    check_options(options);
    if (!run) fail("summary", "expected a function that calls the model, got none");
    const std::shared_ptr<Module> replacement = handle.replacement();
    Module& model = replacement ? *replacement : handle;
    refuse_lazy("summary", model);
    Recorder recorder(model);
    {
      const TrialRun trial(model, inputs);
      const NoGradGuard no_grad;
      const autograd::ObserverGuard watching(recorder);
      run();
    }
    Summary summary;
    summary.options = options;
    summary.rows = rows_of(model, recorder.calls());
    if (std::none_of(summary.rows.begin(), summary.rows.end(),
                     [](const Summary::Row& row) { return row.has_run; })) {
      fail("summary", "expected a function that calls the model, got one that calls no module of ",
           "the ", model.type_name(), "; call it with its arguments: [&] { model(…); }");
    }
    summary.input_bytes = recorder.input_bytes();
    add_totals(summary, model);
    return summary;
  });
}

Summary summary(Module& model, const std::function<void()>& run, const SummaryOptions& options) {
  return detail::summary_of(model, {}, run, options);
}

}  // namespace norma::nn
