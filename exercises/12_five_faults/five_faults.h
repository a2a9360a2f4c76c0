// A training program. It compiles, it runs, and it has five faults.
#pragma once
#include <norma/norma.h>

namespace mine {

namespace nn = norma::nn;
using norma::Tensor, norma::data::DataLoader, norma::data::Dataset, norma::optim::SGD;

inline nn::Sequential make_network() {
  return nn::Sequential(nn::Linear(2, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 32),
                        nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 2));
}

inline SGD make_optimizer(nn::Sequential& net) {
  return SGD(net.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.001});
}

inline DataLoader make_loader(const Dataset& points) {
  return DataLoader(points, {.batch_size = 50});
}

/// One epoch. Returns the mean of the losses, for the log.
inline Tensor train_epoch(nn::Sequential& net, DataLoader& loader, SGD& optimizer) {
  nn::CrossEntropyLoss criterion;
  Tensor sum = norma::tensor(0.0);
  for (auto& [x, labels] : loader) {
    const Tensor loss = criterion(net(x), labels);
    loss.backward();
    optimizer.step();
    sum = sum + loss;
  }
  return sum / loader.size();
}

/// The share of points whose class the network tells.
inline double accuracy(nn::Sequential& net, const Dataset& points) {
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
