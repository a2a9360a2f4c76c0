// Batch, layer, group and other normalisation.
#include <limits>
#include <string>

#include "norma/autograd/donation.h"
#include "norma/autograd/formulas.h"
#include "norma/autograd/functional_norm.h"
#include "norma/autograd/operands.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/record.h"
#include "norma/core/factory.h"
#include "norma/core/kernels/norm/batch_norm.h"
#include "norma/core/kernels/norm/group_norm.h"
#include "norma/core/tensor_impl.h"

namespace norma::functional {
namespace {

using autograd::check_floating;
using autograd::data_or_null;
using autograd::InputGrads;
using autograd::Inputs;
using autograd::record;
using autograd::Saved;
namespace formulas = autograd::formulas;
using kernels::BatchNormStats;
using kernels::ChannelParams;
using kernels::ChannelShape;
using kernels::NormStats;
using kernels::RunningStats;

/// The values in row-major order, outside the graph: the tensor itself where it is so already.
/// Holds no handle on that tensor, so that its memory may still be given to the result.
class Packed {
 public:
  explicit Packed(const Tensor& tensor) : original_(tensor) {
    if (tensor.defined() && !tensor.is_contiguous()) copy_ = tensor.detach().contiguous();
  }
  const Tensor& get() const { return copy_.defined() ? copy_ : original_; }
  template <class T>
  T* data() const {
    return get().defined() ? impl_of(get())->data_as<T>() : nullptr;
  }
  /// Tells that `data` was written to.
  void written() const {
    if (copy_.defined()) {
      original_.detach().copy_(copy_);
    } else {
      impl_of(original_)->storage->bump_version();
    }
  }

 private:
  const Tensor& original_;
  Tensor copy_;
};

void check_parameter(const char* op, const char* name, const Tensor& tensor, const Shape& sizes,
                     const TensorImpl* input) {
  if (!tensor.defined()) return;
  if (tensor.sizes() != sizes) {
    fail(op, "expected ", name, " of size ", sizes, ", got ", tensor.sizes(), " for input size ",
         input->sizes);
  }
  if (tensor.dtype() != input->dtype) {
    fail(op, "expected ", name, " of the input's type ", input->dtype, ", got ", tensor.dtype(),
         "; convert one with to()");
  }
}

/// A floating input as [n, channels, length].
ChannelShape channel_shape(const char* op, const Tensor& input) {
  const Shape& sizes = check_floating(op, input)->sizes;
  if (sizes.size() < 2) {
    fail(op, "expected an input of at least two dimensions, [N, C, …], got ", sizes);
  }
  ChannelShape shape{sizes[0], sizes[1], 1};
  for (int64_t i = 2; i < sizes.size(); ++i) shape.length *= sizes[i];
  return shape;
}

/// Checks everything.
ChannelShape check_batch_norm(const Tensor& input, const BatchNormArgs& args, bool batch_stats) {
  const ChannelShape shape = channel_shape("batch_norm", input);
  const TensorImpl* x = impl_of(input);
  const Shape channels{shape.channels};
  check_parameter("batch_norm", "running_mean", args.running_mean, channels, x);
  check_parameter("batch_norm", "running_var", args.running_var, channels, x);
  check_parameter("batch_norm", "weight", args.weight, channels, x);
  check_parameter("batch_norm", "bias", args.bias, channels, x);
  if (args.running_mean.defined() != args.running_var.defined()) {
    fail("batch_norm", "expected running_mean and running_var together, got running_",
         args.running_mean.defined() ? "mean" : "var", " alone");
  }
  if (args.eps < 0 || (batch_stats && args.eps == 0)) {
    fail("batch_norm", "eps must be ", batch_stats ? "positive during training" : "non-negative",
         ", but got ", args.eps);
  }
  if (batch_stats && shape.n * shape.length == 1) {
    fail("batch_norm", "Expected more than 1 value per channel when training, got input size ",
         x->sizes,
         "; call eval() to use the running statistics, or give the DataLoader drop_last = "
         "true so that no batch of one is left over");
  }
  return shape;
}

struct BatchNormBackward {
  ChannelShape shape;
  bool batch_stats, relu;
  double eps;
  Tensor stats;
  Saved x, weight;

