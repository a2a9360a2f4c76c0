// torch::nn::init and torch::nn::utils.
#pragma once
#include <string>
#include <vector>

#include "torch/types.h"

namespace torch::nn {

namespace init {
using namespace norma::nn::init;
inline Tensor kaiming_uniform_(const Tensor& tensor, double a = 0, const std::string& mode = kFanIn,
                               const std::string& nonlinearity = kLeakyReLU) {
  return norma::nn::init::kaiming_uniform_(tensor, {a, mode, nonlinearity});
}
inline Tensor kaiming_normal_(const Tensor& tensor, double a = 0, const std::string& mode = kFanIn,
                              const std::string& nonlinearity = kLeakyReLU) {
  return norma::nn::init::kaiming_normal_(tensor, {a, mode, nonlinearity});
}
}  // namespace init

namespace utils {
using namespace norma::nn::utils;
using norma::optim::clip_grad_norm_;
using norma::optim::clip_grad_value_;
inline double clip_grad_norm_(const Tensor& parameter, double max_norm, double norm_type = 2) {
  return norma::optim::clip_grad_norm_({parameter}, max_norm, norm_type);
}
}  // namespace utils

}  // namespace torch::nn
