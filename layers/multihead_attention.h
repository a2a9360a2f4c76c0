// MultiheadAttention.
#pragma once
#include <optional>
#include <tuple>

#include "norma/layers/linear.h"

namespace norma::nn {

struct MultiheadAttentionOptions {
  double dropout = 0.0;                         ///< of the weights, in training
  bool bias = true;                             ///< of all four projections
  bool add_bias_kv = false;                     ///< one more key and value, which are learnt
  bool add_zero_attn = false;                   ///< one more key and value of zeros
  std::optional<int64_t> kdim = {}, vdim = {};  ///< features of key and value; default: embed_dim
  bool batch_first = false;                     ///< tensors are [N, L, E]
};

/// What a call of MultiheadAttention may say besides the three tensors.
struct MultiheadAttentionArgs {
  Tensor key_padding_mask = Tensor();  ///< [N, S]; kBool: keys that nobody sees; floating: added
  bool need_weights = true;            ///< the second result
  Tensor attn_mask = Tensor();  ///< [L, S] or [N heads, L, S]; kBool: keys a query does not see
  bool average_attn_weights = true;  ///< over the heads
};

/// The type of the output's projection, a Linear, as PyTorch prints it.
class NonDynamicallyQuantizableLinear : public Cloneable<NonDynamicallyQuantizableLinear, Linear> {
 public:
  using Cloneable::Cloneable;
  NonDynamicallyQuantizableLinear fresh() const {
    return {in_features(), out_features(), LinearOptions{bias.defined()}};
  }
};

/// Several attentions side by side, each of `embed_dim` / `num_heads` features:
/// y = concat(softmax(q kᵀ / √(E/heads) + mask) v) W_oᵀ + b_o, with q, k and v projections of the
/// three inputs.
///
/// - query [L, N, E], key [S, N, kdim], value [S, N, vdim]; with `batch_first` [N, L, E], …; or one
///   sequence each, [L, E], ….
/// - results: [L, N, E] as the query, and the weights [N, L, S], [N, heads, L, S] unless averaged;
///   undefined without `need_weights`, which is faster.
/// ```cpp
/// auto [y, weights] = attention(x, x, x);
/// auto [z, none] = attention(x, memory, memory, {.need_weights = false});
/// ```
/// Masks of kBool are true where a key is *not* seen, unlike those of
/// functional::scaled_dot_product_attention; floating ones are added to the scores. A query that
/// sees no key gets NaN, or without `need_weights` zeros.
///
/// Parameters: `in_proj_weight` [3 E, E] (Xavier), or `q_proj_weight`, `k_proj_weight` and
/// `v_proj_weight` where kdim or vdim is not embed_dim; `in_proj_bias` [3 E] (zeros); `bias_k` and
/// `bias_v` [1, 1, E] (Xavier, normal) with `add_bias_kv`; the Linear `out_proj`, its bias zeros.
///
/// Errors: sizes below 1, heads that do not divide embed_dim, a dropout outside of [0, 1]; in
/// forward, other shapes or dtypes of the tensors and masks.
///
/// Vaswani et al., "Attention is all you need", arXiv:1706.03762.
class MultiheadAttention : public Cloneable<MultiheadAttention> {
 public:
  MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                     const MultiheadAttentionOptions& options = {});

  using Module::forward;
  std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                     const MultiheadAttentionArgs& args = {});
  std::tuple<Tensor, Tensor> operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const MultiheadAttentionArgs& args = {});
  /// Draws new initial values.
  void reset_parameters();
  int64_t embed_dim() const { return embed_dim_; }
  int64_t num_heads() const { return num_heads_; }
  const MultiheadAttentionOptions& options() const { return options_; }
  MultiheadAttention fresh() const { return MultiheadAttention(embed_dim_, num_heads_, options_); }

  /// Absent ones undefined.
  Tensor in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, bias_v;
  NonDynamicallyQuantizableLinear out_proj;  ///< the projection of the heads' results

 private:
  void check(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Tensor heads(const Tensor& x, int64_t part, const Tensor& own_weight, const Tensor& more,
               bool first) const;

  int64_t embed_dim_, num_heads_;
  MultiheadAttentionOptions options_;
};

}  // namespace norma::nn
