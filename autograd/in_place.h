// Views and changes in place: whose history follows which. A view and its base share memory, so a
// change of the one gives both a new history: the base's is `replace_region`, and a view finds out
// by the storage's version, when next asked, that it is a region of a base that changed.
#pragma once
#include "norma/core/tensor.h"

namespace norma::autograd {

/// A view of `self` with this geometry; set its history with `record`.
Tensor make_view(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset);

/// Gives a view the history of its base, if their memory was changed in place since it got its own.
void refresh_view(TensorImpl* impl);

/// The in-place form of an operation: `target` takes the values and the history of `result`, which
/// was computed from it out of place. Handles views: the base's history follows.
Tensor& assign(const char* op, Tensor& target, const Tensor& result);

/// Throws when an in-place `op` on `target` would break the rules for leaves or for memory that
/// several elements share.
void check_in_place(const char* op, const Tensor& target);

}  // namespace norma::autograd
