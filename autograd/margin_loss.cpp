// Distances and similarities of vectors, and the losses that compare them with a margin.
#include "norma/autograd/functional_losses.h"
#include "norma/autograd/losses.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/promotion.h"
#include "norma/core/factory.h"

namespace norma::functional {

using namespace autograd;

namespace {

Tensor zero_like(const Tensor& x) { return zeros(Shape{}, {.dtype = x.dtype()}); }

}  // namespace

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  const DType dtype = result_type(x1, x2, "cosine_similarity");
  if (!is_floating(dtype)) {
    fail("cosine_similarity", "expected floating tensors, got ", dtype,
         "; convert with to(kFloat32)");
  }
  const Shape sizes = broadcast_shapes(x1.sizes(), x2.sizes(), "cosine_similarity");
  const int64_t along = wrap_dim(dim, sizes.size(), "cosine_similarity");
  const auto direction = [&](const Tensor& x) {
    const Tensor values = x.to(dtype).expand(sizes);
    Tensor length = values.norm(2, {along}, true).clone();
    {
      const NoGradGuard guard;
      length.clamp_min_(eps);
    }
    return values / length;
  };
  return (direction(x1) * direction(x2)).sum({along});
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdim) {
  defined_impl(x1, "pairwise_distance");
  defined_impl(x2, "pairwise_distance");
  return (x1 - x2 + eps).norm(p, {-1}, keepdim);
}

Tensor normalize(const Tensor& input, double p, int64_t dim, double eps) {
  check_floating("normalize", input);
  return input / input.norm(p, {dim}, true).clamp_min(eps);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingOptions& options) {
  check_floating("hinge_embedding_loss", input);
  const Tensor zero = zero_like(input), below = (options.margin - input).clamp_min(0);
  return reduced("hinge_embedding_loss",
                 where(target.ne(1), below, zero) + where(target.ne(-1), input, zero),
                 options.reduction);
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginRankingOptions& options) {
  constexpr const char* kOp = "margin_ranking_loss";
  const Shape &a = defined_impl(input1, kOp)->sizes, &b = defined_impl(input2, kOp)->sizes,
              &t = defined_impl(target, kOp)->sizes;
  if (a.size() != b.size() || a.size() != t.size()) {
    fail(kOp, "expected tensors of one number of dimensions, got ", a, ", ", b, " and target ", t);
  }
  return reduced(kOp, (target.neg() * (input1 - input2) + options.margin).clamp_min(0),
                 options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const CosineEmbeddingOptions& options) {
  constexpr const char* kOp = "cosine_embedding_loss";
  const Shape &a = check_floating(kOp, input1, "input1")->sizes,
              &b = check_floating(kOp, input2, "input2")->sizes,
              &t = defined_impl(target, kOp)->sizes;
  if (t.size() > 1) fail(kOp, "expected a target [N] or [], got ", t);
  if (a.size() != t.size() + 1 || b.size() != t.size() + 1) {
    fail(kOp, "expected inputs of ", t.size() + 1, " dimensions for target of size ", t, ", got ",
         a, " and ", b);
  }
  constexpr double kEps = 1e-12;  // PyTorch's
  const int64_t along = t.size();
  const Tensor product = (input1 * input2).sum({along});
  const Tensor square1 = input1.square().sum({along}) + kEps,
               square2 = input2.square().sum({along}) + kEps;
  const Tensor cosine = product / (square1 * square2).sqrt(), zero = zero_like(cosine);
  const Tensor same = 1 - cosine, other = (cosine - options.margin).clamp_min(0);
  return reduced(kOp, where(target.eq(1), same, zero) + where(target.eq(-1), other, zero),
                 options.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options) {
  constexpr const char* kOp = "triplet_margin_loss";
  const Shape &a = defined_impl(anchor, kOp)->sizes, &p = defined_impl(positive, kOp)->sizes,
              &n = defined_impl(negative, kOp)->sizes;
  if (!(options.margin > 0)) fail(kOp, "expected a margin above 0, got ", options.margin);
  if (a.size() != p.size() || a.size() != n.size()) {
    fail(kOp, "expected tensors of one number of dimensions, got anchor ", a, ", positive ", p,
         " and negative ", n);
  }
  const auto distance = [&](const Tensor& x, const Tensor& y) {
    return pairwise_distance(x, y, options.p, options.eps);
  };
  Tensor far = distance(anchor, negative);
  if (options.swap) far = far.minimum(distance(positive, negative));
  return reduced(kOp, (distance(anchor, positive) - far + options.margin).clamp_min(0),
                 options.reduction);
}

}  // namespace norma::functional
