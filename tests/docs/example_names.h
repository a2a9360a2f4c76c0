// What the examples in the headers speak of without saying what it is.
#pragma once
#include <norma/norma.h>
#include <norma/testing.h>

#include <iostream>
#include <string>
#include <vector>

namespace norma::example_names {

struct ResNet : nn::Cloneable<ResNet> {
  ResNet fresh() const { return {}; }
};
struct Attention : nn::Callable<Attention> {
  using Module::forward;
  std::pair<Tensor, Tensor> forward(const Tensor& q, const Tensor& k, double scale = 1.0);
};
struct Swish : nn::Cloneable<Swish> {
  explicit Swish(int64_t width);
  Swish fresh() const;
};

extern Tensor x, y, expected, weights, features, labels, images, h_0, c_0, memory, src, tgt;
extern Tensor input, query, key, value, loss;
extern NamedTensors best;
extern ResNet resnet;
extern nn::Sequential net, model, other;
extern std::vector<nn::Sequential> parts;
extern nn::CrossEntropyLoss criterion;
extern nn::MultiheadAttention attention;
extern nn::GRU gru;
extern nn::LSTM lstm;
extern nn::MaxUnpool2d unpool;
extern optim::SGD optimizer, sgd;
extern optim::AveragedModel averaged;
extern std::vector<Tensor> head, body;
extern data::Dataset set;
extern data::DataLoader loader;
extern History history;
extern CheckpointInfo info;
extern int64_t epoch, epochs, step, T;
extern double right, total, train_loss, test_loss;
extern std::string dir;
extern std::vector<std::string> paths;
extern std::vector<int64_t> classes;

void train_on(const Tensor& x, const Tensor& y);
Tensor read_picture(const std::string& path);
void register_module(const std::string& name, const nn::Module& module);

using testing::assert_close;

}  // namespace norma::example_names
