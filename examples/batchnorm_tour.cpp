// A walk through batch normalisation, from one layer to a trained network. Read it beside its
// output.
#include <norma/norma.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>

#include "common/evaluate.h"
#include "common/options.h"
#include "common/plots.h"

namespace nn = norma::nn;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Shape;
using norma::Tensor;

void title(const std::string& text) {
  static int number = 0;
  std::cout << "\n" << ++number << ". " << text << "\n";
}

// Runs something that Norma refuses, and shows its words.
void show_error(const std::function<void()>& mistake) {
  try {
    mistake();
    std::cout << "not refused\n";
  } catch (const norma::Error& error) {
    std::cout << error.what() << "\n";
  }
}

void basic_usage() {
  title("Basic usage: one channel");
  norma::NoGradGuard no_grad;               // nothing is learnt yet
  Tensor input = norma::randn({4, 1, 10});  // batch, channels, length
  nn::BatchNorm1d bn(1);
  Tensor output = bn(input);

  std::cout << "input " << input.sizes() << ", output " << output.sizes() << "\n";
  std::cout << "gamma " << bn.weight << ", beta " << bn.bias << "\n";
  std::cout << "mean " << input.mean().item<float>() << " -> " << output.mean().item<float>()
            << "\n";
  std::cout << "std  " << input.std(false).item<float>() << " -> "
            << output.std(false).item<float>() << "\n";
}

void several_channels(const example::Plots& plots) {
  title("Several channels: each has a mean and a variance of its own");
  norma::NoGradGuard no_grad;
  Tensor input = norma::randn({8, 3, 15}) * 4.0 + 7.0;
  nn::BatchNorm1d bn(3);
  Tensor output = bn(input);

  // Averaged over the batch and the length, dimensions 0 and 2.
  std::cout << "gamma " << bn.weight.sizes() << ", beta " << bn.bias.sizes() << "\n";
  std::cout << "mean before " << input.mean({0, 2}) << "\n";
  std::cout << "mean after  " << output.mean({0, 2}) << "\n";
  std::cout << "std after   " << output.std({0, 2}, /*unbiased=*/false) << "\n";
  plots.histogram("before.svg", input, "before BatchNorm");
  plots.histogram("after.svg", output, "after BatchNorm");
}

void train_and_eval() {
  title("Training and evaluation");
  norma::NoGradGuard no_grad;  // about recording; what the layer does depends on train() and eval()
  Tensor input = norma::randn({4, 2, 20}) + 3.0;
  nn::BatchNorm1d bn(2);
  std::cout << "before  running_mean " << bn.running_mean << ", running_var " << bn.running_var
            << "\n";

  bn.train();  // where a new module begins: the batch's statistics, and the running ones follow
  Tensor in_training = bn(input);
  std::cout << "train() running_mean " << bn.running_mean << ", running_var " << bn.running_var
            << ", batches " << bn.num_batches_tracked.item<int64_t>() << "\n";

  bn.eval();  // the running statistics, which stay as they are
  Tensor in_evaluation = bn(input);
  std::cout << "eval()  running_mean " << bn.running_mean << ", running_var " << bn.running_var
            << ", batches " << bn.num_batches_tracked.item<int64_t>() << "\n";
  std::cout << "mean of the output: in training " << in_training.mean({0, 2}) << "\n"
            << "                  in evaluation " << in_evaluation.mean({0, 2}) << "\n";
}

void shapes() {
  title("Shapes: the channels are axis 1");
  nn::BatchNorm1d features(128);
  std::cout << "BatchNorm1d [32, 128]        -> " << features(norma::randn({32, 128})).sizes()
            << "\n";
  std::cout << "BatchNorm1d [32, 128, 50]    -> " << features(norma::randn({32, 128, 50})).sizes()
            << "\n";
  nn::BatchNorm2d channels(64);
  std::cout << "BatchNorm2d [32, 64, 56, 56] -> "
            << channels(norma::randn({32, 64, 56, 56})).sizes() << "\n";
  std::cout << "running_mean " << features.running_mean.sizes() << " and "
            << channels.running_mean.sizes() << "\n";
}

void momentum() {
  title("Momentum: the weight of the new value");
  Tensor x = norma::randn({32, 128}) + 1.0;
  nn::BatchNorm1d usual(128), slow(128, {.momentum = 0.01}),
      average(128, {.momentum = std::nullopt});
  usual(x);
  slow(x);
  average(x);
  std::cout << "mean of the batch, channel 0: " << x.mean(0)[0].item<float>() << "\n";
  std::cout << "running_mean, momentum 0.1:   " << usual.running_mean[0].item<float>() << "\n";
  std::cout << "running_mean, momentum 0.01:  " << slow.running_mean[0].item<float>() << "\n";
  std::cout << "running_mean, plain average:  " << average.running_mean[0].item<float>() << "\n";
}

