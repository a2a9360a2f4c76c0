// Looking up rows of a table.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "norma/autograd/functional.h"
#include "norma/autograd/grad_mode.h"
#include "norma/autograd/in_place.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/kernels/embedding.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::filled;
using autograd::InputGrads;
using autograd::linear_map;
using autograd::record;
using autograd::Saved;

constexpr int64_t kNoRow = -1;

void check_index_range(const Tensor& indices, int64_t rows) {
  const int64_t* values = values_of<int64_t>(indices);
  for (int64_t i = 0; i < indices.numel(); ++i) {
    if (values[i] >= 0 && values[i] < rows) continue;
    Shape place = indices.sizes();
    int64_t rest = i;
    for (int64_t d = place.size() - 1; d >= 0; --d) {
      const int64_t size = indices.size(d);
      place[d] = rest % size;
      rest /= size;
    }
    fail("embedding", "index out of range in self: expected 0 <= index < ", rows, ", got ",
         values[i], indices.dim() > 0 ? " at " + place.str() : "");
  }
}

/// How often each index occurs, for every place: [count, 1].
Tensor frequencies(const Tensor& indices, int64_t rows) {
  const int64_t count = indices.numel(), *const values = values_of<int64_t>(indices);
  std::vector<int64_t> times(static_cast<std::size_t>(rows));
  for (int64_t i = 0; i < count; ++i) ++times[static_cast<std::size_t>(values[i])];
  Tensor out = new_tensor({count, 1}, kInt64);
  for (int64_t i = 0; i < count; ++i)
    values_of<int64_t>(out)[i] = times[static_cast<std::size_t>(values[i])];
  return out;
}

void check_tensors(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options) {
  const TensorImpl* index = defined_impl(indices, "embedding");
  const TensorImpl* w = defined_impl(weight, "embedding");
  if (w->sizes.size() != 2) {
    fail("embedding", "'weight' must be 2-D, [num_embeddings, embedding_dim], got size ", w->sizes);
  }
  if (index->dtype != kInt64 && index->dtype != kInt32) {
    fail("embedding", "expected indices of dtype int64 or int32, got ", index->dtype,
         "; convert them with to(kInt64)");
  }
  if (options.max_norm && !is_floating(w->dtype)) {
    fail("embedding", "expected a floating weight for max_norm, got ", w->dtype,
         "; convert it with to(kFloat32)");
  }
}

void renormalise(const Tensor& weight, const Tensor& indices, double max_norm, double norm_type) {
  const NoGradGuard no_grad;
  autograd::check_in_place("embedding", weight);
  const int64_t* values = values_of<int64_t>(indices);
  std::vector<int64_t> rows(values, values + indices.numel());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  TensorImpl* w = impl_of(weight);
  const bool changed = dispatch_floating(w->dtype, [&]<class T>() {
    return kernels::limit_norms(w->data_as<T>(), w->strides[0], w->strides[1], rows.data(),
                                static_cast<int64_t>(rows.size()), w->sizes[1], max_norm,
                                norm_type);
  });
  if (changed) w->storage->bump_version();
}

}  // namespace

void EmbeddingOptions::check(const char* op, int64_t num_embeddings) const {
  if (padding_idx && (*padding_idx < -num_embeddings || *padding_idx >= num_embeddings)) {
    fail(op, "Padding_idx must be within num_embeddings, got padding_idx=", *padding_idx,
         " and num_embeddings=", num_embeddings);
  }
  if (max_norm && !(*max_norm >= 0)) {
    fail(op, "expected max_norm of at least 0, got ", rounded(*max_norm));
  }
  if (std::isnan(norm_type)) fail(op, "expected a number as norm_type, got nan");
}

Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options) {
  check_tensors(indices, weight, options);
  const int64_t rows = weight.size(0), width = weight.size(1);
  options.check("embedding", rows);
  const Tensor picks = indices.to(kInt64).contiguous();
  check_index_range(picks, rows);
  if (options.max_norm && width > 0) {
    renormalise(weight, picks, *options.max_norm, options.norm_type);
  }
  Shape sizes = indices.sizes();
  sizes.push_back(width);
  const Tensor y = new_tensor(sizes, weight.dtype()), table = weight.detach().contiguous();
  dispatch(weight.dtype(), [&]<class T>() {
    kernels::pick_rows(values_of<T>(table), values_of<int64_t>(picks), picks.numel(), width,
                       values_of<T>(y));
  });
  int64_t padding = options.padding_idx.value_or(kNoRow);
  if (options.padding_idx && padding < 0) padding += rows;
  const auto backward = [rows, width, padding, by_frequency = options.scale_grad_by_freq,
                         saved = Saved(picks)](const Tensor& g, InputGrads& d) {
    const int64_t count = saved->numel();
    const auto add = [=](const Tensor& dy, bool scaled, int64_t without) {
      return filled({rows, width}, dy, [&](const auto* from, auto* dw) {
        kernels::add_to_rows(from, values_of<int64_t>(*saved), count, rows, width, scaled, without,
                             dw);
      });
    };
    if (!grad_enabled()) {
      d[0] = add(g, by_frequency, padding);
      return;
    }
    // What every row of g counts, and then a sum for every row of the table.
    const Tensor flat = saved->reshape({count, 1});
    Tensor share = flat.ne(padding).to(g.dtype());
    if (by_frequency) share = share / frequencies(*saved, rows).to(g.dtype());
    d[0] = linear_map(
        "embedding", g.reshape({count, width}) * share,
        [=](const Tensor& dy) { return add(dy, false, kNoRow); },
        [=](const Tensor& dw) {
          return filled({count, width}, dw, [&](const auto* from, auto* to) {
            kernels::pick_rows(from, values_of<int64_t>(*saved), count, width, to);
          });
        });
  };
  const double most = options.max_norm.value_or(std::numeric_limits<double>::infinity());
  return record({"embedding", {{"max_norm", most}, {"norm_type", options.norm_type}}}, y, {&weight},
                backward, {&picks});
}

}  // namespace norma::functional
