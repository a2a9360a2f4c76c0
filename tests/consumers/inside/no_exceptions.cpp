// A user's file compiled with -fno-exceptions: an error that it does not cause passes through it.
#include <norma/norma.h>

double without_exceptions() {
  norma::nn::Sequential net(norma::nn::Linear(3, 1, {.bias = false}));
  norma::nn::init::ones_(net.at<norma::nn::Linear>(0).weight);
  return net(norma::tensor({{1.0, 2.0, 3.0}})).item<double>();
}
