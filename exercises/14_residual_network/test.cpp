#include <residual_network.h>

#include <norma/norma.h>

#include <algorithm>
#include <cstdio>

namespace nn = norma::nn;
using norma::Tensor;

double accuracy(nn::Sequential& net, const norma::data::Dataset& pictures) {
  const norma::NoGradGuard no_grad;
  net.eval();
  const Tensor answers = net(norma::data::convert_image_dtype(pictures.inputs)).argmax(1);
  return answers.eq(pictures.targets).to(norma::kFloat64).mean().item<double>();
}

int main() try {
  norma::manual_seed(0);
  nn::Sequential net = mine::make_network();
  const norma::Shape shape = net(norma::randn({2, 1, 28, 28})).sizes();
  if (shape != norma::Shape{2, 10}) {
    norma::fail("make_network", "expected [2, 10] for two pictures, got ", shape,
                ": ten logits for each, by a linear layer behind Flatten");
  }
  const auto modules = net.modules();
  const auto blocks = std::count_if(modules.begin(), modules.end(), [](const nn::Module* module) {
    return dynamic_cast<const mine::ResidualBlock*>(module);
  });
  if (blocks < 3)
    norma::fail("make_network", "expected three ResidualBlocks or more, got ", blocks);

  const norma::data::Dataset known = norma::data::synthetic_digits(2000, 0);
  mine::train(net, known);
  const double of_known = accuracy(net, known);
  const double of_new = accuracy(net, norma::data::synthetic_digits(1000, 1));
  if (of_new < 0.98) {
    norma::fail("train", "expected 0.98 of new digits to be read right, got ", of_new, ", and of ",
                "those it was trained on ", of_known,
                of_known < 0.2
                    ? ": it has learned nothing. Does step() come behind backward()? Is the "
                      "learning rate far too large, or far too small?"
                : of_known < 0.99
                    ? ": it has not learned these well either. More epochs, another learning rate, "
                      "or one that falls towards the end"
                    : ": it knows its own by heart. A falling learning rate, weight decay, or "
                      "fewer channels");
  }
  std::printf("Passed: %.3f of new digits are read right.\n", of_new);
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
