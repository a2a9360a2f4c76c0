// The processes that work together, and what they tell each other.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "norma/norma.h"

/// Training by several processes that `mpirun -n 4 ./program` starts: the same program, once for
/// each rank. Names are those of torch.distributed, whose backend "mpi" it is.
namespace norma::distributed {

/// What `init_process_group` is told.
struct InitOptions {
  double timeout = 1800;  ///< seconds that a rank waits for the others before it throws
};

/// Makes this process one of those that mpirun started; begins MPI if the program has not. Without
/// mpirun there is one rank, so that the same program runs alone, too. At the end of the program
/// the group is left and MPI ended, as far as it was begun here.
///
/// From here on an error that nobody catches is printed with its rank, and ends the program on all
/// ranks. A rank that ends, with or without an error, while others wait for it makes these throw
/// within seconds; a rank that is killed ends all of them, as mpirun sees to. Every rank calls the
/// functions below in the same order, from one thread at a time.
/// ```cpp
/// norma::distributed::init_process_group();
/// auto loss = norma::ones({1});
/// norma::distributed::all_reduce(loss, norma::distributed::ReduceOp::Avg);
/// ```
/// Errors: a group that is there already, a timeout that is not above 0, an MPI that allows no
/// threads beside the one that calls it, or that has ended. Errors of all functions below, besides
/// their own: no group, what MPI itself reports, other ranks that do not come within the timeout or
/// have ended. PyTorch: `torch.distributed.init_process_group`.
void init_process_group(const InitOptions& options = {});
/// Whether there is a group.
bool is_initialized();
/// Leaves the group, when all ranks do; another one may be made afterwards. MPI ends with the
/// program. Errors: no group.
void destroy_process_group();
/// The number of this process, from 0.
int get_rank();
/// How many there are.
int get_world_size();

/// How values of all ranks become one. Of bools, Sum and Max are "or", Product and Min are "and".
enum class ReduceOp { Sum, Avg, Product, Min, Max };

/// A collective operation that goes on. One that dies leaves it to the group, which keeps the
/// tensor until it is done.
class Work {
 public:
  /// Nothing to wait for.
  Work() = default;
  /// Until the result is in the tensor. Errors: as those of the operation.
  void wait();
  /// Whether it is there. Asking, as every call of MPI, also lets it go on.
  bool is_completed();

 private:
  friend class Operation;
  explicit Work(std::shared_ptr<class Operation> operation);
  std::shared_ptr<class Operation> operation_;
};

/// Waits until all ranks are here.
void barrier();
/// Gives the tensor the values that rank `src` has, on all ranks. It has the same sizes and dtype
/// there, any strides; its values change in place, outside the graph. With `async_op` it returns at
/// once, and nobody may touch the tensor until `wait()` returned; otherwise the result is there.
/// Errors: an undefined tensor, no such rank.
Work broadcast(const Tensor& tensor, int src, bool async_op = false);
/// Gives the tensor, on all ranks, the reduction of the values that they have; the rest as with
/// `broadcast`. All ranks get the same bits. Errors: an undefined tensor, Avg of integers or bools.
Work all_reduce(const Tensor& tensor, ReduceOp op = ReduceOp::Sum, bool async_op = false);
/// The tensors of all ranks, in their order. Sizes may differ from rank to rank, also in their
/// number. Errors: an undefined tensor; on all ranks: one of another dtype.
std::vector<Tensor> all_gather(const Tensor& tensor);
/// The texts of all ranks, in their order; PyTorch: `all_gather_object`.
std::vector<std::string> all_gather_object(const std::string& text);

}  // namespace norma::distributed
