#include "operation.h"

#include <utility>

#include "norma/autograd/grad_mode.h"
#include "norma/core/tensor_impl.h"

namespace norma::distributed {

Operation::Operation(const char* op, Group& group, const Tensor& target)
    : op_(op), group_(&group), order_(++group.started), target_(target) {
  if (!target.defined()) return;
  const NoGradGuard guard;
  values_ = target.detach().contiguous();
}

const void* Operation::copied(const void* data) {
  if (!copy_.defined()) copy_ = values_.clone();
  const auto* const begin = static_cast<const char*>(values_.raw_data());
  return static_cast<const char*>(copy_.raw_data()) + (static_cast<const char*>(data) - begin);
}

bool Operation::poll() {
  if (done_) return true;
  for (MPI_Request& request : requests_) {
    if (request == MPI_REQUEST_NULL) continue;
    int complete = 0;
    check(MPI_Test(&request, &complete, MPI_STATUS_IGNORE), op_, call_);
    if (!complete) return false;
  }
  finish();
  return true;
}

void Operation::wait() {
  Patience patience(op_, *group_, order_);
  while (!poll()) patience.wait_a_little();
}

void Operation::finish() {
  done_ = true;
  if (!target_.defined()) return;
  const NoGradGuard guard;
  impl_of(values_)->storage->bump_version();
  if (divisor_ != 1) values_.div_(divisor_);
  if (values_.raw_data() != target_.raw_data()) target_.detach().copy_(values_);
  target_ = values_ = copy_ = Tensor();
}

Work Operation::run(std::shared_ptr<Operation> operation, bool async_op) {
  if (!async_op) {
    operation->wait();
    return {};
  }
  operation->group_->running.push_back(operation);
  return Work(std::move(operation));
}

Work::Work(std::shared_ptr<Operation> operation) : operation_(std::move(operation)) {}

void Work::wait() {
  if (operation_) operation_->wait();
  operation_.reset();
}

bool Work::is_completed() {
  if (operation_ && operation_->poll()) operation_.reset();
  return !operation_;
}

}  // namespace norma::distributed
