// A training program without the five faults.
#pragma once
#include <norma/norma.h>

#include <vector>

namespace mine {

namespace nn = norma::nn;
using norma::Tensor, norma::data::DataLoader, norma::data::Dataset, norma::optim::SGD;

inline nn::Sequential make_network() {
  // BatchNorm subtracts the mean, and any bias before it with it.
  return nn::Sequential(nn::Linear(2, 32, {.bias = false}), nn::BatchNorm1d(32), nn::ReLU(),
                        nn::Linear(32, 32, {.bias = false}), nn::BatchNorm1d(32), nn::ReLU(),
                        nn::Linear(32, 2));
}

inline SGD make_optimizer(nn::Sequential& net) {
  std::vector<Tensor> matrices, others;  // others: gamma, beta, biases
  for (const Tensor& p : net.parameters()) (p.dim() > 1 ? matrices : others).push_back(p);
  return SGD({{.params = matrices, .weight_decay = 0.001}, {.params = others}},
             {.lr = 0.1, .momentum = 0.9});
}

inline DataLoader make_loader(const Dataset& points) {
  return DataLoader(points, {.batch_size = 50, .shuffle = true});
}

/// One epoch. Returns the mean of the losses, for the log.
inline Tensor train_epoch(nn::Sequential& net, DataLoader& loader, SGD& optimizer) {
  nn::CrossEntropyLoss criterion;
  Tensor sum = norma::tensor(0.0);
  net.train();
  for (auto& [x, labels] : loader) {
    optimizer.zero_grad();
    const Tensor loss = criterion(net(x), labels);
    loss.backward();
    optimizer.step();
    sum = sum + loss.detach();
  }
  return sum / loader.size();
}

/// The share of points whose class the network tells.
inline double accuracy(nn::Sequential& net, const Dataset& points) {
  net.eval();
  const Tensor answers = net(points.inputs).argmax(1);
  return answers.eq(points.targets).to(norma::kFloat64).mean().item<double>();
}

/// Trains on `points`, whose classes stand one after the other, and tells how many others it knows.
inline double run(const Dataset& points, const Dataset& others) {
  nn::Sequential net = make_network();
  SGD optimizer = make_optimizer(net);
  DataLoader loader = make_loader(points);
  for (int epoch = 0; epoch < 20; ++epoch) train_epoch(net, loader, optimizer);
  return accuracy(net, others);
}

}  // namespace mine
