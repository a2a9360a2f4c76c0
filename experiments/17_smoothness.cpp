// The loss is smoother with BatchNorm.
#include <algorithm>

#include "common/experiment.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Tensor;

constexpr experiment::About kAbout = {
    .name = "17_smoothness",
    .title = "The loss is smoother",
    .claim =
        "With BatchNorm the loss varies less along the direction of a step, and so does its "
        "gradient.",
    .varied =
        "Two networks of the same first weights (He's, usual before ReLU): three times "
        "Conv2d-BatchNorm-ReLU-MaxPool of 8, 16 and 32 channels and a Linear, and the same "
        "without BatchNorm; 300 steps of SGD, batches of 32, rate 0.1. Every 20 steps the loss "
        "and its gradient are taken at eight places along the step's direction, from half as far "
        "as it goes to four times as far: the range of these losses, and the largest distance of "
        "these gradients from the one at the start. Beside them, PyTorch's own first weights.",
    .limits =
        "It is true of the whole run, not of its beginning: over the first 40 steps the loss of "
        "the network with BatchNorm is on average the roughest of the three. And smooth alone is "
        "not fast: the smoothest beginning is that of the network without BatchNorm and with "
        "PyTorch's first weights, which are smaller than He's; four steps hardly change its loss. "
        "On CIFAR-10 (`--data`), where 300 steps are a beginning, the claim did not hold.",
    .source =
        "Santurkar, Tsipras, Ilyas and Madry, \"How Does Batch Normalization Help "
        "Optimization?\", 2018, section 3.2, figure 4 a and b.",
    .question =
        "Take 0.03 for `kRate`: why does the loss without BatchNorm and with PyTorch's first "
        "weights now stay the smoothest by far?",
};
constexpr double kRate = 0.1;

nn::Sequential network(int64_t channels, bool norm, bool he) {
  nn::Sequential net;
  for (const int64_t out : {8, 16, 32}) {
    net.push_back(nn::Conv2d(channels, out, 3, {.padding = 1}));
    if (norm) net.push_back(nn::BatchNorm2d(out));
    net.push_back(nn::ReLU());
    net.push_back(nn::MaxPool2d(2));
    channels = out;
  }
  net.push_back(nn::AdaptiveAvgPool2d(3));
  net.push_back(nn::Flatten());
  net.push_back(nn::Linear(32 * 9, 10));
  if (he)
    for (Tensor& weight : net.parameters())
      if (weight.dim() > 1) nn::init::kaiming_normal_(weight, {.nonlinearity = "relu"});
  return net;
}

/// The loss of a batch, and its gradient as one vector.
std::pair<double, Tensor> look(nn::Sequential& net, const data::Dataset& batch) {
  const Tensor loss = nn::CrossEntropyLoss()(net(batch.inputs), batch.targets);
  std::vector<Tensor> flat;
  for (const Tensor& gradient : norma::autograd::grad({loss}, net.parameters()))
    flat.push_back(gradient.flatten());
  return {loss.item<double>(), norma::cat(flat)};
}

/// How far the loss varies along the step's direction, and the gradient changes at most.
std::pair<double, double> vary(const nn::Sequential& net, const data::Dataset& batch) {
  nn::Sequential moved = net.clone();
  const auto [loss, gradient] = look(moved, batch);
  const Tensor start = nn::utils::parameters_to_vector(moved.parameters()).detach();
  double low = 1e30, high = -1e30, change = 0;
  for (int place = 1; place <= 8; ++place) {
    nn::utils::vector_to_parameters(start - place * kRate / 2 * gradient, moved.parameters());
    const auto [there, other] = look(moved, batch);
    low = std::min(low, there);
    high = std::max(high, there);
    change = std::max(change, (other - gradient).norm().item<double>());
  }
  return {high - low, change};
}

int main(int argc, char** argv) {
  return experiment::run(argc, argv, kAbout, [](experiment::Experiment& e) {
    const data::Dataset pictures = e.pictures(9600, 1).train;
    const auto train = [&](const std::string& name, bool norm, bool he) {
      nn::Sequential net = network(pictures.inputs.size(1), norm, he);
      optim::SGD optimizer(net.parameters(), {.lr = kRate});
      double range = 0, early = 0, change = 0;
      for (int64_t step = 0; step < 300; ++step) {
        const data::Dataset batch = pictures.narrow(step * 32, 32);
        if (step % 20 == 0) {
          const auto [losses, gradients] = vary(net, batch);
          e.point(name, double(step), losses);
          range += losses / 15;
          early += step < 40 ? losses / 2 : 0;
          change += gradients / 15;
        }
        optimizer.zero_grad();
        nn::CrossEntropyLoss()(net(batch.inputs), batch.targets).backward();
        optimizer.step();
      }
      e.measure("range of the loss, " + name, range);
      e.measure("range of the loss over the first 40 steps, " + name, early);
      e.measure("change of the gradient, " + name, change);
    };
    for (const uint64_t seed : e.seeds()) {
      for (const bool norm : {true, false}) {
        norma::manual_seed(seed);
        train(norm ? "with BatchNorm" : "without", norm, true);
      }
      train("without, PyTorch's first weights", false, false);
    }
    e.draw(
        "The range of the loss along the step, on a logarithmic axis, over 300 steps: with "
        "BatchNorm it begins highest, at about ten, and is mostly below one after 60 steps; "
        "without it, it is mostly around one and above; with PyTorch's first weights it begins "
        "hundreds of times lower and has risen above that with BatchNorm after 100 steps",
        {.yscale = "log", .xlabel = "step", .ylabel = "range of the loss along the step"});
    for (const std::string what : {"range of the loss", "change of the gradient"})
      e.expect("the " + what + ", mean of the whole run, is smaller with BatchNorm in every run",
               experiment::all_below(e.measured(what + ", with BatchNorm"),
                                     e.measured(what + ", without")));
  });
}
