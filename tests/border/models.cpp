#include "norma/tests/border/models.h"

namespace border {

namespace nn = norma::nn;
namespace optim = norma::optim;
using norma::NamedTensors;
using norma::Shape;
using norma::Tensor;

namespace {

nn::Sequential mlp(int64_t in, int64_t hidden, int64_t classes) {
  return nn::Sequential(nn::Linear(in, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                        nn::Linear(hidden, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                        nn::Linear(hidden, classes));
}

struct ConvBlock : nn::Module {
  nn::Sequential block;

  ConvBlock(int64_t in, int64_t out)
      : block(nn::Conv2d(in, out, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(out),
              nn::ReLU()) {
    register_module("block", block);
  }
  Tensor forward(const Tensor& x) override { return block(x); }
};

nn::Sequential cnn(int64_t channels, int64_t features, int64_t classes) {
  return nn::Sequential(ConvBlock(1, channels), nn::MaxPool2d(2), ConvBlock(channels, 2 * channels),
                        nn::MaxPool2d(2), nn::Flatten(), nn::Dropout(0.25),
                        nn::Linear(features, classes));
}

/// `projection` is the name of what stands in the shortcut where the shape changes.
struct BasicBlock : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential shortcut;

  BasicBlock(int64_t in, int64_t out, int64_t stride, const std::string& projection)
      : conv1(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out, out, 3, {.padding = 1, .bias = false}),
        bn1(out),
        bn2(out) {
    if (stride != 1 || in != out) {
      shortcut.push_back(nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}));
      shortcut.push_back(nn::BatchNorm2d(out));
    }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module(projection, shortcut);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = bn2(conv2(norma::relu(bn1(conv1(x)))));
    return norma::relu(y + shortcut(x));
  }
};

/// Appends `count` blocks, of which the first brings the new number of channels and the stride.
void add_stage(nn::Sequential& blocks, int64_t count, int64_t in, int64_t out, int64_t stride,
               const std::string& projection) {
  blocks.push_back(BasicBlock(in, out, stride, projection));
  for (int64_t i = 1; i < count; ++i) blocks.push_back(BasicBlock(out, out, 1, projection));
}

/// The names of examples/cifar_resnet.cpp.
struct ResNet20 : nn::Module {
  nn::Sequential stem, blocks, head;

  ResNet20(int64_t width, int64_t classes)
      : stem(nn::Conv2d(3, width, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(width),
             nn::ReLU()),
        head(nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(4 * width, classes)) {
    add_stage(blocks, 3, width, width, 1, "shortcut");
    add_stage(blocks, 3, width, 2 * width, 2, "shortcut");
    add_stage(blocks, 3, 2 * width, 4 * width, 2, "shortcut");
    register_module("stem", stem);
    register_module("blocks", blocks);
    register_module("head", head);
  }
  Tensor forward(const Tensor& x) override { return head(blocks(stem(x))); }
};

/// The names of torchvision.
struct ResNet18 : nn::Module {
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::MaxPool2d maxpool;
  nn::Sequential layer1, layer2, layer3, layer4;
  nn::AdaptiveAvgPool2d avgpool;
  nn::Linear fc;

  ResNet18(int64_t width, int64_t classes)
      : conv1(3, width, 7, {.stride = 2, .padding = 3, .bias = false}),
        bn1(width),
        maxpool(3, {.stride = 2, .padding = 1}),
        avgpool(1),
        fc(8 * width, classes) {
    add_stage(layer1, 2, width, width, 1, "downsample");
    add_stage(layer2, 2, width, 2 * width, 2, "downsample");
    add_stage(layer3, 2, 2 * width, 4 * width, 2, "downsample");
    add_stage(layer4, 2, 4 * width, 8 * width, 2, "downsample");
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("layer1", layer1);
    register_module("layer2", layer2);
    register_module("layer3", layer3);
    register_module("layer4", layer4);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = maxpool(norma::relu(bn1(conv1(x))));
    return fc(avgpool(layer4(layer3(layer2(layer1(y))))).flatten(1));
  }
};

/// Of everything that reads sequences one.
struct Sequences : nn::Module {
  nn::LSTM lstm;
  nn::GRU gru;
  nn::TransformerEncoderLayer encoder;
  nn::RNNCell cell;
  nn::Linear fc;

