// One training step of the smallest network, watched: every operation as it is recorded, every
// gradient as the engine hands it on, and beside each the same numbers computed by hand.
#include <norma/norma.h>

#include <cstdio>
#include <iostream>

namespace nn = norma::nn;
using norma::Tensor;
using norma::tensor;

// What comes next, in the order of the events, with the arithmetic that gives it.
struct Expected {
  const char* by_hand;
  Tensor value;
};

struct Lecture : norma::autograd::Observer {
  std::vector<Expected> expected;
  std::size_t next = 0;
  bool all_equal = true;

  void compare(const char* by_hand_of, const Tensor& value) {
    const Expected& now = expected.at(next++);
    const bool equal = value.eq(now.value).all().item<bool>();
    all_equal = all_equal && equal;
    std::cout << by_hand_of << "\n" << value << "\n  by hand: " << now.by_hand;
    std::cout << (equal ? "\n\n" : ", which is not the same\n\n");
  }
  void result(const char* op, const Tensor& out, norma::autograd::Inputs) override {
    compare(op, out);
  }
  void gradient(const norma::autograd::Node& node, int i, const Tensor& grad) override {
    const std::string title =
        std::string("backward of ") + node.name + ", for input " + std::to_string(i);
    compare(title.c_str(), grad);
  }
};

int main() {
  nn::Linear fc(2, 2);
  nn::BatchNorm1d bn(2,
                     {.eps = 3.0});  // so large that √(1 + eps) is 2, and no digits get in the way
  nn::ReLU relu;
  {
    const norma::NoGradGuard no_grad;
    fc.weight.copy_(tensor({{1.0, 0.0}, {-4.0, 3.0}}));
    fc.bias.zero_();
    bn.weight.copy_(tensor({2.0, 4.0}));
  }
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});  // two samples

  Lecture lecture;
  lecture.expected = {
      {"y = x wᵀ + b: 1·1 + 2·0 = 1, 1·(-4) + 2·3 = 2; 3, 0", tensor({{1.0, 2.0}, {3.0, 0.0}})},
      {"means 2, 1; variances 1, 1; x̂ = (y - mean) / √(1 + 3) = ±1/2; x̂ · 2, x̂ · 4",
       tensor({{-1.0, 2.0}, {1.0, -2.0}})},
      {"what is negative becomes 0", tensor({{0.0, 2.0}, {1.0, 0.0}})},
      {"2 + 1", tensor(3.0)},

      {"every element counts once", tensor({{1.0, 1.0}, {1.0, 1.0}})},
      {"nothing passes where the result was 0", tensor({{0.0, 1.0}, {1.0, 0.0}})},
      {"γ / 2 · (g - mean of g - x̂ · mean of g x̂): first, 2 / 2 · (0 - 1/2 + 1/2 · 1/4)",
       tensor({{-0.375, 0.75}, {0.375, -0.75}})},
      {"for γ, Σ g x̂: 1 · 1/2 in both", tensor({0.5, 0.5})},
      {"for β, Σ g", tensor({1.0, 1.0})},
      {"for w, gᵀ x: -0.375 · (1, 2) + 0.375 · (3, 4); 0.75 · (1, 2) - 0.75 · (3, 4)",
       tensor({{0.75, 0.75}, {-1.5, -1.5}})},
      {"for b, Σ g: 0, whatever b is: BatchNorm takes the mean away", tensor({0.0, 0.0})},
  };
  {
    const norma::autograd::ObserverGuard guard(lecture);
    relu(bn(fc(x))).sum().backward();
  }
  norma::optim::SGD({fc.weight}, {.lr = 1.0}).step();
  std::cout << "one step down the slope, w - 1 · grad\n" << fc.weight << "\n";
  return lecture.all_equal && lecture.next == lecture.expected.size() ? 0 : 1;
}
