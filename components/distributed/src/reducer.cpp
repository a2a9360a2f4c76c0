#include "reducer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "norma/autograd/engine.h"
#include "norma/autograd/grad_mode.h"
#include "norma/autograd/node.h"

namespace norma::distributed {

namespace {

constexpr const char* kName = "DistributedDataParallel";
constexpr double kMiB = 1 << 20;

/// The nodes that a backward() from these results could reach.
std::unordered_set<const autograd::Node*> graph_of(const std::vector<Tensor>& results) {
  std::unordered_set<const autograd::Node*> seen;
  std::vector<Ref<autograd::Node>> next;
  const auto add = [&](const Ref<autograd::Node>& node) {
    if (node && seen.insert(node.get()).second) next.push_back(node);
  };
  for (const Tensor& result : results) {
    if (result.defined()) add(autograd::gradient_edge(result));
  }
  while (!next.empty()) {
    const Ref<autograd::Node> node = std::move(next.back());
    next.pop_back();
    for (int k = 0; k < node->input_count; ++k) add(node->inputs[k]);
  }
  return seen;
}

}  // namespace

void broadcast_together(const std::vector<Tensor>& tensors) {
  const NoGradGuard guard;
  for (const DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    std::vector<Tensor> alike, flat;
    for (const Tensor& tensor : tensors) {
      if (tensor.dtype() != dtype || tensor.numel() == 0) continue;
      alike.push_back(tensor.detach());
      flat.push_back(alike.back().reshape(-1));
    }
    if (alike.empty()) continue;
    const Tensor all = cat(flat);
    broadcast(all, 0);
    if (get_rank() == 0) continue;
    int64_t begin = 0;
    for (Tensor& tensor : alike) {
      const int64_t end = begin + tensor.numel();
      tensor.copy_(all.slice(0, begin, end).reshape(tensor.sizes()));
      begin = end;
    }
  }
}

Reducer::Reducer(const nn::Module& model, const DataParallelOptions& options)
    : options_(options), buffers_(model.buffers()) {
  if (!(options.bucket_cap_mb > 0)) {
    fail(kName, "expected a bucket_cap_mb above 0, got ", options.bucket_cap_mb);
  }
  if (!is_initialized()) init_process_group();
  require_same_model(model, options);
  std::vector<Tensor> all;
  for (const auto& [name, tensor] : model.named_parameters()) {
    all.push_back(tensor);
    if (tensor.requires_grad()) parameters_.push_back({name, tensor, {}, 0});
  }
  if (parameters_.empty()) {
    fail(kName,
         "expected a model with parameters that require a gradient, got none; without any, "
         "call the model itself");
  }
  std::reverse(parameters_.begin(), parameters_.end());
  for (const Tensor& tensor : all) broadcast(tensor, 0);
  broadcast_together(buffers_);
  make_buckets();
}

Reducer::~Reducer() {
  for (Parameter& parameter : parameters_) parameter.hook.remove();
}

void Reducer::make_buckets() {
  std::vector<int64_t> sizes;  // of the buckets, in elements
  double limit = std::min(options_.bucket_cap_mb, 1.0) * kMiB;
  bool is_full = true;
  DType dtype = kFloat32;
  for (Parameter& parameter : parameters_) {
    if (is_full || parameter.tensor.dtype() != dtype) {
      dtype = parameter.tensor.dtype();
      buckets_.push_back({});
      sizes.push_back(0);
    }
    parameter.bucket = buckets_.size() - 1;
    ++buckets_.back().parameters;
    sizes.back() += parameter.tensor.numel();
    is_full = static_cast<double>(sizes.back() * item_size(dtype)) >= limit;
    if (is_full) limit = options_.bucket_cap_mb * kMiB;
  }
  std::size_t last = buckets_.size();
  int64_t begin = 0;
  for (Parameter& parameter : parameters_) {
    Bucket& bucket = buckets_[parameter.bucket];
    if (parameter.bucket != last) {
      last = parameter.bucket;
      begin = 0;
      bucket.values = zeros(sizes[last], {.dtype = parameter.tensor.dtype()});
    }
    const int64_t end = begin + parameter.tensor.numel();
    parameter.place = bucket.values.slice(0, begin, end).view(parameter.tensor.sizes());
    begin = end;
  }
}

void Reducer::register_hooks() {
  // A copy of the handle lives in the hook, not of what holds it: the hook is removed at its end.
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    parameters_[i].hook = parameters_[i].tensor.register_post_accumulate_grad_hook(
        [this, i](const Tensor&) { arrived(i); });
  }
}

void Reducer::before_forward() {
  const bool is_recorded = grad_enabled();
  if (is_recorded && in_pass_) refuse_unfinished();
  if (options_.broadcast_buffers && sends_buffers_) broadcast_together(buffers_);
  sends_buffers_ = is_recorded && sync;
  if (is_recorded) averages_ = sync;
}