  Sequences(int64_t width, int64_t classes)
      : lstm(3, width, {.num_layers = 2, .batch_first = true, .bidirectional = true}),
        gru(2 * width, 2 * width, {.batch_first = true}),
        encoder(2 * width, 2,
                {.dim_feedforward = 3 * width,
                 .dropout = 0.0,
                 .activation = "gelu",
                 .batch_first = true}),
        cell(2 * width, width),
        fc(width, classes) {
    register_module("lstm", lstm);
    register_module("gru", gru);
    register_module("encoder", encoder);
    register_module("cell", cell);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    const auto [read, state] = lstm(x);
    const auto [again, last] = gru(read);
    return fc(cell(encoder(again).mean(1)));
  }
};

[[noreturn]] void unknown(const std::string& name) {
  norma::fail("make_model",
              "expected mlp, cnn, resnet20, resnet18, sequences or narrow_…, got " + name);
}

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = {"mlp", "cnn", "resnet20", "resnet18", "sequences"};
  return names;
}

std::shared_ptr<nn::Module> make_model(const std::string& name) {
  if (name == "mlp") return std::make_shared<nn::Sequential>(mlp(784, 128, 10));
  if (name == "cnn") return std::make_shared<nn::Sequential>(cnn(32, 3136, 10));
  if (name == "resnet20") return std::make_shared<ResNet20>(16, 10);
  if (name == "resnet18") return std::make_shared<ResNet18>(64, 1000);
  if (name == "sequences") return std::make_shared<Sequences>(16, 10);
  if (name == "narrow_sequences") return std::make_shared<Sequences>(2, 4);
  if (name == "narrow_mlp") return std::make_shared<nn::Sequential>(mlp(6, 16, 4));
  if (name == "narrow_cnn") return std::make_shared<nn::Sequential>(cnn(4, 32, 4));
  if (name == "narrow_resnet20") return std::make_shared<ResNet20>(2, 4);
  if (name == "narrow_resnet18") return std::make_shared<ResNet18>(2, 4);
  unknown(name);
}

Shape input_shape(const std::string& name) {
  if (name == "mlp") return {784};
  if (name == "cnn") return {1, 28, 28};
  if (name == "resnet20") return {3, 16, 16};
  if (name == "resnet18") return {3, 48, 48};
  if (name == "sequences") return {7, 3};
  if (name == "narrow_sequences") return {5, 3};
  if (name == "narrow_mlp") return {6};
  if (name == "narrow_cnn") return {1, 8, 8};
  if (name == "narrow_resnet20") return {3, 8, 8};
  if (name == "narrow_resnet18") return {3, 36, 36};
  unknown(name);
}

int64_t class_count(const std::string& name) {
  return name.rfind("narrow_", 0) == 0 ? 4 : name == "resnet18" ? 1000 : 10;
}

NamedTensors follow(nn::Module& model, const Tensor& input, const Tensor& labels) {
  NamedTensors answers;
  const auto evaluate = [&] {
    model.eval();
    const norma::NoGradGuard no_grad;
    return model(input[0]);
  };
  const auto keep_state = [&](const std::string& prefix) {
    for (const auto& [key, tensor] : model.state_dict())
      answers.emplace_back(prefix + key, tensor.detach().clone());
  };

  answers.emplace_back("eval", evaluate());
  model.train();
  for (nn::Module* part : model.modules())
    if (dynamic_cast<nn::Dropout*>(part) != nullptr) part->eval();
  optim::SGD optimizer(model.parameters(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4});
  nn::CrossEntropyLoss criterion;
  std::vector<Tensor> losses;
  for (int64_t step = 0; step < input.size(0); ++step) {
    optimizer.zero_grad();
    const Tensor output = model(input[step]);
    const Tensor loss = criterion(output, labels[step]);
    loss.backward();
    optimizer.step();
    losses.push_back(loss.detach());
    if (step == 0) {
      answers.emplace_back("train", output.detach());
      keep_state("state1.");
    }
  }
  answers.emplace_back("losses", norma::stack(losses));
  keep_state("state.");
  answers.emplace_back("eval_after", evaluate());
  return answers;
}

}  // namespace border
