// The models that cross the border between Norma and PyTorch, with a small twin of each for files
// that can be committed. models.py has the same ones.
#pragma once
#include <norma/norma.h>

#include <memory>
#include <string>
#include <vector>

namespace border {

/// "mlp", "cnn", "resnet20", "resnet18", "sequences".
const std::vector<std::string>& model_names();

/// One of these, or its small twin: "narrow_mlp", ….
std::shared_ptr<norma::nn::Module> make_model(const std::string& name);

/// The shape of one input of it.
norma::Shape input_shape(const std::string& name);

/// How many answers it has.
int64_t class_count(const std::string& name);

/// What both sides do with the same weights and batches (`input` [steps, N, …], `labels` [steps,
/// N]), and what they answer:
///
///     eval         the output for the first batch in eval()
///     train        the output for it in train(), Dropout apart, whose masks are each side's own
///     losses       one per step of SGD with momentum and weight decay, a batch each
///     state1.KEY   the state after the first step
///     state.KEY    the state after the last step
///     eval_after   the output for the first batch in eval() after that
norma::NamedTensors follow(norma::nn::Module& model, const norma::Tensor& input,
                           const norma::Tensor& labels);

}  // namespace border
