// Attention.
#include <cmath>
#include <limits>

#include "norma/autograd/functional.h"
#include "norma/autograd/functional_attention.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"

namespace norma::functional {

namespace {

constexpr char kOp[] = "scaled_dot_product_attention";

void check(const Tensor& query, const Tensor& key, const Tensor& value,
           const AttentionOptions& options) {
  for (const Tensor* tensor : {&query, &key, &value}) {
    const char* const name = tensor == &query ? "query" : tensor == &key ? "key" : "value";
    const TensorImpl* impl = autograd::check_floating(kOp, *tensor, name);
    if (impl->sizes.size() < 2)
      fail(kOp, "expected a ", name, " of 2 or more dimensions, got ", impl->sizes);
    if (impl->dtype != query.dtype()) {
      fail(kOp, "expected query, key and value of one dtype, got ", query.dtype(), ", ",
           key.dtype(), " and ", value.dtype(), "; convert with to()");
    }
  }
  if (query.size(-1) != key.size(-1) || key.size(-2) != value.size(-2)) {
    fail(kOp, "expected query [*, L, E], key [*, S, E] and value [*, S, V], got ", query.sizes(),
         ", ", key.sizes(), " and ", value.sizes());
  }
  if (!options.attn_mask.defined()) return;
  if (options.is_causal) {
    fail(kOp, "expected attn_mask or is_causal, got both");
  }
  const DType dtype = options.attn_mask.dtype();
  if (dtype != kBool && dtype != query.dtype()) {
    fail(kOp, "expected a mask of bool or of the query's dtype ", query.dtype(), ", got ", dtype);
  }
}

/// Every head of `x` [*, H, S, E], `count` times.
Tensor repeat_heads(const Tensor& x, int64_t count) {
  Shape wide = x.sizes(), flat = wide;
  wide.insert(x.dim() - 2, count);
  flat[x.dim() - 3] *= count;
  return x.unsqueeze(-3).expand(wide).reshape(flat);
}

Tensor with_heads(const Tensor& x, const Tensor& query) {
  if (x.dim() < 3 || query.dim() < 3 || x.size(-3) == 0 || query.size(-3) % x.size(-3) != 0) {
    fail(kOp, "expected heads in dimension -3 that divide the query's, got ", query.sizes(),
         " and ", x.sizes());
  }
  return repeat_heads(x, query.size(-3) / x.size(-3));
}

/// kBool [L, S]: where query i does not see key j > i.
Tensor causal_mask(int64_t queries, int64_t keys) {
  return arange(queries).unsqueeze(1) < arange(keys).unsqueeze(0);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options) {
  check(query, key, value, options);
  if (options.enable_gqa) {
    AttentionOptions rest = options;
    rest.enable_gqa = false;
    const Tensor keys = with_heads(key, query), values = with_heads(value, query);
    return scaled_dot_product_attention(query, keys, values, rest);
  }
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const auto width = static_cast<double>(query.size(-1));
  Tensor scores =
      query.mul(options.scale.value_or(1.0 / std::sqrt(width))).matmul(key.transpose(-2, -1));
  Tensor blind;  // queries that see nothing: without them, softmax would give NaN
  if (options.is_causal)
    scores = scores.masked_fill(causal_mask(query.size(-2), key.size(-2)), -kInf);
  if (const Tensor& mask = options.attn_mask; mask.defined()) {
    scores = mask.dtype() == kBool ? scores.masked_fill(mask.logical_not(), -kInf) : scores + mask;
    blind = scores.detach().eq(-kInf).all(-1, true);
    if (!blind.any().item<bool>()) blind = Tensor();
    if (blind.defined()) scores = scores.masked_fill(blind, 0);
  }
  Tensor weights = scores.softmax(-1);
  if (blind.defined()) weights = weights.masked_fill(blind, 0);
  return dropout(weights, options.dropout_p, true).matmul(value);
}

}  // namespace norma::functional
