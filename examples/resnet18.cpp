// ResNet-18 under torchvision's names: takes weights that PyTorch saved and says what it sees.
// He et al., "Deep residual learning for image recognition", arXiv:1512.03385, table 1.
//
//   resnet18 --weights resnet18.safetensors --data pictures.safetensors --labels imagenet.txt
//
// where these come from, in Python:
//
//   import torch, torchvision as tv, safetensors.torch as st
//   weights = tv.models.ResNet18_Weights.DEFAULT
//   st.save_file(tv.models.resnet18(weights=weights).state_dict(), "resnet18.safetensors")
//   pictures = [weights.transforms()(tv.io.read_image(path)) for path in ["cat.jpg", "dog.jpg"]]
//   st.save_file({"images": torch.stack(pictures)}, "pictures.safetensors")
//   open("imagenet.txt", "w").write("\n".join(weights.meta["categories"]))
//
// Files of torch.save do as well.
// Without --data it looks at drawn digits, without --weights it guesses.
#include <norma/norma.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "common/datasets.h"
#include "common/options.h"
#include "common/plots.h"

namespace nn = norma::nn;
namespace data = norma::data;
using norma::Tensor;

// Two convolutions learn what to add to their input, which takes a shortcut past them.
struct BasicBlock : nn::Cloneable<BasicBlock> {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::ReLU relu;
  nn::Sequential downsample;  // an empty one returns its input

  BasicBlock(int64_t in_channels, int64_t channels, int64_t stride)
      : conv1(in_channels, channels, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(channels, channels, 3, {.padding = 1, .bias = false}),
        bn1(channels),
        bn2(channels) {
    if (stride != 1 || in_channels != channels) {
      downsample.push_back(nn::Conv2d(in_channels, channels, 1, {.stride = stride, .bias = false}));
      downsample.push_back(nn::BatchNorm2d(channels));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("relu", relu);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("downsample", downsample);
  }

  // What clone() and fuse_conv_bn start from.
  BasicBlock fresh() const {
    return BasicBlock(conv1.in_channels(), conv1.out_channels(), conv1.options().stride.h);
  }

  Tensor forward(const Tensor& x) override {
    Tensor y = relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    return relu(y + downsample(x));
  }
};

struct ResNet18 : nn::Cloneable<ResNet18> {
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::ReLU relu;
  nn::MaxPool2d maxpool;
  nn::Sequential layer1, layer2, layer3, layer4;
  nn::AdaptiveAvgPool2d avgpool;
  nn::Linear fc;

  explicit ResNet18(int64_t classes)
      : conv1(3, 64, 7, {.stride = 2, .padding = 3, .bias = false}),
        bn1(64),
        maxpool(3, {.stride = 2, .padding = 1}),
        layer1(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1)),
        layer2(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1)),
        layer3(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1)),
        layer4(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1)),
        avgpool(1),
        fc(512, classes) {
    // The names in the file, in torchvision's order.
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("relu", relu);
    register_module("maxpool", maxpool);
    register_module("layer1", layer1);
    register_module("layer2", layer2);
    register_module("layer3", layer3);
    register_module("layer4", layer4);
    register_module("avgpool", avgpool);
    register_module("fc", fc);
    // torchvision's initial values; those of BatchNorm and Linear are the usual ones.
    for (nn::Module* module : modules()) {
      if (auto* conv = dynamic_cast<nn::Conv2d*>(module))
        nn::init::kaiming_normal_(conv->weight, {.mode = "fan_out", .nonlinearity = "relu"});
    }
  }

  ResNet18 fresh() const { return ResNet18(fc.out_features()); }

  Tensor forward(const Tensor& x) override {
    Tensor y = maxpool(relu(bn1(conv1(x))));
    y = layer4(layer3(layer2(layer1(y))));
    return fc(avgpool(y).flatten(1));
  }
};

// The pictures [N, 3, H, W] and where they come from.
struct Pictures {
  Tensor images;
  std::string source;
};

// As torchvision's weights expect them: numbers in 0..1, then the mean and deviation of ImageNet.
Tensor normalized(const Tensor& images) {
  const data::Normalize normalize({0.485, 0.456, 0.406}, {0.229, 0.224, 0.225});
  return normalize(data::convert_image_dtype(images));
}

