#include "rank_rows.h"

#include <memory>

#include "norma/core/factory.h"
#include "operation.h"

namespace norma::distributed {

RankRows::RankRows(const char* op, int64_t width)
    : op_(op), rows_(zeros({group(op).size, width}, {.dtype = kFloat64})) {}

const double* RankRows::operator[](int64_t rank) const {
  return rows_.data_ptr<double>() + rank * rows_.size(1);
}

double* RankRows::own() { return rows_.data_ptr<double>() + group(op_).rank * rows_.size(1); }

void RankRows::gather() {
  Group& here = group(op_);
  const auto operation = std::make_shared<Operation>(op_, here, rows_);
  operation->start("MPI_Iallgather", [&](void* data, int, MPI_Request* request) {
    return MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, static_cast<int>(rows_.size(1)),
                          MPI_DOUBLE, here.layers, request);
  });
  operation->wait();
}

void add_up(const char* op, const Tensor& sums) {
  Group& here = group(op);
  const auto operation = std::make_shared<Operation>(op, here, sums);
  operation->start("MPI_Iallreduce", [&](void* data, int count, MPI_Request* request) {
    return MPI_Iallreduce(MPI_IN_PLACE, data, count, MPI_DOUBLE, MPI_SUM, here.layers, request);
  });
  operation->wait();
}

}  // namespace norma::distributed
