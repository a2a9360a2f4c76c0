#include "norma/layers/attention_mask.h"

#include <limits>

#include "norma/autograd/ops.h"
#include "norma/core/error.h"
#include "norma/core/factory.h"

namespace norma::nn {

namespace {

/// As what is added to the scores, with zeros for `more` keys.
Tensor additive(const char* op, const char* name, const Tensor& mask, int64_t more, DType dtype) {
  if (mask.dtype() != dtype && mask.dtype() != kBool) {
    fail(op, "expected ", name, " of bool or the weights' dtype ", dtype, ", got ", mask.dtype());
  }
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Tensor own =
      mask.dtype() == dtype ? mask : zeros(mask.sizes(), {.dtype = dtype}).masked_fill(mask, -kInf);
  if (more == 0) return own;
  Shape sizes = mask.sizes();
  sizes[sizes.size() - 1] = more;
  return cat({own, zeros(sizes, {.dtype = dtype})}, -1);
}

}  // namespace

Tensor attention_mask(const char* op, const Tensor& attn_mask, const Tensor& key_padding_mask,
                      const Shape& scores, int64_t more, bool single, DType dtype) {
  const int64_t batch = scores[0], heads = scores[1], queries = scores[2], keys = scores[3] - more;
  Tensor mask;
  if (attn_mask.defined()) {
    const Shape flat = {queries, keys}, full = {batch * heads, queries, keys};
    const Shape& sizes = attn_mask.sizes();
    if (sizes != flat && sizes != full)
      fail(op, "expected attn_mask of shape ", flat, " or ", full, ", got ", sizes);
    mask = additive(op, "attn_mask", attn_mask, more, dtype);
    if (sizes != flat) mask = mask.reshape(scores);
  }
  if (key_padding_mask.defined()) {
    const Shape expected = single ? Shape{keys} : Shape{batch, keys};
    const Shape& sizes = key_padding_mask.sizes();
    if (sizes != expected)
      fail(op, "expected key_padding_mask of shape ", expected, ", got ", sizes);
    const Tensor padding = additive(op, "key_padding_mask", key_padding_mask, more, dtype)
                               .reshape({batch, 1, 1, scores[3]});
    mask = mask.defined() ? mask + padding : padding;
  }
  return mask;
}

}  // namespace norma::nn
