// The models of the examples, whose programs are taken as they are.
#include <norma/norma.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "cases.h"
#include "common/checkpoint.h"
#include "common/datasets.h"
#include "common/evaluate.h"
#include "common/options.h"
#include "common/plots.h"
#include "common/progress.h"

#define main run_example
namespace resnet18 {
#include "../../examples/resnet18.cpp"
}
namespace cifar {
#include "../../examples/cifar_resnet.cpp"
}
namespace digits {
#include "../../examples/digits_cnn.cpp"
}
namespace mnist {
#include "../../examples/mnist_mlp.cpp"
}
namespace spirals {
#include "../../examples/spirals_mlp.cpp"
}
namespace tour {
#include "../../examples/batchnorm_tour.cpp"
}
#undef main

namespace cases {

Cases examples() {
  namespace nn = norma::nn;
  Cases all;
  all.push_back(layer("example_resnet18", resnet18::ResNet18(10), {3, 64, 64}));
  all.push_back(layer("example_cifar_resnet", cifar::ResNet20(10), {3, 32, 32}));
  all.push_back(layer("example_digits_cnn", digits::make_model(), {1, 28, 28}));
  all.push_back(layer("example_mnist_mlp", mnist::MLP(784, 128, 10), {1, 28, 28}));
  all.push_back(layer("example_spirals_mlp", spirals::MLP(2, 32, 2), {2}));
  all.push_back(layer("example_batchnorm_tour",
                      nn::Sequential(tour::ConvBlock(3, 8), nn::AdaptiveAvgPool2d(1), nn::Flatten(),
                                     nn::Dropout(0.5), nn::Linear(8, 4)),
                      {3, 8, 8}));
  return all;
}

}  // namespace cases
