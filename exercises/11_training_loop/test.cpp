#include <training_loop.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace nn = norma::nn;
using norma::Tensor, norma::tensor;
using norma::testing::difference;

// What is called with a batch, and how.
struct Watcher : nn::Module {
  std::vector<int64_t>& sizes;
  bool &trained, &recorded;

  Watcher(std::vector<int64_t>& batch_sizes, bool& in_training, bool& with_graph)
      : sizes(batch_sizes), trained(in_training), recorded(with_graph) {}
  Tensor forward(const Tensor& x) override {
    sizes.push_back(x.size(0));
    trained = is_training();
    recorded = norma::grad_enabled();
    return x;
  }
};

// Five samples in batches of two: the last batch has one.
const norma::data::Dataset kSamples = {
    tensor({{1.0, 0.0}, {0.0, 1.0}, {2.0, 1.0}, {1.0, 3.0}, {-1.0, 1.0}}), tensor({0, 1, 0, 1, 0})};
norma::data::DataLoader loader() { return norma::data::DataLoader(kSamples, {.batch_size = 2}); }

const Tensor kLeft = tensor({{1.0, 2.0}, {-1.0, 0.0}});

nn::Linear linear() {
  nn::Linear layer(2, 2);
  const norma::NoGradGuard no_grad;
  layer.weight.copy_(tensor({{1.0, 0.5}, {0.0, 1.0}}));
  layer.bias.zero_();
  return layer;
}

// Where zero_grad() is called, and the parameters after an epoch with a gradient left from before;
// the mean of the batches' losses and of the samples'.
enum class Zero { each_first, each_last, once, never };
struct Trained {
  Tensor weight;
  double of_batches, of_samples;
};
Trained by_norma(Zero zero, bool one_step) {
  nn::Linear net = linear();
  net.weight.set_grad(kLeft.clone());
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.5});
  double of_batches = 0, of_samples = 0;
  for (int64_t start : {0, 2, 4}) {
    const auto [x, labels] = kSamples.narrow(start, start == 4 ? 1 : 2);
    if (zero == Zero::each_first || (zero == Zero::once && start == 0)) optimizer.zero_grad();
    const Tensor loss = norma::functional::cross_entropy(net(x), labels);
    loss.backward();
    if (!one_step || start == 4) optimizer.step();
    if (zero == Zero::each_last) optimizer.zero_grad();
    of_batches += loss.item<double>() / 3;
    of_samples += loss.item<double>() * static_cast<double>(x.size(0)) / 5;
  }
  return {net.weight.detach().clone(), of_batches, of_samples};
}

void training() {
  std::vector<int64_t> sizes;
  bool trained = false, recorded = false;
  nn::Linear layer = linear();
  layer.weight.set_grad(kLeft.clone());
  nn::Sequential net(Watcher(sizes, trained, recorded), layer);
  norma::data::DataLoader batches = loader();
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.5});
  net.eval();  // as accuracy() leaves it
  const double loss = mine::train_epoch(net, batches, optimizer);

  if (sizes != std::vector<int64_t>{2, 2, 1}) {
    norma::fail("train_epoch", "expected the network to be called with 2, 2 and 1 samples, got ",
                sizes.size(), " calls: once for each batch of the loader");
  }
  if (!trained) {
    norma::fail("train_epoch",
                "expected the network in training, got it in evaluation: call "
                "net.train() first, since a test before may have left it so");
  }
  const Tensor weight = layer.weight.detach();
  if (difference(weight, linear().weight.detach()).empty()) {
    norma::fail("train_epoch",
                "expected other weights than before, got the same: backward() makes "
                "the gradients, optimizer.step() uses them, and zero_grad() must "
                "not stand between the two");
  }
  const Trained right = by_norma(Zero::each_first, false);
  const char* idea = "for each batch: zero_grad(), the loss, backward(), step()";
  const auto is = [&](Zero zero, bool one_step) {
    return difference(weight, by_norma(zero, one_step).weight).empty();
  };
  if (is(Zero::never, false)) {
    idea = "zero_grad() is missing: backward() adds to the gradients of the batches before";
  } else if (is(Zero::once, false)) {
    idea =
        "zero_grad() is called once per epoch; it belongs into the loop, since backward() adds to "
        "the gradients of the batches before";
  } else if (is(Zero::each_last, false)) {
    idea =
        "zero_grad() is called last. Gradients that were there before the epoch are in its first "
        "step, then: call it first";
  } else if (is(Zero::each_first, true) || is(Zero::each_last, true) || is(Zero::once, true) ||
             is(Zero::never, true)) {
    idea = "step() is called once per epoch; it belongs into the loop, once per batch";
  }
  if (!difference(weight, right.weight).empty()) {
    norma::fail("train_epoch", "expected the weights\n", right.weight, "\ngot\n", weight, "\n",
                idea);
  }
  if (std::abs(loss - right.of_samples) > 1e-5) {
    norma::fail("train_epoch", "expected the mean loss ", right.of_samples, ", got ", loss,
                std::abs(loss - right.of_batches) < 1e-5
                    ? ": the last batch is smaller than the others, but its mean counts as much. "
                      "Weigh each batch's loss by its number of samples"
                : std::abs(5 * loss - std::round(5 * loss)) < 1e-9
                    ? ": an int64_t rounds down what is added to it, and 5 / 2 of whole numbers is "
                      "2. Add up losses in a double, and divide as doubles"
                    : ": add up each batch's loss times its samples, and divide by all samples");
  }
}

void testing() {
  std::vector<int64_t> sizes;
  bool trained = true, recorded = true;
  nn::Sequential net(Watcher(sizes, trained, recorded), linear());
  norma::data::DataLoader batches = loader();
  const double share = mine::accuracy(net, batches);
  if (trained) {
    norma::fail("accuracy",
                "expected the network in evaluation, got it in training: its answers "
                "would depend on the other samples of the batch. Call net.eval()");
  }
  if (recorded) {
    norma::fail("accuracy",
                "expected nothing to be recorded, got a graph: nobody calls backward() "
                "here, and it costs memory and time. Open a NoGradGuard");
  }
  if (std::abs(share - 0.8) > 1e-6) {
    norma::fail("accuracy", "expected 0.8, for 4 of 5 samples, got ", share,
                std::abs(share - 4) < 1e-6    ? ": divide by the number of samples"
                : share == 0                  ? ": 4 / 5 of whole numbers is 0, rounded down: make "
                                                "a double of one of them, by static_cast<double>. "
                                                "Or no answer is counted"
                : std::abs(share - 80) < 1e-4 ? ": a share is between 0 and 1"
                : std::abs(share - 2.0 / 3) < 1e-6
                    ? ": the last batch has one sample, but counts as much as the others. Add up "
                      "how many are right, and divide once, in the end"
                    : ": net(x).argmax(1) is the answer to each row; compare it with the labels");
  }
}

int main() try {
  training();
  testing();
  std::puts("Passed: the order of the calls, the modes, and the means.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
