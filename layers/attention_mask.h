// Masks of attention. For Norma's own sources.
#pragma once
#include "norma/core/tensor.h"

namespace norma::nn {

/// What the masks of a MultiheadAttention say, as one tensor that is added to the scores [N, heads,
/// L, S + more]; undefined where there is none. `attn_mask` is [L, S] or [N heads, L, S],
/// `key_padding_mask` [N, S], or [S] if `single`. Nothing hides the last `more` keys.
Tensor attention_mask(const char* op, const Tensor& attn_mask, const Tensor& key_padding_mask,
                      const Shape& scores, int64_t more, bool single, DType dtype);

}  // namespace norma::nn
