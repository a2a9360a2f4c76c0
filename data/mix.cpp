#include "norma/data/mix.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norma/core/elementary.h"
#include "norma/core/factory.h"
#include "norma/core/simd.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/checked_batch.h"

namespace norma::data {

namespace {

// The order of the samples to mix with, in `inputs` and in `targets` the same.
Tensor checked_order(const char* op, const Tensor& inputs, const Tensor& targets,
                     const Tensor& order) {
  defined_impl(inputs, op);
  defined_impl(targets, op);
  defined_impl(order, op);
  if (!is_floating(inputs.dtype()) || inputs.dim() < 2) {
    fail(op, "expected floating inputs [N, …], got ", inputs.dtype(), " ", inputs.sizes());
  }
  const int64_t count = inputs.size(0);
  if (!is_floating(targets.dtype()) || targets.dim() != 2 || targets.size(0) != count) {
    fail(op, "expected probabilities [", count, ", C] as targets, got ", targets.dtype(), " ",
         targets.sizes(), "; one_hot() makes them of classes");
  }
  if (order.dtype() != kInt64 || order.sizes() != Shape({count})) {
    fail(op, "expected an order of ", count, " samples, kInt64, got ", order.dtype(), " ",
         order.sizes());
  }
  Tensor rows = order.contiguous();
  for (int64_t n = 0; n < count; ++n) {
    const int64_t row = rows.data_ptr<int64_t>()[n];
    if (row < 0 || row >= count) {
      fail(op, "expected an order of numbers from 0 to ", count - 1, ", got ", row);
    }
  }
  return rows;
}

Tensor mixed(const Tensor& tensor, double lambda, const Tensor& order) {
  const Tensor in = tensor.contiguous();
  Tensor out = new_tensor(in.sizes(), in.dtype());
  if (in.numel() == 0) return out;
  const int64_t cells = in.numel() / in.size(0);
  dispatch_floating(in.dtype(), [&]<class T>() {
    const T own = static_cast<T>(lambda), others = static_cast<T>(1 - lambda);
    for (int64_t n = 0; n < in.size(0); ++n) {
      const T* x = in.data_ptr<T>() + n * cells;
      const T* other = in.data_ptr<T>() + order.data_ptr<int64_t>()[n] * cells;
      T* y = out.data_ptr<T>() + n * cells;
      simd([=]() NORMA_INLINE {
        for (int64_t i = 0; i < cells; ++i) y[i] = own * x[i] + others * other[i];
      });
    }
  });
  return out;
}

MixOptions checked(const char* op, const MixOptions& options) {
  if (!(options.alpha > 0) || std::isinf(options.alpha)) {
    fail(op, "expected an alpha above 0 and finite, got ", options.alpha);
  }
  if (options.num_classes != -1 && options.num_classes < 1) {
    fail(op, "expected a number of classes from 1, got ", options.num_classes);
  }
  return options;
}

// Classes as probabilities.
Tensor soft_targets(const char* op, const Batch& batch, int64_t num_classes) {
  defined_impl(batch.inputs, op);
  if (!batch.targets.defined()) fail(op, "expected a batch with targets, got one without");
  const Tensor& targets = batch.targets;
  if (is_floating(targets.dtype())) {
    if (num_classes != -1 && targets.dim() == 2 && targets.size(1) != num_classes) {
      fail(op, "expected probabilities of ", num_classes, " classes as targets, got ",
           targets.dtype(), " ", targets.sizes(), "; leave .num_classes at -1");
    }
    return targets;
  }
  if (targets.dtype() != kInt64 || targets.dim() != 1) {
    fail(op, "expected classes [N], kInt64, or probabilities [N, C] as targets, got ",
         targets.dtype(), " ", targets.sizes());
  }
  if (num_classes == -1) {
    fail(op, "expected the number of classes, for targets that are classes; say ",
         "{.num_classes = …}");
  }
  if (!is_floating(batch.inputs.dtype())) {
    fail(op, "expected floating inputs, got ", batch.inputs.dtype(), " ", batch.inputs.sizes());
  }
  const Tensor classes = targets.contiguous();
  const int64_t count = classes.numel();
  Tensor out = zeros({count, num_classes}, {.dtype = batch.inputs.dtype()});
  dispatch_floating(out.dtype(), [&]<class T>() {
    for (int64_t n = 0; n < count; ++n) {
      const int64_t label = classes.data_ptr<int64_t>()[n];
      if (label < 0 || label >= num_classes) {
        fail(op, "expected classes from 0 to ", num_classes - 1, ", got ", label);
      }
      out.data_ptr<T>()[n * num_classes + label] = 1;
    }
  });
  return out;
}

// n - 1, the one before; that of the first is the last.
Tensor one_before(const Tensor& targets) {
  const int64_t count = targets.dim() == 0 ? 0 : targets.size(0);
  Tensor order = new_tensor({count}, kInt64);
  for (int64_t n = 0; n < count; ++n) {
    order.data_ptr<int64_t>()[n] = n == 0 ? count - 1 : n - 1;
  }
  return order;
}

// The logarithm of a number from Gamma(a, 1), by Marsaglia and Tsang (2000); below 1 from that of
// a + 1, in logarithms, so that none is rounded to 0.
double log_gamma_draw(double a, Generator& generator) {
  const auto log_uniform = [&] { return elementary::log(1 - generator.uniform()); };
  if (a < 1) {
    const double above = log_gamma_draw(a + 1, generator);
    return above + log_uniform() / a;
  }
  const double d = a - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = generator.normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double log_v = elementary::log(v);
    if (log_uniform() < x * x / 2 + d * (1 - v + log_v)) return elementary::log(d) + log_v;
  }
}

double beta_draw(double alpha, Generator& generator) {
  if (alpha == 1) return generator.uniform();
  const double first = log_gamma_draw(alpha, generator);
  const double second = log_gamma_draw(alpha, generator);
  // Of the tiniest alpha both may be minus infinity: 0 or 1 then, as for those that are near.
  const double far = second - first;
  if (std::isnan(far)) return static_cast<double>(generator.below(2));
  return 1 / (1 + elementary::exp(std::clamp(far, -700.0, 700.0)));
}

Batch mix_by(const char* op, const Tensor& inputs, const Tensor& targets, double lambda,
             const Tensor& order) {
  const Tensor rows = checked_order(op, inputs, targets, order);
  return {mixed(inputs, lambda, rows), mixed(targets, lambda, rows)};
}

Tensor checked_images(const char* op, const Tensor& inputs) {
  Tensor images = detail::checked_batch(inputs, op, true);
  if (images.size(2) == 0 || images.size(3) == 0) {
    fail(op, "expected images of at least one pixel, got ", images.sizes());
  }
  return images;
}

// The batch that `cutmix` describes, of images in order.
Batch cut_by(const char* op, const Tensor& images, const Tensor& targets, const Box& box,
             const Tensor& order) {
  const Tensor rows = checked_order(op, images, targets, order);
  const int64_t height = images.size(2), width = images.size(3);
  if (detail::is_outside(box.top, box.height, height) ||
      detail::is_outside(box.left, box.width, width)) {
    fail(op, "expected a box within ", Shape({height, width}), ", got ", box.height, " by ",
         box.width, " from ", Shape({box.top, box.left}), " on");
  }
  const double part = static_cast<double>(box.height) * static_cast<double>(box.width) /
                      (static_cast<double>(height) * static_cast<double>(width));
  Batch out{images.clone(), mixed(targets, 1 - part, rows)};
  if (images.numel() == 0) return out;
  const int64_t planes = images.size(1), cells = planes * height * width;
  dispatch_floating(images.dtype(), [&]<class T>() {
    for (int64_t n = 0; n < images.size(0); ++n) {
      const T* other = images.data_ptr<T>() + rows.data_ptr<int64_t>()[n] * cells;
      T* y = out.inputs.data_ptr<T>() + n * cells;
      for (int64_t c = 0; c < planes; ++c) {
        for (int64_t r = box.top; r < box.top + box.height; ++r) {
          const int64_t at = (c * height + r) * width + box.left;
          std::copy_n(other + at, box.width, y + at);
        }
      }
    }
  });
  return out;
}

}  // namespace

