// barrier, broadcast, all_reduce, all_gather.
#include <cstring>
#include <memory>
#include <utility>

#include "operation.h"

namespace norma::distributed {

namespace {

std::shared_ptr<Operation> operation_on(const char* op, const Tensor& target) {
  Group& here = group(op);
  // Of those that nobody holds any more, the ones that are done go.
  std::erase_if(here.running, [](const auto& old) { return old.use_count() == 1 && old->poll(); });
  return std::make_shared<Operation>(op, here, target);
}

void require_defined(const char* op, const Tensor& tensor) {
  if (!tensor.defined()) fail(op, "expected a tensor, got an undefined one");
}

/// The reduction of MPI. Bools travel as bytes that are 0 or 1: the larger one is their "or".
MPI_Op mpi_op(ReduceOp op, DType dtype) {
  switch (op) {
    case ReduceOp::Max:
      return MPI_MAX;
    case ReduceOp::Min:
      return MPI_MIN;
    case ReduceOp::Product:
      return dtype == kBool ? MPI_MIN : MPI_PROD;
    case ReduceOp::Sum:
    case ReduceOp::Avg:
      break;
  }
  return dtype == kBool ? MPI_MAX : MPI_SUM;
}

/// Starts a broadcast from `src` without waiting.
std::shared_ptr<Operation> start_broadcast(const char* op, const Tensor& tensor, int src) {
  const auto operation = operation_on(op, tensor);
  const Group& here = group(op);
  const MPI_Datatype type = mpi_type(tensor.dtype());
  operation->start("MPI_Ibcast", [&](void* data, int count, MPI_Request* request) {
    return MPI_Ibcast(data, count, type, src, here.comm, request);
  });
  return operation;
}

}  // namespace

MPI_Datatype mpi_type(DType dtype) {
  switch (dtype) {
    case kBool:
    case kUInt8:
      return MPI_UINT8_T;
    case kInt32:
      return MPI_INT32_T;
    case kInt64:
      return MPI_INT64_T;
    case kFloat32:
      return MPI_FLOAT;
    case kFloat64:
      break;
  }
  return MPI_DOUBLE;
}

int64_t& most_elements() {
  static int64_t most = int64_t{1} << 30;
  return most;
}

void barrier() {
  const auto operation = operation_on("barrier", Tensor());
  const Group& here = group("barrier");
  operation->start_empty("MPI_Ibarrier",
                         [&](MPI_Request* request) { return MPI_Ibarrier(here.comm, request); });
  operation->wait();
}

Work broadcast(const Tensor& tensor, int src, bool async_op) {
  const char* const op = "broadcast";
  const Group& here = group(op);
  require_defined(op, tensor);
  if (src < 0 || src >= here.size) {
    fail(op, "expected a rank from 0 to ", here.size - 1, " as src, got ", src);
  }
  return Operation::run(start_broadcast(op, tensor, src), async_op);
}

Work all_reduce(const Tensor& tensor, ReduceOp reduction, bool async_op) {
  const char* const op = "all_reduce";
  const Group& here = group(op);
  require_defined(op, tensor);
  const DType dtype = tensor.dtype();
  if (reduction == ReduceOp::Avg && !is_floating(dtype)) {
    fail(op, "expected floating numbers for ReduceOp::Avg, got ", dtype,
         "; convert them with to(kFloat64)");
  }
  const auto operation = operation_on(op, tensor);
  if (reduction == ReduceOp::Avg) operation->divide_by(here.size);
  operation->start("MPI_Iallreduce", [&](void* data, int count, MPI_Request* request) {
    // Of what is in place, Open MPI sends all to one rank and back; of fewer than four ranks, too.
    const void* const from = here.size < 4 ? MPI_IN_PLACE : operation->copied(data);
    return MPI_Iallreduce(from, data, count, mpi_type(dtype), mpi_op(reduction, dtype), here.comm,
                          request);
  });
  return Operation::run(operation, async_op);
}

std::vector<Tensor> all_gather(const Tensor& tensor) {
  const char* const op = "all_gather";
  const Group& here = group(op);
  require_defined(op, tensor);
  // A row for each rank: its dtype, the number of its sizes, and these.
  constexpr int64_t kRow = Shape::kMaxDims + 2;
  const Tensor rows = zeros({here.size, kRow}, {.dtype = kInt64});
  int64_t* const row = rows.data_ptr<int64_t>() + here.rank * kRow;
  row[0] = static_cast<int64_t>(tensor.dtype());
  row[1] = tensor.dim();
  for (int64_t i = 0; i < tensor.dim(); ++i) row[2 + i] = tensor.size(i);
  const auto sizes = operation_on(op, rows);
  sizes->start("MPI_Iallgather", [&](void* data, int, MPI_Request* request) {
    return MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, static_cast<int>(kRow),
                          MPI_INT64_T, here.comm, request);
  });
  sizes->wait();

  std::vector<Tensor> all;
  for (int rank = 0; rank < here.size; ++rank) {
    const int64_t* const other = rows.data_ptr<int64_t>() + rank * kRow;
    const auto dtype = static_cast<DType>(other[0]);
    if (dtype != static_cast<DType>(rows.data_ptr<int64_t>()[0])) {
      fail(op, "expected tensors of one dtype, got ", all[0].dtype(), " on rank 0 and ", dtype,
           " on rank ", rank);
    }
    Shape shape;
    for (int64_t i = 0; i < other[1]; ++i) shape.push_back(other[2 + i]);
    all.push_back(rank == here.rank ? tensor.detach().clone() : empty(shape, {.dtype = dtype}));
  }
  std::vector<std::shared_ptr<Operation>> operations;
  for (int rank = 0; rank < here.size; ++rank) {
    operations.push_back(start_broadcast(op, all[static_cast<std::size_t>(rank)], rank));
  }
  for (const auto& operation : operations) operation->wait();
  return all;
}

std::vector<std::string> all_gather_object(const std::string& text) {
  group("all_gather_object");
  const Tensor bytes = empty(static_cast<int64_t>(text.size()), {.dtype = kUInt8});
  if (!text.empty()) std::memcpy(bytes.raw_data(), text.data(), text.size());
  std::vector<std::string> all;
  for (const Tensor& other : all_gather(bytes)) {
    all.emplace_back(static_cast<const char*>(other.raw_data()),
                     static_cast<std::size_t>(other.numel()));
  }
  return all;
}

}  // namespace norma::distributed
