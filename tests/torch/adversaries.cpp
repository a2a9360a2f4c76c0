// A generator and a discriminator: rings that transposed convolutions learn to draw.
#include <torch/torch.h>

using namespace torch;

namespace {

const int64_t kNoiseSize = 8;

struct DrawerImpl : nn::Module {
  explicit DrawerImpl(int64_t noise)
      : conv1(nn::ConvTranspose2dOptions(noise, 16, 4).bias(false)),
        norm1(16),
        conv2(nn::ConvTranspose2dOptions(16, 1, 4).stride(2).padding(1).bias(false)) {
    register_module("conv1", conv1);
    register_module("norm1", norm1);
    register_module("conv2", conv2);
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(norm1(conv1(x)));
    return torch::tanh(conv2(x));
  }
  nn::ConvTranspose2d conv1;
  nn::BatchNorm2d norm1;
  nn::ConvTranspose2d conv2;
};
TORCH_MODULE(Drawer);

nn::Sequential make_discriminator() {
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 16, 4).stride(2).padding(1).bias(false)),
                        nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)),
                        nn::Conv2d(nn::Conv2dOptions(16, 1, 4).bias(false)), nn::Sigmoid());
}

torch::Tensor rings(int64_t count) {
  auto x = torch::full({count, 1, 8, 8}, -1.0);
  x.index_put_({indexing::Slice(), 0, indexing::Slice(2, 6), indexing::Slice(2, 6)}, 1);
  x.index_put_({indexing::Slice(), 0, indexing::Slice(3, 5), indexing::Slice(3, 5)}, -1);
  return x + 0.1 * torch::randn_like(x);
}

}  // namespace

int main() {
  torch::manual_seed(1);
  torch::Device device(torch::kCPU);
  Drawer generator(kNoiseSize);
  nn::Sequential discriminator = make_discriminator();
  generator->to(device);
  discriminator->to(device);
  torch::optim::Adam generator_optimizer(
      generator->parameters(), torch::optim::AdamOptions(5e-3).betas(std::make_tuple(0.5, 0.9)));
  torch::optim::Adam discriminator_optimizer(
      discriminator->parameters(),
      torch::optim::AdamOptions(2e-3).betas(std::make_tuple(0.5, 0.9)));

  const int64_t batch = 32;
  for (int step = 0; step < 150; ++step) {
    discriminator->zero_grad();
    torch::Tensor real_labels = torch::empty(batch, device).uniform_(0.8, 1.0);
    torch::Tensor real = discriminator->forward(rings(batch)).reshape(real_labels.sizes());
    torch::Tensor real_loss = torch::binary_cross_entropy(real, real_labels);
    real_loss.backward();
    torch::Tensor images = generator->forward(torch::randn({batch, kNoiseSize, 1, 1}, device));
    torch::Tensor labels = torch::zeros(batch, device);
    torch::Tensor fake = discriminator->forward(images.detach()).reshape(labels.sizes());
    torch::Tensor fake_loss = torch::binary_cross_entropy(fake, labels);
    fake_loss.backward();
    discriminator_optimizer.step();

    generator->zero_grad();
    labels.fill_(1);
    fake = discriminator->forward(images).reshape(labels.sizes());
    nn::functional::binary_cross_entropy(fake, labels).backward();
    generator_optimizer.step();
  }
  torch::NoGradGuard no_grad;
  generator->eval();
  auto drawn = generator->forward(torch::randn({64, kNoiseSize, 1, 1})).mean(0);
  const double far = torch::mse_loss(drawn, rings(64).mean(0)).item<double>();
  TORCH_CHECK(far < 0.5, "the mean picture is ", far, " from that of rings");
}
