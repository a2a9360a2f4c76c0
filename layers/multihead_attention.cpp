#include "norma/layers/multihead_attention.h"

#include <cmath>

#include "norma/autograd/functional.h"
#include "norma/autograd/functional_attention.h"
#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/attention_mask.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

namespace {

constexpr char kOp[] = "MultiheadAttention";

int64_t checked(int64_t embed_dim, int64_t num_heads) {
  check_at_least(kOp, "embed_dim", embed_dim, 1);
  check_at_least(kOp, "num_heads", num_heads, 1);
  if (embed_dim % num_heads != 0) {
    fail(kOp, "embed_dim must be divisible by num_heads, got ", embed_dim, " and ", num_heads);
  }
  return embed_dim;
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                                       const MultiheadAttentionOptions& options)
    : out_proj(checked(embed_dim, num_heads), embed_dim, LinearOptions{options.bias}),
      embed_dim_(embed_dim),
      num_heads_(num_heads),
      options_(options) {
  const int64_t e = embed_dim, k = options.kdim.value_or(e), v = options.vdim.value_or(e);
  check_at_least(kOp, "kdim", k, 1);
  check_at_least(kOp, "vdim", v, 1);
  if (!(options.dropout >= 0.0 && options.dropout <= 1.0))
    fail(kOp, "dropout probability has to be between 0 and 1, but got ", options.dropout);
  const bool same = k == e && v == e;
  const auto add = [this](const char* name, bool there, const Shape& sizes) {
    return register_parameter(name, there ? empty(sizes) : Tensor());
  };
  in_proj_weight = add("in_proj_weight", same, {3 * e, e});
  q_proj_weight = add("q_proj_weight", !same, {e, e});
  k_proj_weight = add("k_proj_weight", !same, {e, k});
  v_proj_weight = add("v_proj_weight", !same, {e, v});
  in_proj_bias = add("in_proj_bias", options.bias, {3 * e});
  bias_k = add("bias_k", options.add_bias_kv, {1, 1, e});
  bias_v = add("bias_v", options.add_bias_kv, {1, 1, e});
  register_module("out_proj", out_proj);
  reset_parameters();
}

void MultiheadAttention::reset_parameters() {
  for (const Tensor& weight : {in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight})
    if (weight.defined()) init::xavier_uniform_(weight);
  if (in_proj_bias.defined()) init::zeros_(in_proj_bias), init::zeros_(out_proj.bias);
  if (bias_k.defined()) init::xavier_normal_(bias_k), init::xavier_normal_(bias_v);
}

void MultiheadAttention::check(const Tensor& query, const Tensor& key, const Tensor& value) const {
  const int64_t k = options_.kdim.value_or(embed_dim_), v = options_.vdim.value_or(embed_dim_);
  const Shape& q_sizes = defined_impl(query, kOp)->sizes;
  const Shape& k_sizes = defined_impl(key, kOp)->sizes;
  const Shape& v_sizes = defined_impl(value, kOp)->sizes;
  const int64_t rank = q_sizes.size(), batch = options_.batch_first ? 0 : 1;
  const bool fits = (rank == 2 || rank == 3) && k_sizes.size() == rank && v_sizes.size() == rank &&
                    q_sizes.back() == embed_dim_ && k_sizes.back() == k && v_sizes.back() == v &&
                    k_sizes[0] == v_sizes[0] && k_sizes[rank - 2] == v_sizes[rank - 2] &&
                    (rank == 2 || q_sizes[batch] == k_sizes[batch]);
  if (!fits) {
    const char* const order = options_.batch_first ? "[N, L, " : "[L, N, ";
    const char* const keys = options_.batch_first ? "[N, S, " : "[S, N, ";
    fail(kOp, "expected query ", order, embed_dim_, "], key ", keys, k, "] and value ", keys, v,
         "], or without N, got ", q_sizes, ", ", k_sizes, " and ", v_sizes);
  }
  for (const Tensor* tensor : {&query, &key, &value}) {
    if (tensor->dtype() != out_proj.weight.dtype()) {
      fail(kOp, "expected tensors of the weights' dtype ", out_proj.weight.dtype(), ", got ",
           tensor->dtype(), "; convert with to()");
    }
  }
}

/// [N, heads, length, features of a head] of an input [length, N, …], or [N, length, …] if `first`.
/// `more`: bias_k or bias_v.
Tensor MultiheadAttention::heads(const Tensor& x, int64_t part, const Tensor& own_weight,
                                 const Tensor& more, bool first) const {
  const int64_t e = embed_dim_, time = first ? 1 : 0;
  const Tensor weight = own_weight.defined() ? own_weight : in_proj_weight.narrow(0, part * e, e);
  const Tensor bias = in_proj_bias.defined() ? in_proj_bias.narrow(0, part * e, e) : Tensor();
  Tensor y = functional::linear(x, weight, bias);
  Shape one = y.sizes();
  one[time] = 1;
  if (more.defined()) y = cat({y, more.expand(one)}, time);
  if (part > 0 && options_.add_zero_attn) y = cat({y, zeros(one, {.dtype = y.dtype()})}, time);
  const Shape split = {y.size(0), y.size(1), num_heads_, e / num_heads_};
  return y.view(split).permute(first ? Shape{0, 2, 1, 3} : Shape{1, 2, 0, 3});
}

std::tuple<Tensor, Tensor> MultiheadAttention::forward(const Tensor& query, const Tensor& key,
                                                       const Tensor& value,
                                                       const MultiheadAttentionArgs& args) {
  check(query, key, value);
  const bool single = query.dim() == 2, first = single || options_.batch_first;
  const auto batched = [=](const Tensor& x) { return single ? x.unsqueeze(0) : x; };
  const Tensor q = heads(batched(query), 0, q_proj_weight, Tensor(), first);
  const Tensor k = heads(batched(key), 1, k_proj_weight, bias_k, first);
  const Tensor v = heads(batched(value), 2, v_proj_weight, bias_v, first);
  const Shape scores = {q.size(0), num_heads_, q.size(2), k.size(2)};
  const int64_t more = (options_.add_bias_kv ? 1 : 0) + (options_.add_zero_attn ? 1 : 0);
  const Tensor mask = attention_mask(kOp, args.attn_mask, args.key_padding_mask, scores, more,
                                     single, out_proj.weight.dtype());
  const double p = is_training() ? options_.dropout : 0.0;
  Tensor weights, y;
  if (args.need_weights) {
    const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
    const Tensor raw = (q * scale).matmul(k.transpose(-2, -1));
    weights = functional::dropout((mask.defined() ? raw + mask : raw).softmax(-1), p);
    y = weights.matmul(v);
    if (args.average_attn_weights) weights = weights.mean({1});
    if (single) weights = weights.squeeze(0);
  } else {
    y = functional::scaled_dot_product_attention(q, k, v, {.attn_mask = mask, .dropout_p = p});
  }
  const Shape joined =
      first ? Shape{scores[0], scores[2], embed_dim_} : Shape{scores[2], scores[0], embed_dim_};
  y = out_proj(y.permute(first ? Shape{0, 2, 1, 3} : Shape{2, 0, 1, 3}).reshape(joined));
  return {single ? y.squeeze(0) : y, weights};
}

std::tuple<Tensor, Tensor> MultiheadAttention::operator()(const Tensor& query, const Tensor& key,
                                                          const Tensor& value,
                                                          const MultiheadAttentionArgs& args) {
  return Cloneable::operator()(query, key, value, args);
}

}  // namespace norma::nn