// The tensor "images" of a file: bytes 0..255, or numbers that are normalised already.
Pictures read_pictures(const example::Options& options) {
  const std::string& path = options.data;
  for (const auto& [name, tensor] : norma::load_tensors(path).tensors) {
    if (name != "images") continue;
    if (tensor.dim() != 4 || tensor.numel() == 0 || tensor.size(1) != 3)
      norma::fail("--data", path + ": expected \"images\" of shape [N, 3, H, W], got " +
                                tensor.sizes().str());
    const Tensor images = options.test_size > 0 ? tensor.slice(0, 0, options.test_size) : tensor;
    return {
        images.dtype() == norma::kUInt8 ? normalized(images) : data::convert_image_dtype(images),
        path};
  }
  norma::fail("--data", path + ": expected a tensor \"images\"");
}

// Small pictures, each pixel a square of 7 by 7, because the network is used to 224 by 224.
Pictures small_pictures(const example::Options& options) {
  const Tensor small = example::first_colour_pictures(options);
  const int64_t n = small.size(0), side = small.size(2), times = 7;
  const Tensor large = small.reshape({n, 3, side, 1, side, 1})
                           .expand({n, 3, side, times, side, times})
                           .reshape({n, 3, side * times, side * times});
  return {normalized(large), options.data.empty() ? "drawn digits" : "CIFAR-10"};
}

std::vector<std::string> read_labels(const example::Options& options) {
  std::vector<std::string> labels;
  if (options.labels.empty()) {
    for (int64_t i = 0; i < options.classes; ++i) labels.push_back("class " + std::to_string(i));
    return labels;
  }
  std::ifstream file(options.labels);
  for (std::string line; std::getline(file, line);) labels.push_back(line);
  if (static_cast<int64_t>(labels.size()) != options.classes)
    norma::fail("--labels", options.labels + ": expected a line for each of the " +
                                std::to_string(options.classes) + " classes, got " +
                                std::to_string(labels.size()));
  return labels;
}

// The five largest of the probabilities [classes].
std::string best(const Tensor& probabilities, const std::vector<std::string>& labels) {
  const float* p = probabilities.data_ptr<float>();
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t count = std::min<std::size_t>(5, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    char share[16];
    std::snprintf(share, sizeof share, "%.4f", static_cast<double>(p[order[i]]));
    text += (i == 0 ? "" : ", ") + labels[order[i]] + " " + share;
  }
  return text;
}

void classify(const example::Options& options) {
  const example::Plots plots(options);
  const std::vector<std::string> labels = read_labels(options);
  const bool is_file = std::filesystem::is_regular_file(options.data);
  const Pictures pictures = is_file ? read_pictures(options) : small_pictures(options);

  ResNet18 model(options.classes);
  if (!options.weights.empty()) norma::load(model, options.weights);
  if (!options.save.empty()) norma::save(model, options.save);

  const int64_t n = pictures.images.size(0);
  std::printf("%s: %d pictures of %d x %d, %d classes\n", pictures.source.c_str(),
              static_cast<int>(n), static_cast<int>(pictures.images.size(2)),
              static_cast<int>(pictures.images.size(3)), static_cast<int>(options.classes));
  if (options.weights.empty())
    std::printf("no --weights: the network knows nothing, and what follows are guesses\n");

  model.eval();  // BatchNorm uses the statistics from the file
  const norma::NoGradGuard no_grad;
  std::vector<Tensor> scores;
  std::vector<std::string> titles;  // of the pictures of --plot
  for (int64_t start = 0; start < n; start += options.batch_size) {
    const int64_t end = std::min(n, start + options.batch_size);
    scores.push_back(model(pictures.images.slice(0, start, end)));
    const Tensor probabilities = scores.back().softmax(1);
    for (int64_t i = start; i < end; ++i) {
      std::printf("picture %d: %s\n", static_cast<int>(i),
                  best(probabilities[i - start], labels).c_str());
      titles.push_back(
          labels[static_cast<std::size_t>(probabilities[i - start].argmax().item<int64_t>())]);
    }
  }
  if (!options.scores.empty())
    norma::save_safetensors({{"scores", norma::cat(scores)}}, options.scores);
  plots.images("images.png", pictures.images, titles);
  plots.filters("filters.png", model.conv1.weight);
}

int main(int argc, char** argv) {
  example::Options options{
      .batch_size = 16,
      .classes = 1000,
      .about = "Says what a ResNet-18 with torchvision's weights sees in pictures.",
      .about_data =
          "A file (safetensors, or of torch.save) with a tensor \"images\" [N, 3, H, W], "
          "normalised or uint8; or a folder with CIFAR-10's binary files; without it, "
          "drawn digits in colour"};
  return example::run(argc, argv, options, [&] { classify(options); });
}
