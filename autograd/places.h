// What indices name in a tensor, and the three things that are done there: take, put, add. For
// Norma's own sources.
#pragma once
#include "norma/autograd/node.h"
#include "norma/autograd/observer.h"
#include "norma/core/kernels/middle_shape.h"

namespace norma::autograd {

/// The places in a row-major tensor that an index names, one for every element of a result `to`.
struct Places {
  /// What `index_select` names: `index` along the middle of `shape`.
  Places(const Tensor& index, const kernels::MiddleShape& shape, const Shape& from,
         const Shape& to);
  /// What `gather` names: `index` is as large as the result.
  Places(const Tensor& index, int64_t dim, const Shape& from);

  Saved index;  // kInt64, row-major, within bounds
  Shape from, to;
  int64_t dim = -1;  // of gather
  kernels::MiddleShape shape;

  /// visit(position in the tensor, position in the result) for every element of the result.
  template <class Visit>
  void each(Visit visit) const;
};

/// An index that may be kInt32, too, as kInt64.
Tensor widened_index(const char* op, const Tensor& index);
/// The index in row-major order; throws `[op] …` unless it is kInt64 and in [0, size).
Tensor checked_index(const char* op, const Tensor& index, int64_t size);
/// The same, and in [-size, size): what is returned counts from the start.
Tensor wrapped_index(const char* op, const Tensor& index, int64_t size);

/// The positions where a tensor is not 0, in a row: kInt64.
Tensor flat_positions(const Tensor& tensor);

enum class Write { Put, Add, Multiply, Max, Min };

/// The elements of x there.
Tensor taken(const Operation& op, const Tensor& x, const Places& places);
/// x with `values`, which broadcast to the result's shape, written there. Put: where a place occurs
/// twice, the last value stays, and the gradient goes to all. Only Put and Add are differentiable.
Tensor written(const char* op, const Tensor& x, const Places& places, const Tensor& values,
               Write how);
/// The same in place.
Tensor& write_in_place(const char* op, Tensor& x, const Places& places, const Tensor& values,
                       Write how);

/// Throws `[op] …` unless values that are written have the dtype of x.
void check_same_dtype(const char* op, const Tensor& x, const Tensor& values);
/// A number in the dtype of x.
Tensor number_like(const Tensor& x, Scalar value);

}  // namespace norma::autograd
