// A user's file compiled with -fno-rtti: tensors and operations, without modules.
#include <norma/autograd/ops.h>
#include <norma/core/factory.h>
#include <norma/core/random.h>

double without_rtti() {
  const norma::Tensor x = norma::tensor({1.0, 2.0, 3.0}).requires_grad_();
  norma::Tensor sum = norma::relu(x).sum();
  sum.backward();
  return sum.item<double>() * x.grad()[0].item<double>();
}
