// A collective operation on a tensor, from its first call of MPI until its result is there.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "group.h"

namespace norma::distributed {

class Operation {
 public:
  /// The next one of the group, on the values of `target`; undefined: none.
  Operation(const char* op, Group& group, const Tensor& target);

  /// Begins `start(first, count, request)` for consecutive parts of the values, each small enough
  /// for MPI; `call` is what it calls. `item`: bytes of an element.
  template <class Start>
  void start(const char* call, const Start& start) {
    call_ = call;
    const int64_t most = most_elements(), item = item_size(values_.dtype());
    char* const data = static_cast<char*>(values_.raw_data());
    for (int64_t first = 0; first < values_.numel(); first += most) {
      requests_.push_back(MPI_REQUEST_NULL);
      const int64_t count = std::min(most, values_.numel() - first);
      check(start(data + first * item, static_cast<int>(count), &requests_.back()), op_, call);
    }
  }
  /// The same of an operation without values.
  template <class Start>
  void start_empty(const char* call, const Start& start) {
    call_ = call;
    requests_.push_back(MPI_REQUEST_NULL);
    check(start(&requests_.back()), op_, call);
  }
  /// A copy of the values, kept until the end, for MPI to read while it writes to them; where
  /// `data` of a part lies in it.
  const void* copied(const void* data);
  /// The sum is to be divided by this.
  void divide_by(int divisor) { divisor_ = divisor; }

  /// Lets MPI go on; whether the result is there.
  bool poll();
  void wait();
  /// What a function returns that was asked for `async_op` or not.
  static Work run(std::shared_ptr<Operation> operation, bool async_op);

 private:
  void finish();

  const char* op_;
  const char* call_ = "";
  Group* group_;
  int64_t order_;
  Tensor target_, values_, copy_;  // the second one with its elements row by row
  int divisor_ = 1;
  bool done_ = false;
  std::vector<MPI_Request> requests_;
};

}  // namespace norma::distributed