// BatchNorm stands between the linear layer and the activation.
struct MLP : nn::Module {
  nn::Sequential net;

  MLP(int64_t in_dim, int64_t hidden_dim, int64_t out_dim)
      : net(nn::Linear(in_dim, hidden_dim), nn::BatchNorm1d(hidden_dim), nn::ReLU(),
            nn::Linear(hidden_dim, hidden_dim), nn::BatchNorm1d(hidden_dim), nn::ReLU(),
            nn::Linear(hidden_dim, out_dim)) {
    register_module("net", net);
  }
  Tensor forward(const Tensor& x) override { return net(x); }
};

// The convolution has no bias: BatchNorm would subtract it again.
struct ConvBlock : nn::Module {
  nn::Sequential block;

  ConvBlock(int64_t in_channels, int64_t out_channels)
      : block(
            nn::Conv2d(in_channels, out_channels, /*kernel_size=*/3, {.padding = 1, .bias = false}),
            nn::BatchNorm2d(out_channels), nn::ReLU()) {
    register_module("block", block);
  }
  Tensor forward(const Tensor& x) override { return block(x); }
};

void models() {
  title("In an MLP");
  MLP mlp(20, 64, 5);
  std::cout << mlp << "\n[32, 20] -> " << mlp(norma::randn({32, 20})).sizes() << "\n";

  title("In a convolutional block");
  ConvBlock block(3, 16);
  std::cout << block << "\n[4, 3, 16, 16] -> " << block(norma::randn({4, 3, 16, 16})).sizes()
            << "\n";

  title("train() and eval() reach every module inside a model");
  nn::Sequential cnn(ConvBlock(3, 8), nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Dropout(0.5),
                     nn::Linear(8, 10));
  const auto count_training = [&] {
    int64_t count = 0;
    for (const nn::Module* module : cnn.modules()) count += module->is_training();
    return count;
  };
  cnn.eval();
  std::cout << "eval():  " << count_training() << " of " << cnn.modules().size() << " train\n";
  cnn.train();
  std::cout << "train(): " << count_training() << " of " << cnn.modules().size() << " train\n";
}

void two_variances() {
  title("Two variances: biased to normalise, unbiased to remember");
  Tensor x = norma::tensor({{1.0}, {2.0}, {3.0}, {4.0}});
  nn::BatchNorm1d bn(1, {.eps = 1e-9, .momentum = 1.0});
  Tensor output = bn(x).detach();
  std::cout << "values 1 2 3 4: variance " << x.var(0, /*unbiased=*/false) << " divided by n = 4, "
            << x.var(0, /*unbiased=*/true) << " divided by n - 1\n";
  std::cout << "the output has variance " << output.var(0, false)
            << " by the first, running_var is " << bn.running_var << ", the second\n";
}

void four_mistakes() {
  MLP model(20, 64, 5);
  for (int step = 0; step < 20; ++step) model(norma::randn({32, 20}));
  Tensor x = norma::randn({8, 20});

  title("Mistake 1: evaluating in training mode");
  // The same example gets another answer in other company.
  Tensor among_8 = model(x)[0], among_4 = model(x.narrow(0, 0, 4))[0];
  std::cout << "train(): the answers differ by up to "
            << (among_8 - among_4).abs().max().item<float>() << "\n";
  model.eval();
  {
    norma::NoGradGuard no_grad;
    among_8 = model(x)[0];
    among_4 = model(x.narrow(0, 0, 4))[0];
    std::cout << "eval():  the same up to rounding: " << std::boolalpha
              << norma::allclose(among_8, among_4, 1e-5, 1e-6) << "\n";
  }

  title("Mistake 2: not going back to training");
  auto& bn = model.net.at<nn::BatchNorm1d>(1);
  model(x);
  std::cout << "still in eval(): " << bn.num_batches_tracked.item<int64_t>()
            << " batches counted\n";
  model.train();
  model(x);
  std::cout << "after train():   " << bn.num_batches_tracked.item<int64_t>() << "\n";

  title("Mistake 3: a batch of one");
  show_error([&] { model(norma::randn({1, 20})); });
  model.eval();
  std::cout << "in eval() it is fine: " << model(norma::randn({1, 20})).sizes() << "\n";

  title("Mistake 4: another number of axes, or channels on the wrong one");
  show_error([] { nn::BatchNorm2d(64)(norma::randn({32, 64})); });
  show_error([] { nn::BatchNorm1d(128)(norma::randn({32, 100, 128})); });
}