Batch mixup(const Tensor& inputs, const Tensor& targets, double lambda, const Tensor& order) {
  if (!(lambda >= 0 && lambda <= 1)) fail("mixup", "expected λ from 0 to 1, got ", lambda);
  return mix_by("mixup", inputs, targets, lambda, order);
}

Batch cutmix(const Tensor& inputs, const Tensor& targets, const Box& box, const Tensor& order) {
  return cut_by("cutmix", checked_images("cutmix", inputs), targets, box, order);
}

MixUp::MixUp(const MixOptions& options) : options_(checked("MixUp", options)) {}

void MixUp::operator()(Batch& batch, Generator& generator) const {
  const Tensor targets = soft_targets("MixUp", batch, options_.num_classes);
  const double lambda = beta_draw(options_.alpha, generator);
  Batch out = mix_by("MixUp", batch.inputs, targets, lambda, one_before(targets));
  batch.inputs = std::move(out.inputs);
  batch.targets = std::move(out.targets);
}

CutMix::CutMix(const MixOptions& options) : options_(checked("CutMix", options)) {}

void CutMix::operator()(Batch& batch, Generator& generator) const {
  const Tensor targets = soft_targets("CutMix", batch, options_.num_classes);
  const Tensor images = checked_images("CutMix", batch.inputs);
  const double half = std::sqrt(1 - beta_draw(options_.alpha, generator)) / 2;
  const auto draw = [&](int64_t cells) {
    const auto reach = static_cast<int64_t>(half * static_cast<double>(cells));
    return detail::drawn_stretch(cells, reach, reach, generator);
  };
  const std::pair<int64_t, int64_t> columns = draw(images.size(3)), rows = draw(images.size(2));
  const Box box{rows.first, columns.first, rows.second, columns.second};
  Batch out = cut_by("CutMix", images, targets, box, one_before(targets));
  batch.inputs = std::move(out.inputs);
  batch.targets = std::move(out.targets);
}

}  // namespace norma::data