  void take_relu(autograd::Node& node) {
    relu = true;
    node.name = "batch_norm_relu";
  }

  void operator()(const Tensor& g, InputGrads& d) const {
    if (grad_enabled() && g.numel() > 0)
      return formulas::batch_norm(shape, batch_stats, relu, eps, stats, *x, *weight, g, d);
    const bool free = autograd::is_donatable(g);
    const Tensor dy = g.contiguous();
    const DType dtype = dy.dtype();
    if (d.needs(0)) d[0] = free ? dy : autograd::donate_or_new(dy, dy.sizes(), dtype);
    for (const int i : {1, 2}) {
      if (d.needs(i)) d[i] = zeros({shape.channels}, {.dtype = dtype});
    }
    if (dy.numel() == 0) return;
    dispatch_floating(dtype, [&]<class T>() {
      kernels::batch_norm_backward<T>(
          shape, impl_of(dy)->data_as<T>(), impl_of(*x)->data_as<T>(), data_or_null<T>(*weight),
          BatchNormStats(values_of<double>(stats), shape.channels), batch_stats, relu,
          data_or_null<T>(d[0]), data_or_null<T>(d[1]), data_or_null<T>(d[2]));
    });
  }
};

}  // namespace

Tensor batch_norm(Tensor input, const BatchNormArgs& args) {
  if (args.relu && autograd::is_watched()) {
    BatchNormArgs linear = args;
    linear.relu = false;
    return batch_norm(input, linear).relu();
  }
  const bool batch_stats = args.training || !args.running_mean.defined();
  const ChannelShape shape = check_batch_norm(input, args, batch_stats);
  const bool updates = args.training && args.running_mean.defined();
  const bool records = autograd::recording({&input, &args.weight, &args.bias});
  const Packed x(input), w(args.weight), b(args.bias);
  const Packed mean(args.running_mean), var(args.running_var);
  const DType dtype = input.dtype();
  // Backward needs the input; without it, the result may take its place.
  Tensor y = records ? new_tensor(input.sizes(), dtype)
                     : autograd::donate_or_new(x.get(), input.sizes(), dtype);
  const Tensor stats = new_tensor({6, shape.channels}, kFloat64);
  // An empty batch has no statistics: the running ones stay as they are.
  if (input.numel() > 0) {
    dispatch_floating(dtype, [&]<class T>() {
      const T* px = x.data<T>();
      const ChannelParams<T> params{w.data<T>(), b.data<T>()};
      const BatchNormStats saved(values_of<double>(stats), shape.channels);
      T *pm = mean.data<T>(), *pv = var.data<T>(), *py = impl_of(y)->data_as<T>();
      if (batch_stats) {
        const RunningStats<T> running{updates ? pm : nullptr, updates ? pv : nullptr,
                                      args.momentum};
        kernels::batch_norm_train<T>(shape, px, params, args.eps, running, args.relu, py, saved);
      } else {
        kernels::batch_norm_eval<T>(shape, px, params, args.eps, pm, pv, args.relu, py, saved);
      }
    });
    if (updates) mean.written();
    if (updates) var.written();
  }
  if (!records && !autograd::observer()) return y;
  return record({args.relu ? "batch_norm_relu" : "batch_norm",
                 {{"training", batch_stats}, {"momentum", args.momentum}, {"eps", args.eps}}},
                y, {&input, &args.weight, &args.bias},
                BatchNormBackward{shape, batch_stats, args.relu, args.eps, stats,
                                  Saved(x.get(), input), Saved(w.get(), args.weight)},
                batch_stats ? Inputs() : Inputs({&args.running_mean, &args.running_var}));
}

namespace {

/// Layer and group normalisation: each of `groups` groups of channels of each sample; layer_norm's
/// elements are the channels of one group. `sizes` are those of weight and bias.
Tensor norm_groups(const char* op, const Tensor& input, ChannelShape shape, int64_t groups,
                   const Shape& sizes, const Tensor& weight, const Tensor& bias, double eps) {
  const Packed x(input), w(weight), b(bias);
  const int64_t count = shape.n * groups;
  Tensor y = new_tensor(input.sizes(), input.dtype());
  const Tensor stats = new_tensor({3, count}, kFloat64);
  if (input.numel() > 0) {
    dispatch_floating(input.dtype(), [&]<class T>() {
      kernels::group_norm<T>(shape, groups, x.data<T>(), {w.data<T>(), b.data<T>()}, eps,
                             impl_of(y)->data_as<T>(), NormStats(values_of<double>(stats), count));
    });
  }
  if (!autograd::recording({&input, &weight, &bias}) && !autograd::observer()) return y;
  return record({op, {{"eps", eps}, {"num_groups", groups}, {"normalized_shape", sizes}}}, y,
                {&input, &weight, &bias},
                [shape, groups, count, sizes, eps, stats, sx = Saved(x.get(), input),
                 sw = Saved(w.get(), weight)](const Tensor& g, InputGrads& d) {
                  if (grad_enabled() && g.numel() > 0) {
                    return formulas::group_norm(shape, groups, sizes, eps, *sx, *sw, g, d);
                  }
                  const Tensor dy = g.contiguous();
                  if (d.needs(0)) d[0] = new_tensor(dy.sizes(), dy.dtype());
                  for (const int i : {1, 2}) {
                    if (d.needs(i)) d[i] = zeros(sizes, {.dtype = dy.dtype()});
                  }
                  if (dy.numel() == 0) return;
                  dispatch_floating(dy.dtype(), [&]<class T>() {
                    kernels::group_norm_backward<T>(
                        shape, groups, impl_of(dy)->data_as<T>(), impl_of(*sx)->data_as<T>(),
                        data_or_null<T>(*sw), NormStats(values_of<double>(stats), count),
                        data_or_null<T>(d[0]), data_or_null<T>(d[1]), data_or_null<T>(d[2]));
                  });
                });
}

/// How many last dimensions of a floating input are normalised: those of `normalized_shape`.
int64_t check_normalized(const char* op, const Tensor& input, const Shape& normalized_shape) {
  const Shape& sizes = check_floating(op, input)->sizes;
  const int64_t rank = normalized_shape.size(), first = sizes.size() - rank;
  if (rank == 0) fail(op, "expected normalized_shape of at least one dimension, got []");
  bool fits = first >= 0;
  for (int64_t i = 0; fits && i < rank; ++i) fits = sizes[first + i] == normalized_shape[i];
  if (!fits) {
    const std::string shape = normalized_shape.str();
    fail(op, "Given normalized_shape=", shape, ", expected input with shape [*, ", shape.substr(1),
         ", but got input of size ", sizes);
  }
  return rank;
}

}  // namespace

Tensor layer_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const int64_t rank = check_normalized("layer_norm", input, normalized_shape);
  const TensorImpl* impl = impl_of(input);
  check_parameter("layer_norm", "weight", weight, normalized_shape, impl);
  check_parameter("layer_norm", "bias", bias, normalized_shape, impl);

