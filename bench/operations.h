// A line of operations.txt, made ready to be called.
#pragma once
#include <norma/norma.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// One layer or operation with its inputs.
struct Operation {
  std::vector<norma::Tensor> leaves;         ///< what may take gradients
  std::shared_ptr<norma::nn::Module> layer;  ///< null where none is called
  std::function<norma::Tensor()> call;
};

/// `softmax 64x10 dim=1`: the operation, the shapes of its inputs, its options.
Operation make_operation(const std::string& line);

}  // namespace bench