void Reducer::after_forward(const std::vector<Tensor>& results) {
  if (!options_.find_unused_parameters || !grad_enabled() || !averages_) return;
  unused_.clear();
  const std::unordered_set<const autograd::Node*> graph = graph_of(results);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!graph.contains(autograd::gradient_edge(parameters_[i].tensor).get())) unused_.push_back(i);
  }
  if (unused_.size() < parameters_.size()) return;
  begin_pass();  // no gradient will come that could begin it
  finish_pass();
}

void Reducer::arrived(std::size_t index) {
  Parameter& parameter = parameters_[index];
  parameter.used = true;
  if (!averages_) return;
  if (!in_pass_) begin_pass();
  if (!is_queued_) {
    autograd::queue_callback([own = shared_from_this()] {
      own->is_queued_ = false;
      own->finish_pass();
    });
    is_queued_ = true;
  }
  if (parameter.ready) {
    std::string missing;
    for (const Parameter& other : parameters_) {
      if (!other.ready) missing += (missing.empty() ? "" : ", ") + other.name;
    }
    fail(kName, "expected one gradient of each parameter before they are averaged, got a second ",
         "one of ", parameter.name, ", while ",
         missing.empty() ? "they were on their way" : missing + " had none",
         "; call backward() once for each forward, or use no_sync()");
  }
  mark_ready(parameter);
  start_ready_buckets();
  while (done_ < started_ && buckets_[done_].work.is_completed()) ++done_;
}

void Reducer::begin_pass() {
  in_pass_ = true;
  started_ = done_ = 0;
  for (Bucket& bucket : buckets_) bucket.ready = 0;
  for (Parameter& parameter : parameters_) parameter.ready = false;
  for (const std::size_t index : std::exchange(unused_, {})) mark_ready(parameters_[index]);
  start_ready_buckets();
}

void Reducer::mark_ready(Parameter& parameter) {
  const NoGradGuard guard;
  const Tensor grad = parameter.tensor.grad();
  if (grad.defined()) {
    if (grad.sizes() != parameter.place.sizes() || grad.dtype() != parameter.place.dtype()) {
      fail(kName, "expected a gradient of ", parameter.name, " of shape ", parameter.place.sizes(),
           " and dtype ", parameter.place.dtype(), ", got ", grad.sizes(), " and ", grad.dtype(),
           "; change a model before DistributedDataParallel is made of it");
    }
    parameter.place.copy_(grad);
  } else {
    parameter.place.zero_();
  }
  parameter.ready = true;
  ++buckets_[parameter.bucket].ready;
}

void Reducer::start_ready_buckets() {
  // In one order on all ranks, whatever the order in which gradients come.
  while (started_ < buckets_.size()) {
    Bucket& bucket = buckets_[started_];
    if (bucket.ready < bucket.parameters) return;
    const NoGradGuard guard;
    bucket.values.div_(get_world_size());
    bucket.work = all_reduce(bucket.values, ReduceOp::Sum, true);
    ++started_;
  }
}

void Reducer::finish_pass() {
  if (started_ < buckets_.size()) return;  // the next forward complains
  const NoGradGuard guard;
  Tensor used;
  if (options_.find_unused_parameters) {
    used = zeros(static_cast<int64_t>(parameters_.size()), {.dtype = kUInt8});
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      used.data_ptr<uint8_t>()[i] = parameters_[i].used;
    }
    all_reduce(used, ReduceOp::Max);
  }
  for (; done_ < buckets_.size(); ++done_) buckets_[done_].work.wait();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    parameter.used = false;
    if (used.defined() && !used.data_ptr<uint8_t>()[i]) continue;
    Tensor grad = parameter.tensor.grad();
    if (grad.defined()) {
      grad.copy_(parameter.place);
    } else {
      parameter.tensor.set_grad(parameter.place.clone());
    }
  }
  in_pass_ = false;
}

void Reducer::refuse_unfinished() const {
  std::string missing;
  for (const Parameter& parameter : parameters_) {
    if (!parameter.ready) missing += (missing.empty() ? "" : ", ") + parameter.name;
  }
  fail(kName, "expected the backward() before to give every parameter a gradient, got none of ",
       missing.empty() ? "them, since it threw" : missing,
       "; use all results of forward in the loss, freeze what is not learnt, or set "
       "find_unused_parameters = true");
}

// --- The handle

void DataParallelBase::share(const nn::Module& model, const DataParallelOptions& options) {
  reducer_ = std::make_shared<Reducer>(model, options);
  reducer_->register_hooks();
}

void DataParallelBase::before_forward() { reducer_->before_forward(); }

void DataParallelBase::after_forward(const std::vector<Tensor>& results) {
  reducer_->after_forward(results);
}

DataParallelBase::NoSync DataParallelBase::no_sync() { return NoSync(reducer_); }

DataParallelBase::NoSync::NoSync(std::shared_ptr<Reducer> reducer)
    : reducer_(std::move(reducer)), before_(std::exchange(reducer_->sync, false)) {}

DataParallelBase::NoSync::~NoSync() { reducer_->sync = before_; }

}  // namespace norma::distributed
