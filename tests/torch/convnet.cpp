// A small network of convolutions on pictures of a data set of its own.
#include <torch/torch.h>

namespace {

/// Bars, upright (class 0) or level (class 1), with noise.
class Bars : public torch::data::datasets::Dataset<Bars> {
 public:
  explicit Bars(size_t count) : count_(count) {}
  torch::data::Example<> get(size_t index) override {
    auto image = torch::rand({1, 12, 12}) * 0.3;
    const auto place = static_cast<int64_t>(index % 10) + 1;
    const auto label = static_cast<int64_t>(index % 2);
    image.select(label == 0 ? 2 : 1, place).fill_(1);
    return {image, torch::tensor(label, torch::kLong)};
  }
  torch::optional<size_t> size() const override { return count_; }

 private:
  size_t count_;
};

struct Net : torch::nn::Module {
  Net()
      : conv1(torch::nn::Conv2dOptions(1, 8, /*kernel_size=*/3).padding(1)),
        conv2(torch::nn::Conv2dOptions(8, 8, 3).stride(2).bias(false)),
        norm(8),
        fc1(32, 2) {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("norm", norm);
    register_module("drop", drop);
    register_module("fc1", fc1);
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(torch::max_pool2d(conv1->forward(x), 2));
    x = torch::relu(norm(conv2(x)));
    x = drop(x).view({-1, 32});
    return torch::log_softmax(fc1->forward(x), /*dim=*/1);
  }
  torch::nn::Conv2d conv1, conv2;
  torch::nn::BatchNorm2d norm;
  torch::nn::Dropout2d drop{0.1};
  torch::nn::Linear fc1;
};

template <typename DataLoader>
void train(Net& model, torch::Device device, DataLoader& loader,
           torch::optim::Optimizer& optimizer) {
  model.train();
  for (auto& batch : loader) {
    auto data = batch.data.to(device), targets = batch.target.to(device);
    optimizer.zero_grad();
    auto loss = torch::nll_loss(model.forward(data), targets);
    AT_ASSERT(!std::isnan(loss.template item<float>()));
    loss.backward();
    optimizer.step();
  }
}

template <typename DataLoader>
double test(Net& model, DataLoader& loader, size_t count) {
  torch::NoGradGuard no_grad;
  model.eval();
  double loss = 0;
  int64_t correct = 0;
  for (const auto& batch : loader) {
    auto output = model.forward(batch.data);
    loss += torch::nll_loss(output, batch.target, /*weight=*/{}, torch::Reduction::Sum)
                .template item<double>();
    correct += output.argmax(1).eq(batch.target).sum().template item<int64_t>();
  }
  TORCH_CHECK(loss / static_cast<double>(count) < 1, "loss ", loss);
  return static_cast<double>(correct) / static_cast<double>(count);
}

}  // namespace

int main() {
  torch::manual_seed(1);
  torch::Device device(torch::cuda::is_available() ? torch::kCUDA : torch::kCPU);
  Net model;
  model.to(device);

  auto dataset = Bars(256)
                     .map(torch::data::transforms::Normalize<>(0.25, 0.3))
                     .map(torch::data::transforms::Stack<>());
  const size_t count = dataset.size().value();
  auto loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
      std::move(dataset), torch::data::DataLoaderOptions().batch_size(32).workers(2));
  auto test_loader = torch::data::make_data_loader<torch::data::samplers::SequentialSampler>(
      Bars(100)
          .map(torch::data::transforms::Normalize<>({0.25}, {0.3}))
          .map(torch::data::transforms::Stack<>()),
      /*batch_size=*/64);

  torch::optim::SGD optimizer(model.parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  for (size_t epoch = 1; epoch <= 4; ++epoch) train(model, device, *loader, optimizer);
  TORCH_CHECK(count == 256 && test(model, *test_loader, 100) > 0.95);
}
