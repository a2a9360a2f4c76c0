// The loop that trains, and the one that tests.
#pragma once
#include <norma/norma.h>

namespace mine {

namespace nn = norma::nn;
using norma::Tensor;

/// Trains the network for one epoch. Returns the mean loss of a sample, as it was before each step.
inline double train_epoch(nn::Sequential& net, norma::data::DataLoader& loader,
                          norma::optim::Optimizer& optimizer) {
  nn::CrossEntropyLoss criterion;  // the mean over a batch
  double sum = 0;
  int64_t samples = 0;
  net.train();
  for (auto& [x, labels] : loader) {
    optimizer.zero_grad();
    const Tensor loss = criterion(net(x), labels);
    loss.backward();
    optimizer.step();
    sum += loss.item<double>() * static_cast<double>(x.size(0));
    samples += x.size(0);
  }
  return sum / static_cast<double>(samples);
}

/// The share of samples, 0 to 1, whose largest logit is that of their label.
inline double accuracy(nn::Sequential& net, norma::data::DataLoader& loader) {
  const norma::NoGradGuard no_grad;
  net.eval();
  int64_t right = 0, samples = 0;
  for (auto& [x, labels] : loader) {
    right += net(x).argmax(1).eq(labels).sum().item<int64_t>();
    samples += x.size(0);
  }
  return static_cast<double>(right) / static_cast<double>(samples);
}

}  // namespace mine
