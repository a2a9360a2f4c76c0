// Norma's side of the border, for the tests in Python:
//
//     border names MODEL                     key, dtype and shape of all that the model would save
//     border make MODEL SEED DTYPE FILE      a model with values that training leaves
//     border follow MODEL FILE BATCHES ANSWERS STATE    what models.h describes
//     border halfway MODEL OPTIMISER FILE BATCHES CHECKPOINT STATE
//                                            a checkpoint before the last batch, the model after it
//     border resume MODEL OPTIMISER FILE MEMORY BATCHES STATE
//                                            a step per batch with the optimiser's tensors in
//                                            MEMORY
//     border check FILE...                   "ok", or why not, a line each
//     border copy FROM TO                    reads a file of either kind, writes safetensors
#include <iostream>

#include "norma/tests/border/models.h"

using namespace norma;

namespace {

Tensor find(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, tensor] : tensors)
    if (key == name) return tensor;
  fail("border", "expected a tensor \"" + name + "\"");
}

void names(const std::string& name) {
  for (const auto& [key, tensor] : border::make_model(name)->state_dict())
    std::cout << key << " " << dtype_name(tensor.dtype()) << " " << tensor.sizes() << "\n";
}

void make(const std::string& name, uint64_t seed, const std::string& dtype,
          const std::string& path) {
  manual_seed(seed);
  const auto model = border::make_model(name);
  if (dtype == "float64") model->to(kFloat64);
  Shape sizes = border::input_shape(name);
  sizes.insert(0, 8);
  sizes.insert(0, 2);
  border::follow(*model, randn(sizes).to(model->parameters()[0].dtype()),
                 randint(0, border::class_count(name), {2, 8}));
  for (auto& [key, parameter] : model->named_parameters()) {
    if (parameter.dim() != 1) continue;
    const bool bias = key.find("bias") != std::string::npos;
    nn::init::uniform_(parameter, bias ? -0.2 : 0.5, bias ? 0.2 : 1.5);
  }
  save(*model, path);
}

void follow(const std::string& name, const std::string& weights, const std::string& batches,
            const std::string& answers, const std::string& state) {
  const TensorFile file = load_safetensors(batches);
  const Tensor input = find(file.tensors, "input");
  const auto model = border::make_model(name);
  model->to(input.dtype());
  load(*model, weights);
  save_safetensors(border::follow(*model, input, find(file.tensors, "labels")), answers);
  save(*model, state);
}

/// By PyTorch's name of its class.
std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& type,
                                                 const std::vector<Tensor>& parameters) {
  if (type == "SGD")
    return std::make_unique<optim::SGD>(parameters, optim::SGDOptions{.lr = 0.05, .momentum = 0.9});
  if (type == "Adam")
    return std::make_unique<optim::Adam>(parameters, optim::AdamOptions{.amsgrad = true});
  if (type == "AdamW") return std::make_unique<optim::AdamW>(parameters);
  if (type == "RMSprop")
    return std::make_unique<optim::RMSprop>(
        parameters, optim::RMSpropOptions{.eps = 1e-3, .momentum = 0.9, .centered = true});
  if (type == "Adagrad")
    return std::make_unique<optim::Adagrad>(parameters, optim::AdagradOptions{.eps = 1e-3});
  if (type == "Adadelta") return std::make_unique<optim::Adadelta>(parameters);
  if (type == "Adamax")
    return std::make_unique<optim::Adamax>(parameters, optim::AdamaxOptions{.eps = 1e-3});
  if (type == "NAdam") return std::make_unique<optim::NAdam>(parameters);
  if (type == "RAdam") return std::make_unique<optim::RAdam>(parameters);
  fail("border", "expected an optimiser, got " + type);
}

/// A model, its optimiser, and batches for it.
struct Training {
  Tensor input, labels;
  std::shared_ptr<nn::Module> model;
  std::unique_ptr<optim::Optimizer> optimizer;

  Training(const std::string& name, const std::string& type, const std::string& weights,
           const std::string& batches) {
    const TensorFile file = load_safetensors(batches);
    input = find(file.tensors, "input");
    labels = find(file.tensors, "labels");
    model = border::make_model(name);
    model->to(input.dtype());
    load(*model, weights);
    optimizer = make_optimizer(type, model->parameters());
  }
  void step(int64_t batch) {
    optimizer->zero_grad();
    nn::CrossEntropyLoss()((*model)(input[batch]), labels[batch]).backward();
    optimizer->step();
  }
};

void halfway(const std::vector<std::string>& a) {
  Training training(a[1], a[2], a[3], a[4]);
  const int64_t last = training.input.size(0) - 1;
  for (int64_t i = 0; i < last; ++i) training.step(i);
  save_checkpoint(a[5], {.module = training.model.get(), .optimizer = training.optimizer.get()});
  training.step(last);
  save(*training.model, a[6]);
}

void resume(const std::vector<std::string>& a) {
  Training training(a[1], a[2], a[3], a[5]);
  optim::OptimizerState state = training.optimizer->state_dict();
  state.tensors = load_tensors(a[4]).tensors;
  training.optimizer->load_state_dict(state);
  for (int64_t i = 0; i < training.input.size(0); ++i) training.step(i);
  save(*training.model, a[6]);
}

int run(const std::vector<std::string>& a) {
  if (a.size() == 2 && a[0] == "names") {
    names(a[1]);
  } else if (a.size() == 5 && a[0] == "make") {
    make(a[1], std::stoull(a[2]), a[3], a[4]);
  } else if (a.size() == 6 && a[0] == "follow") {
    follow(a[1], a[2], a[3], a[4], a[5]);
  } else if (a.size() == 7 && a[0] == "halfway") {
    halfway(a);
  } else if (a.size() == 7 && a[0] == "resume") {
    resume(a);
  } else if (a.size() == 3 && a[0] == "copy") {
    const TensorFile file = load_tensors(a[1]);
    save_safetensors(file.tensors, a[2], file.metadata);
  } else if (!a.empty() && a[0] == "check") {
    for (std::size_t i = 1; i < a.size(); ++i) {
      try {
        load_safetensors(a[i]);
        std::cout << "ok\n";
      } catch (const Error& error) {
        std::cout << error.what() << "\n";
      }
    }
  } else {
    std::cerr << "usage: see the head of border.cpp\n";
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
