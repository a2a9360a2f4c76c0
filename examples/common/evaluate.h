// What a trained model says about data it has not seen.
#pragma once
#include <norma/norma.h>

#include <vector>

namespace example {

/// The model's answers for a whole data set, in order. The loader must not shuffle.
///
/// Two switches, both needed: eval() makes BatchNorm use its running statistics and Dropout do
/// nothing; NoGradGuard keeps operations from being recorded for a backward pass that never comes.
inline norma::Tensor answers(norma::nn::Module& model, norma::data::DataLoader& loader) {
  const bool was_training = model.is_training();
  model.eval();
  const norma::NoGradGuard no_grad;
  std::vector<norma::Tensor> parts;
  for (auto& [inputs, targets] : loader) parts.push_back(model(inputs));
  model.train(was_training);  // the next epoch trains again
  return norma::cat(parts);
}

/// How good answers [N, C] are: the mean cross-entropy, and the share of samples whose largest
/// answer is the right one.
struct Scores {
  double loss, accuracy;
};
inline Scores scores(const norma::Tensor& answers, const norma::Tensor& targets) {
  const norma::NoGradGuard no_grad;
  const norma::Tensor right = answers.argmax(1).eq(targets);
  return {norma::functional::cross_entropy(answers, targets).item<double>(),
          right.to(norma::kFloat64).mean().item<double>()};
}
inline Scores test(norma::nn::Module& model, norma::data::DataLoader& loader) {
  return scores(answers(model, loader), loader.dataset().targets);
}

}  // namespace example