void sequences() {
  title("Sequences [B, T, D]: the features to axis 1 and back");
  Tensor sequence = norma::randn({32, 100, 128});
  nn::BatchNorm1d bn(128);
  Tensor output = bn(sequence.transpose(1, 2)).transpose(1, 2);
  std::cout << sequence.sizes() << " -> " << sequence.transpose(1, 2).sizes() << " -> "
            << output.sizes() << "\n";
}

void next_to_dropout() {
  title("Next to Dropout");
  nn::Sequential head(nn::Linear(16, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Dropout(0.5),
                      nn::Linear(32, 4));
  Tensor x = norma::randn({64, 16});
  std::cout << "train(): two answers are equal: " << norma::equal(head(x), head(x)) << "\n";
  head.eval();
  std::cout << "eval():  two answers are equal: " << norma::equal(head(x), head(x)) << "\n";

  // Dropout keeps the mean and raises the variance, so a BatchNorm behind it would remember a
  // variance that evaluation never sees. Put Dropout after the last BatchNorm.
  Tensor values = norma::randn({100000}) + 1.0, dropped = nn::Dropout(0.5)(values);
  std::cout << "mean " << values.mean().item<float>() << " -> " << dropped.mean().item<float>()
            << ", variance " << values.var().item<float>() << " -> " << dropped.var().item<float>()
            << "\n";
}

// Trains on two interleaved half circles.
MLP train_on_moons(data::DataLoader& loader, norma::History& history) {
  MLP model(2, 32, 2);
  nn::CrossEntropyLoss criterion;
  optim::SGD optimizer(model.parameters(), {.lr = 0.05, .momentum = 0.9});
  int64_t step = 0;
  history.resume({.epoch = 1, .step = 0});  // what an earlier run left there goes
  for (int epoch = 1; epoch <= 10; ++epoch) {
    double loss_sum = 0;
    for (auto& [x, y] : loader) {
      optimizer.zero_grad();
      Tensor loss = criterion(model(x), y);
      loss.backward();
      optimizer.step();
      history.log({{"loss/train", loss}}, {.epoch = epoch, .step = step++});
      loss_sum += loss.item<double>();
    }
    if (epoch == 1 || epoch == 10) {
      std::printf("epoch %2d: loss %.4f\n", epoch, loss_sum / static_cast<double>(loader.size()));
    }
  }
  return model;
}

void saving_and_freezing(const example::Options& options, example::Plots& plots) {
  title("Saving: the running statistics belong to the model");
  data::DataLoader train_loader(
      data::moons(2000, 0.15, /*seed=*/1),
      {.batch_size = 50, .shuffle = true, .seed = static_cast<uint64_t>(options.seed)});
  data::DataLoader test_loader(data::moons(1000, 0.15, /*seed=*/2), {.batch_size = 250});
  MLP model = train_on_moons(train_loader, plots.history());
  for (const auto& [name, buffer] : model.named_buffers()) {
    std::cout << "buffer " << name << " " << buffer.sizes() << "\n";
  }

  const std::string path = (std::filesystem::temp_directory_path() /
                            ("batchnorm_tour." + std::to_string(getpid()) + ".safetensors"))
                               .string();
  norma::save(model, path);
  MLP restored(2, 32, 2);
  norma::load(restored, path);
  std::filesystem::remove(path);
  std::cout << "saved and loaded, the answers are equal: "
            << norma::equal(example::answers(model, test_loader),
                            example::answers(restored, test_loader))
            << "\n";

  plots.curves();
  plots.boundary("boundary.png", model, test_loader.dataset());

  title("freeze_stats: fine-tuning on few examples");
  // Small batches would spoil what the running statistics know. eval() would not last: the next
  // train() undoes it. freeze_stats() does.
  for (nn::Module* module : restored.modules()) {
    if (auto* bn = dynamic_cast<nn::BatchNorm*>(module)) bn->freeze_stats();
  }
  restored.train();
  const auto& bn = restored.net.at<nn::BatchNorm1d>(1);
  const Tensor mean_before = bn.running_mean.clone();
  restored(norma::randn({2, 2}) * 100.0);
  std::cout << bn << "\nafter a wild batch in train(), running_mean is as before: "
            << norma::equal(bn.running_mean, mean_before) << "\n";

  std::printf("\ntest accuracy %.4f\n", example::test(restored, test_loader).accuracy);
}

int main(int argc, char** argv) {
  example::Options options{
      .about = "Shows what batch normalisation does, step by step, from one layer to a model."};
  return example::run(argc, argv, options, [&] {
    example::Plots plots(options);
    std::cout << std::boolalpha;
    basic_usage();
    several_channels(plots);
    train_and_eval();
    shapes();
    momentum();
    models();
    two_variances();
    four_mistakes();
    sequences();
    next_to_dropout();
    saving_and_freezing(options, plots);
  });
}