  const int64_t size = normalized_shape.numel();
  int64_t rows = 1;
  for (int64_t i = 0; i < impl->sizes.size() - rank; ++i) rows *= impl->sizes[i];
  return norm_groups("layer_norm", input, {rows, size, 1}, 1, normalized_shape, weight, bias, eps);
}

Tensor rms_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  const int64_t rank = check_normalized("rms_norm", input, normalized_shape);
  check_parameter("rms_norm", "weight", weight, normalized_shape, impl_of(input));
  Shape last;
  for (int64_t i = 1; i <= rank; ++i) last.push_back(-i);
  const double step = input.dtype() == kFloat64 ? std::numeric_limits<double>::epsilon()
                                                : double(std::numeric_limits<float>::epsilon());
  const Tensor y = input / ((input * input).mean(last, true) + eps.value_or(step)).sqrt();
  return weight.defined() ? y * weight : y;
}

namespace {

ChannelShape check_group_norm(const Tensor& input, int64_t groups, const Tensor& weight,
                              const Tensor& bias) {
  const ChannelShape shape = channel_shape("group_norm", input);
  const TensorImpl* x = impl_of(input);
  const Shape& sizes = x->sizes;
  if (groups < 1) {
    fail("group_norm", "Expected num groups to be greater than 0, got ", groups);
  }
  const int64_t channels = shape.channels;
  if (channels % groups != 0) {
    fail("group_norm",
         "Expected number of channels in input to be divisible by num_groups, but got input of "
         "shape ",
         sizes, " and num_groups=", groups);
  }
  const auto check = [&](const char* name, const Tensor& tensor) {
    if (tensor.defined() && tensor.sizes() != Shape{channels}) {
      fail("group_norm", "Expected ", name,
           " to be a vector of size equal to the number of channels in input, "
           "but got ",
           name, " of shape ", tensor.sizes(), " and input of shape ", sizes);
    }
    check_parameter("group_norm", name, tensor, Shape{channels}, x);
  };
  check("weight", weight);
  check("bias", bias);
  if (channels == 0 || shape.length == 0) {
    fail("group_norm",
         "Expected number of channels and cells to be greater than 0, got input of "
         "shape ",
         sizes);
  }
  if (input.numel() > 0 && input.numel() == groups) {
    fail("group_norm", "Expected more than 1 value per channel when training, got input size ",
         sizes, "; a group of one value always becomes its bias: use fewer groups");
  }
  return shape;
}

}  // namespace

Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const ChannelShape shape = check_group_norm(input, num_groups, weight, bias);
  return norm_groups("group_norm", input, shape, num_groups, {shape.channels}, weight, bias, eps);
}

