// The history of views and of in-place changes. A view and its base share memory, so changing one
// gives both a new history: the base gets a `replace_region` at once; a view gets a `region_of` its
// base when it is next used, if the storage's version says that the memory has changed.
#pragma once
#include "norma/autograd/observer.h"

namespace norma::autograd {

/// A view of `self` with this geometry; set its history with `record`.
Tensor make_view(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset);

/// `view`, which shows memory around `base` in any geometry, with its history: gradients go to
/// those elements of `base`, zero elsewhere.
Tensor record_region(const Operation& op, const Tensor& view, const Tensor& base);

/// Gives a view the history of its base, if their memory was changed in place since it got its own.
void refresh_view(TensorImpl* impl);

/// The in-place form of an operation: `target` takes the values and the history of `result`, which
/// was computed from it out of place. Handles views: the base's history follows.
Tensor& assign(const char* op, Tensor& target, const Tensor& result);

/// `self`, or a copy with its history, where backward of `needed_for` needs the values of `self`
/// that are about to change.
Tensor original(const Tensor& self, const Tensor& needed_for);

/// Throws when an in-place `op` on `target` would break the rules for leaves or for memory that
/// several elements share.
void check_in_place(const char* op, const Tensor& target);

}  // namespace norma::autograd
