// Donation: an operation writes its result over an operand that its caller is done with, so that a
// chain of temporaries, `(x * w + b).relu()`, needs the memory of one. The rule:
//
// Who donates. The caller, by `&&`: an operator whose operand is a temporary, `relu() &&`, and
// `Module::operator()(Tensor&&)`, which hands it to the layer's `forward_donated`. A named tensor
// is never overwritten, unless it is moved. Backward functions donate the gradient they were
// handed.
//
// Who takes. An operation that reads an element before it writes the one in the same place, and
// whose backward does not need the operand: `add`, `relu`; `mul` only while nothing is recorded. It
// asks `donate_or_new` for the memory of its result, and is right whatever it gets.
//
// What is never taken, though donated (`is_donatable`):
// - values that anybody else sees: a second handle, a view and its base, and what some node has
//   saved, each count as an owner of the tensor or of its storage;
// - leaves that require a gradient: the graph knows them by their memory, and they are read again;
// - views, and part of a storage: the rest of the memory would stay without being of use;
// - foreign memory, which Norma did not allocate;
// - anything while an observer watches: it may keep every intermediate result.
#pragma once
#include "norma/core/tensor.h"

namespace norma::autograd {

/// Whether an operation may write its result where the operand lies, by the rule above.
bool is_donatable(const Tensor& operand);

/// Memory for a result: the operand's own where it is donatable and fits, fresh memory otherwise.
Tensor donate_or_new(const Tensor& operand, const Shape& sizes, DType dtype);

}  // namespace norma::autograd
