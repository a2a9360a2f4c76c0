// Everything. `#include <norma/norma.h>` is all a program needs.
#pragma once
#if __cplusplus < 202002L
#error "Norma is written in C++20: compile with -std=c++20 or newer"
#endif

#include "norma/core/deterministic.h"
#include "norma/core/dtype.h"
#include "norma/core/error.h"
#include "norma/core/factory.h"
#include "norma/core/index.h"
#include "norma/core/random.h"
#include "norma/core/scalar.h"
#include "norma/core/shape.h"
#include "norma/core/storage.h"
#include "norma/core/tensor.h"
#include "norma/core/tensor_methods.h"
#include "norma/core/threads.h"

#include "norma/autograd/anomaly.h"
#include "norma/autograd/functional.h"
#include "norma/autograd/functional_activations.h"
#include "norma/autograd/functional_attention.h"
#include "norma/autograd/functional_conv_transpose.h"
#include "norma/autograd/functional_interpolate.h"
<<<<<<< HEAD
#include "norma/autograd/functional_losses.h"
=======
#include "norma/autograd/functional_norm.h"
>>>>>>> 47b7e48 (Norms as PyTorch 2.15 has them, InstanceNorm and its relatives, more pooling, shuffles, lazy layers)
#include "norma/autograd/functional_pad.h"
#include "norma/autograd/functional_pool.h"
#include "norma/autograd/functional_shuffle.h"
#include "norma/autograd/grad_mode.h"
#include "norma/autograd/gradcheck.h"
#include "norma/autograd/linalg.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/record.h"

#include "norma/layers/activation.h"
#include "norma/layers/batch_norm.h"
#include "norma/layers/cloneable.h"
#include "norma/layers/conv.h"
#include "norma/layers/conv_transpose.h"
#include "norma/layers/dropout.h"
#include "norma/layers/element_loss.h"
#include "norma/layers/embedding.h"
#include "norma/layers/flatten.h"
#include "norma/layers/fuse_conv_bn.h"
#include "norma/layers/group_norm.h"
#include "norma/layers/identity.h"
#include "norma/layers/init.h"
#include "norma/layers/instance_norm.h"
#include "norma/layers/layer_norm.h"
#include "norma/layers/lazy.h"
#include "norma/layers/linear.h"
#include "norma/layers/loss.h"
#include "norma/layers/margin_loss.h"
#include "norma/layers/module.h"
<<<<<<< HEAD
#include "norma/layers/multihead_attention.h"
#include "norma/layers/packed_sequence.h"
#include "norma/layers/pad_sequence.h"
=======
#include "norma/layers/more_pooling.h"
>>>>>>> 47b7e48 (Norms as PyTorch 2.15 has them, InstanceNorm and its relatives, more pooling, shuffles, lazy layers)
#include "norma/layers/padding.h"
#include "norma/layers/parameter_vector.h"
#include "norma/layers/piecewise_activation.h"
#include "norma/layers/pooling.h"
<<<<<<< HEAD
#include "norma/layers/rnn.h"
#include "norma/layers/rnn_cell.h"
#include "norma/layers/sequential.h"
#include "norma/layers/smooth_activation.h"
#include "norma/layers/transformer.h"
#include "norma/layers/transformer_layer.h"
=======
#include "norma/layers/rms_norm.h"
#include "norma/layers/sequential.h"
#include "norma/layers/shuffle.h"
>>>>>>> 47b7e48 (Norms as PyTorch 2.15 has them, InstanceNorm and its relatives, more pooling, shuffles, lazy layers)
#include "norma/layers/upsample.h"

#include "norma/optim/adadelta.h"
#include "norma/optim/adagrad.h"
#include "norma/optim/adam.h"
#include "norma/optim/adamax.h"
#include "norma/optim/clip.h"
#include "norma/optim/cyclic_lr.h"
#include "norma/optim/lr_scheduler.h"
#include "norma/optim/nadam.h"
#include "norma/optim/optimizer.h"
#include "norma/optim/radam.h"
#include "norma/optim/rmsprop.h"
#include "norma/optim/rprop.h"
#include "norma/optim/sequential_lr.h"
#include "norma/optim/sgd.h"
#include "norma/optim/swa_utils.h"

#include "norma/io/checkpoint.h"
#include "norma/io/loader_position.h"
#include "norma/io/safetensors.h"
#include "norma/io/save_load.h"
#include "norma/io/torch_file.h"

#include "norma/data/cifar.h"
#include "norma/data/csv.h"
#include "norma/data/csv_options.h"
#include "norma/data/data_loader.h"
#include "norma/data/dataset.h"
#include "norma/data/idx.h"
#include "norma/data/sampler.h"
#include "norma/data/synthetic.h"
#include "norma/data/transforms.h"

namespace norma {

// Here, behind all headers of the library, so that none declares a name that hides one of these.
using indexing::Ellipsis, indexing::None, indexing::Slice;

}  // namespace norma
