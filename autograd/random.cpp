// Tensors like another one, and random values in place and from a tensor's own values.
#include "norma/core/random.h"

#include <cstdint>

#include "norma/autograd/in_place.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"

namespace norma {

using namespace autograd;

namespace {

/// `self` takes the values that do not depend on it.
Tensor& replace(const char* op, Tensor& self, const Tensor& values) {
  return assign(op, self, record(op, values, {&self}, [](const Tensor& g, InputGrads& d) {
                  d[0] = zeros_like(g);
                }));
}

/// `fill(tensor)` is given `self` where nothing is in the way, a fresh tensor otherwise.
template <class Fill>
Tensor& filled_in_place(const char* op, Tensor& self, Fill fill) {
  const TensorImpl* x = defined_impl(self, op);
  check_in_place(op, self);
  if (!recording({&self}) && self.is_leaf()) {
    fill(self);
    return self;
  }
  return replace(op, self, fill(new_tensor(x->sizes, x->dtype)));
}

/// One more than the largest integer up to which `dtype` holds every one.
int64_t most_integers(DType dtype) {
  return dtype == kFloat32   ? (int64_t{1} << 24) + 1
         : dtype == kFloat64 ? (int64_t{1} << 53) + 1
         : dtype == kInt32   ? int64_t{1} << 31
         : dtype == kUInt8   ? 256
         : dtype == kBool    ? 2
                             : INT64_MAX;
}

Tensor& take_integers(Tensor& self, int64_t from, int64_t to) {
  const TensorImpl* x = defined_impl(self, "random_");
  if (from >= to) fail("random_", "expected from < to, got ", from, " and ", to);
  const int64_t most = most_integers(x->dtype);
  const bool is_signed = x->dtype != kUInt8 && x->dtype != kBool;
  const int64_t least = x->dtype == kInt64 ? INT64_MIN : is_signed ? -most : 0;
  if (to > most || from < least) {
    fail("random_", "expected a range of integers that ", x->dtype, " holds, got [", from, ", ", to,
         ")");
  }
  return replace("random_", self, randint(from, to, x->sizes, {.dtype = x->dtype}));
}

}  // namespace

Tensor TensorMethods::new_empty(const Shape& sizes, const LikeOptions& options) const {
  return empty(sizes, options_like("new_empty", self(), options));
}
Tensor TensorMethods::new_zeros(const Shape& sizes, const LikeOptions& options) const {
  return zeros(sizes, options_like("new_zeros", self(), options));
}
Tensor TensorMethods::new_ones(const Shape& sizes, const LikeOptions& options) const {
  return ones(sizes, options_like("new_ones", self(), options));
}
Tensor TensorMethods::new_full(const Shape& sizes, Scalar value, const LikeOptions& options) const {
  return full(sizes, value, options_like("new_full", self(), options));
}

Tensor TensorMethods::bernoulli() const {
  return told("bernoulli", norma::bernoulli(self(), default_generator()), {&self()});
}

Tensor TensorMethods::multinomial(int64_t num_samples, bool replacement) const {
  return told("multinomial",
              norma::multinomial(self(), num_samples, replacement, default_generator()), {&self()});
}

Tensor& TensorMethods::uniform_(double low, double high) {
  return filled_in_place("uniform_", self(),
                         [=](const Tensor& x) { return norma::uniform_(x, low, high); });
}

Tensor& TensorMethods::normal_(double mean, double std) {
  return filled_in_place("normal_", self(),
                         [=](const Tensor& x) { return norma::normal_(x, mean, std); });
}

Tensor& TensorMethods::exponential_(double lambd) {
  return filled_in_place("exponential_", self(),
                         [=](const Tensor& x) { return norma::exponential_(x, lambd); });
}

Tensor& TensorMethods::bernoulli_(double p) {
  const DType dtype = defined_impl(self(), "bernoulli_")->dtype;
  const auto fill = [=](const Tensor& x) { return norma::bernoulli_(x, p); };
  if (is_floating(dtype)) return filled_in_place("bernoulli_", self(), fill);
  return assign("bernoulli_", self(), fill(new_tensor(self().sizes(), kFloat32)).to(dtype));
}

Tensor& TensorMethods::bernoulli_(const Tensor& p) {
  const TensorImpl* x = defined_impl(self(), "bernoulli_");
  defined_impl(p, "bernoulli_");
  if (broadcast_shapes(x->sizes, p.sizes(), "bernoulli_") != x->sizes) {
    fail("bernoulli_", "expected probabilities that broadcast to ", x->sizes, ", got ", p.sizes());
  }
  const Tensor values = norma::bernoulli(p.detach().expand(x->sizes), default_generator());
  return replace("bernoulli_", self(), values.to(x->dtype));
}

Tensor& TensorMethods::random_() {
  return take_integers(self(), 0, most_integers(defined_impl(self(), "random_")->dtype));
}
Tensor& TensorMethods::random_(int64_t to) { return take_integers(self(), 0, to); }
Tensor& TensorMethods::random_(int64_t from, int64_t to) { return take_integers(self(), from, to); }

}  // namespace norma
