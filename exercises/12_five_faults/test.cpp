#include <five_faults.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace nn = norma::nn;
using norma::Tensor;
using norma::text;
using norma::data::Dataset;

// Points of two spirals, first all of class 0, then all of class 1.
Dataset points(int64_t n, uint64_t seed) {
  const auto [x, labels] = norma::data::spirals(n, 0.02, seed);
  const Tensor order = labels.argsort(0);
  return {x.index_select(0, order), labels.index_select(0, order)};
}

std::vector<Tensor> buffers(const nn::Sequential& net) {
  std::vector<Tensor> copies;
  for (const auto& [name, buffer] : net.named_buffers()) copies.push_back(buffer.clone());
  return copies;
}
bool changed(const std::vector<Tensor>& before, const nn::Sequential& net) {
  return !norma::testing::difference(before, buffers(net)).empty();
}

// Each of these says what one fault does, "" if it is mended.

std::string mode() {
  nn::Sequential net = mine::make_network();
  const std::vector<Tensor> before = buffers(net);
  mine::accuracy(net, points(100, 1));
  if (changed(before, net)) {
    return "accuracy() was called, and the running statistics of BatchNorm moved: the network "
           "learns from being tested, and an answer depends on the other points of the batch";
  }
  norma::data::DataLoader loader = mine::make_loader(points(100, 0));
  norma::optim::SGD optimizer = mine::make_optimizer(net);
  mine::train_epoch(net, loader, optimizer);
  if (changed(before, net)) return "";
  return "after accuracy(), an epoch of training left the running statistics where they were: the "
         "network was still in evaluation";
}

// The largest gradient after an epoch of n times the same batch with the learning rate 0.
double largest_gradient(int64_t n) {
  norma::manual_seed(0);
  nn::Sequential net = mine::make_network();
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0});
  const Dataset batch = points(50, 0);
  const std::vector<Tensor> inputs(static_cast<std::size_t>(n), batch.inputs);
  const std::vector<Tensor> targets(static_cast<std::size_t>(n), batch.targets);
  norma::data::DataLoader loader(Dataset{norma::cat(inputs), norma::cat(targets)},
                                 {.batch_size = 50});
  mine::train_epoch(net, loader, optimizer);
  const Tensor grad = net.parameters()[0].grad();
  return grad.defined() ? grad.abs().max().item<double>() : 0;
}
std::string gradients() {
  const double once = largest_gradient(1), thrice = largest_gradient(3);
  if (thrice <= 1.01 * once) return "";
  return text("one batch gives gradients of up to ", once, ", three times the same batch of up to ",
              thrice, ": those of the batches before are still in them");
}

std::string order() {
  norma::data::DataLoader loader = mine::make_loader(points(1000, 0));
  for (auto& [x, labels] : loader) {
    const int64_t ones = labels.sum().item<int64_t>();
    if (ones != 0 && ones != x.size(0)) return "";
    return text("of the ", x.size(0), " points of the first batch, ", ones,
                " are of class 1: the network sees one class for half an epoch, then the other, "
                "and forgets the first");
  }
  return "the loader has no batches";
}

std::string memory() {
  nn::Sequential net = mine::make_network();
  norma::data::DataLoader loader = mine::make_loader(points(1000, 0));
  norma::optim::SGD optimizer = mine::make_optimizer(net);
  if (!mine::train_epoch(net, loader, optimizer).requires_grad()) return "";
  return text(
      "the mean loss of an epoch, a number for the log, is the result of recorded "
      "operations: it holds on to the graphs of all ",
      loader.size(), " steps");
}

// The gradient of a bias before BatchNorm; and a bias that is gone elsewhere.
std::string useless_bias() {
  nn::Sequential net = mine::make_network();
  const auto [x, labels] = points(100, 0);
  norma::functional::cross_entropy(net(x), labels).backward();
  const auto layers = net.children();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto* linear = dynamic_cast<const nn::Linear*>(layers[i].get());
    if (!linear) continue;
    const bool normalised =
        i + 1 < layers.size() && dynamic_cast<nn::BatchNorm*>(layers[i + 1].get());
    if (linear->bias.defined() != normalised) continue;
    if (!normalised) {
      return text("layer ", i,
                  " gives zeros the answer 0 and can give no other: it has lost its "
                  "bias, and no BatchNorm stands behind it to shift what it gives");
    }
    return text("the largest gradient of the weight of layer ", i, " is ",
                linear->weight.grad().abs().max().item<double>(), ", that of its bias ",
                linear->bias.grad().abs().max().item<double>(),
                ", nothing but rounding: what stands behind it takes every constant away");
  }
  return "";
}

// What a step changes when all gradients are 0.
std::string decay() {
  nn::Sequential net = mine::make_network();
  norma::optim::SGD optimizer = mine::make_optimizer(net);
  for (Tensor p : net.parameters()) p.set_grad(norma::zeros_like(p));
  std::vector<Tensor> before;
  for (const Tensor& p : net.parameters()) before.push_back(p.detach().clone());
  optimizer.step();
  bool weights_decay = false;
  std::size_t i = 0;
  for (const auto& [name, p] : net.named_parameters()) {
    const Tensor& old = before[i++];
    if (old.eq(p.detach()).all().item<bool>()) continue;
    if (p.dim() > 1) {
      weights_decay = true;
      continue;
    }
    return text("all gradients are 0, and a step moves the parameter ", name, " from ",
                old[0].item<double>(), " to ", p.detach()[0].item<double>(),
                ": weight decay. It is meant for the weights of linear layers; γ, β and biases "
                "decide where the numbers lie, and pulling them to 0 does no good");
  }
  return weights_decay ? "" : "no parameter decays any more: the weights of linear layers should";
}
std::string bias_and_decay() {
  const std::string bias = useless_bias();
  return bias.empty() ? decay() : bias;
}

int main() try {
  std::vector<std::string> left;
  for (const std::string& symptom : {mode(), gradients(), order(), memory(), bias_and_decay()}) {
    if (!symptom.empty()) left.push_back(symptom);
  }
  if (!left.empty()) {
    norma::fail("five faults", "expected none to be left, got ", left.size(),
                " of 5. What one of them does: ", left[0]);
  }
  norma::manual_seed(0);
  const double share = mine::run(points(2000, 0), points(1000, 1));
  if (share < 0.8) {
    norma::fail("run", "expected more than 0.8 of the new points to be told right, got ", share,
                ": all five faults are mended, but something else is not as it was");
  }
  std::printf("Passed: all five mended; %.3f of the new points are told right.\n", share);
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
