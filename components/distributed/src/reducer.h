// What averages the gradients of a model while backward() goes on.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "norma/distributed/distributed_data_parallel.h"
#include "norma/distributed/process_group.h"

namespace norma::distributed {

class Reducer : public std::enable_shared_from_this<Reducer> {
 public:
  Reducer(const nn::Module& model, const DataParallelOptions& options);
  ~Reducer();
  Reducer(const Reducer&) = delete;
  Reducer& operator=(const Reducer&) = delete;

  void register_hooks();
  void before_forward();
  void after_forward(const std::vector<Tensor>& results);

  bool sync = true;  // false within no_sync()

 private:
  struct Parameter {
    std::string name;
    Tensor tensor;
    Tensor place;  // in its bucket
    std::size_t bucket;
    HookHandle hook = {};
    bool used = false;   // a gradient came since the last average
    bool ready = false;  // its place holds what is to be averaged
  };
  struct Bucket {
    Tensor values;
    std::size_t parameters = 0, ready = 0;
    Work work = {};
  };

  void make_buckets();
  void arrived(std::size_t index);
  void begin_pass();
  void mark_ready(Parameter& parameter);
  void start_ready_buckets();
  void finish_pass();
  void refuse_unfinished() const;

  const DataParallelOptions options_;
  std::vector<Parameter> parameters_;  // those that are learnt, from the last one
  std::vector<Bucket> buckets_;        // in the order in which they travel
  std::vector<Tensor> buffers_;
  std::vector<std::size_t> unused_;  // of the last forward
  bool averages_ = false;            // whether the last forward's gradients are averaged
  bool sends_buffers_ = true;        // before the next forward
  bool in_pass_ = false;             // gradients have come that are not averaged yet
  bool is_queued_ = false;           // finish_pass, at the end of backward()
  std::size_t started_ = 0;          // buckets that travel
  std::size_t done_ = 0;             // of these, those that have arrived
};

/// Gives all ranks the values that rank 0 has, those of a dtype in one message.
void broadcast_together(const std::vector<Tensor>& tensors);

/// Throws, on all ranks, unless model and options are the same on all.
void require_same_model(const nn::Module& model, const DataParallelOptions& options);

}  // namespace norma::distributed