Tensor instance_norm(const Tensor& input, const InstanceNormArgs& args) {
  const char* const op = "instance_norm";
  const ChannelShape shape = channel_shape(op, input);
  const TensorImpl* x = impl_of(input);
  const Shape channels{shape.channels};
  check_parameter(op, "running_mean", args.running_mean, channels, x);
  check_parameter(op, "running_var", args.running_var, channels, x);
  check_parameter(op, "weight", args.weight, channels, x);
  check_parameter(op, "bias", args.bias, channels, x);
  const bool tracks = args.running_mean.defined();
  if (tracks != args.running_var.defined() || !(tracks || args.use_input_stats)) {
    fail(op,
         "Expected running_mean and running_var to be defined, both, when use_input_stats is "
         "false, and both or none otherwise");
  }
  if (!args.use_input_stats) {
    return batch_norm(input, {.running_mean = args.running_mean,
                              .running_var = args.running_var,
                              .weight = args.weight,
                              .bias = args.bias,
                              .eps = args.eps});
  }
  if (shape.length == 1) {
    fail(op, "Expected more than 1 spatial element when training, got input size ", x->sizes);
  }
  Tensor y =
      norm_groups(op, input, shape, shape.channels, channels, args.weight, args.bias, args.eps);
  if (!tracks || input.numel() == 0) return y;
  const NoGradGuard no_grad;
  const Tensor flat = input.detach().reshape({shape.n, shape.channels, shape.length});
  const auto move = [&](Tensor running, const Tensor& of_samples) {
    running.mul_(1 - args.momentum).add_(of_samples.mean(0) * args.momentum);
  };
  move(args.running_mean, flat.mean(-1));
  move(args.running_var, flat.var(-1));
  return y;
}

Tensor local_response_norm(const Tensor& input, int64_t size, double alpha, double beta, double k) {
  const char* const op = "local_response_norm";
  const Shape& sizes = check_floating(op, input)->sizes;
  if (sizes.size() < 3) {
    fail(op, "Expected 3D or higher dimensionality input (got ", sizes.size(), " dimensions)");
  }
  if (size < 1) fail(op, "expected size of at least 1, got ", size);
  if (input.numel() == 0) return input;
  const Tensor squares = (input * input).reshape({sizes[0], 1, sizes[1], -1});
  const Tensor padded = pad2d(squares, {.top = size / 2, .bottom = (size - 1) / 2});
  const Tensor mean = avg_pool2d(padded, {size, 1}, {.stride = 1}).reshape(sizes);
  return input / (mean * alpha + k).pow(beta);
}

}  // namespace norma::functional
