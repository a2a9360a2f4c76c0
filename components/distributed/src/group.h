// The process group as the component's own sources see it.
#pragma once
#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "norma/distributed/process_group.h"

namespace norma::distributed {

class Operation;

struct Group {
  MPI_Comm comm;    // collective operations, in one order
  MPI_Comm layers;  // those of layers: buckets of gradients come between, not everywhere alike
  MPI_Comm news;    // which ranks have left
  int rank, size;
  double timeout;
  int64_t started = 0;         // how many collective operations this rank has begun
  std::vector<int64_t> ended;  // with how many a rank has left, INT64_MAX for those that are here
  std::vector<std::shared_ptr<Operation>> running = {};  // begun with async_op
};

/// The group; throws `[op] …` where there is none.
Group& group(const char* op);

/// Throws `[op] …` with MPI's own text unless `code`, which `call` returned, is success.
void check(int code, const char* op, const char* call);

/// What a rank does while it waits: gives its processor away, looks whether others have left
/// without having begun what it waits for, and throws at the end of its patience.
class Patience {
 public:
  Patience(const char* op, Group& group, int64_t order);
  void wait_a_little();

 private:
  const char* op_;
  Group& group_;
  const int64_t order_;
  unsigned rounds_ = 0;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_look_ = begin_;
};

/// Tells all others that this rank leaves, and waits until they do.
void leave(Group& group);
/// From here on, an error that nobody catches ends all ranks.
void end_all_ranks_at_uncaught_errors();

/// The type of MPI that carries elements of this one.
MPI_Datatype mpi_type(DType dtype);
/// How many elements one call of MPI carries at most; tests make it smaller.
int64_t& most_elements();

}  // namespace norma::distributed
