// Attention as a function.
#pragma once
#include <optional>

#include "norma/core/tensor.h"

namespace norma::functional {

struct AttentionOptions {
  Tensor attn_mask = Tensor();  ///< kBool: where a query sees a key; floating: added to the scores
  double dropout_p = 0.0;       ///< of the weights; whoever evaluates passes 0
  bool is_causal = false;       ///< query i sees the keys up to i; without a mask only
  std::optional<double> scale = {};  ///< of the scores; default: 1/√E
  bool enable_gqa = false;           ///< several heads of the query share one of key and value
};
/// softmax(scale q kᵀ + mask) v. query [*, L, E], key [*, S, E], value [*, S, V], whose leading
/// sizes are broadcast; output [*, L, V]. The mask broadcasts to the scores [*, L, S]. A query that
/// sees no key because of it gets zeros. With `enable_gqa`, dimension -3 is the heads: those of key
/// and value are repeated.
///
/// Errors: other shapes, integers, several dtypes, a mask of another dtype, a mask and `is_causal`,
/// dropout_p outside of [0, 1], heads that do not divide the query's.
///
/// Vaswani et al., "Attention is all you need", arXiv:1706.03762.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {});

}  // namespace norma::functional
