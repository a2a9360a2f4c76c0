// Norma's side of the border, for the tests in Python:
//
//     border names MODEL                     key, dtype and shape of all that the model would save
//     border make MODEL SEED DTYPE FILE      a model with values that training leaves
//     border follow MODEL FILE BATCHES ANSWERS STATE    what models.h describes
//     border check FILE...                   "ok", or why not, a line each
//     border copy FROM TO                    reads a file, writes another
#include <iostream>

#include "tests/border/models.h"

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

int run(const std::vector<std::string>& a) {
  if (a.size() == 2 && a[0] == "names") {
    names(a[1]);
  } else if (a.size() == 5 && a[0] == "make") {
    make(a[1], std::stoull(a[2]), a[3], a[4]);
  } else if (a.size() == 6 && a[0] == "follow") {
    follow(a[1], a[2], a[3], a[4], a[5]);
  } else if (a.size() == 3 && a[0] == "copy") {
    const TensorFile file = load_safetensors(a[1]);
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
