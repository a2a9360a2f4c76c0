// Summaries, against torchinfo's tables (golden_summary.py).
#include <norma/norma.h>

#include <fstream>
#include <map>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

namespace nn = norma::nn;
using norma::Shape;
using norma::Tensor;
using Row = nn::Summary::Row;

namespace {

struct Block : nn::Module {
  nn::Conv2d conv;
  nn::BatchNorm2d norm;
  explicit Block(int64_t width)
      : conv(width, width, 3, {.padding = 1, .bias = false}), norm(width) {
    register_module("conv", conv), register_module("norm", norm);
  }
  Tensor forward(const Tensor& x) override { return (norm(conv(x)) + x).relu(); }
};

struct Net : nn::Module {
  Tensor scale = register_parameter("scale", norma::ones({3, 1, 1}));
  nn::Sequential stem{nn::Conv2d(3, 8, 3, {.stride = 2}), nn::ReLU()};
  nn::ModuleList blocks;
  nn::Sequential head{nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(8, 8), nn::Linear(8, 5)};
  Net() {
    for (int i = 0; i < 2; ++i) blocks.push_back(Block(8));
    register_module("stem", stem), register_module("blocks", blocks), register_module("head", head);
    stem.requires_grad_(false);
    head.at<nn::Linear>(2).bias.requires_grad_(false);
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = stem(input * scale);
    for (nn::Module& block : blocks) x = block(x);
    x = blocks[0](blocks[0](x));
    return head(x);
  }
};

struct Words : nn::Module {
  nn::Embedding embedding{1000, 16};
  nn::LSTM lstm{16, 12, {.num_layers = 2, .batch_first = true, .bidirectional = true}};
  nn::GRU gru{24, 10, {.batch_first = true}};
  nn::Linear head{10, 4};
  Words() {
    register_module("embedding", embedding), register_module("lstm", lstm);
    register_module("gru", gru), register_module("head", head);
  }
  Tensor forward(const Tensor& tokens) override {
    const auto [x, state] = lstm(embedding(tokens));
    const auto [y, h] = gru(x);
    return head(h.select(0, -1));
  }
};

struct Signals : nn::Module {
  nn::Conv1d conv{4, 6, 5, {.groups = 2}};
  nn::ConvTranspose1d up{6, 3, 4, {.stride = 2}};
  nn::GroupNorm norm{3, 3};
  nn::PReLU act;
  nn::Linear mix{54, 7};
  nn::LayerNorm layer_norm{7};
  nn::GRUCell cell{21, 9};
  Signals() {
    register_module("conv", conv), register_module("up", up), register_module("norm", norm);
    register_module("act", act), register_module("mix", mix);
    register_module("layer_norm", layer_norm), register_module("cell", cell);
  }
  Tensor forward(const Tensor& x) override {
    return cell(layer_norm(mix(act(norm(up(conv(x)))))).flatten(1));
  }
};

nn::Sequential cnn() {
  return nn::Sequential(nn::Conv2d(1, 32, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(32),
                        nn::ReLU(), nn::MaxPool2d(2), nn::Dropout(), nn::Flatten(),
                        nn::Linear(32 * 14 * 14, 1000));
}

const std::vector<std::string> kTorchinfo = {"input_size",     "output_size", "num_params",
                                             "params_percent", "mult_adds",   "trainable"};

/// torchinfo's tables by "name depth width var_names".
std::map<std::string, std::string> golden_tables() {
  std::ifstream file(NORMA_LAYERS_TESTS "golden_summary.txt");
  std::map<std::string, std::string> tables;
  std::string* table = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("@ ", 0) == 0) {
      table = &tables[line.substr(2)];
    } else if (table) {
      *table += line + "\n";
    }
  }
  return tables;
}

/// Without the two lines that torchinfo does not have.
std::string as_torchinfo(const nn::Summary& summary) {
  std::istringstream lines(summary.str());
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("Buffers:", 0) != 0 && line.rfind("Training step", 0) != 0) kept += line + "\n";
  }
  return kept;
}

void compare(const std::string& name, nn::Module& model, const Tensor& input) {
  const auto tables = golden_tables();
  for (const auto& [depth, width, names] :
       {std::tuple(3, 25, false), {2, 22, true}, {1, 18, false}, {0, 20, true}}) {
    const nn::Summary summary = nn::summary(
        model, input, {.columns = kTorchinfo, .depth = depth, .width = width, .var_names = names});
    const std::string key = name + norma::text(" ", depth, " ", width, " ", int(names));
    INFO(key);
    CHECK(as_torchinfo(summary) == tables.at(key));
  }
}

const Row& row(const nn::Summary& summary, const std::string& path) {
  for (const Row& row : summary.rows) {
    if (row.path == path) return row;
  }
  throw std::runtime_error("no row " + path);
}

}  // namespace

TEST_CASE("the tables are torchinfo's") {
  nn::Sequential top = cnn();
  compare("cnn", top, norma::zeros({64, 1, 28, 28}));
  Net net;
  compare("net", net, norma::zeros({4, 3, 32, 32}));
  Words words;
  compare("words", words, norma::zeros({7, 11}, {.dtype = norma::kInt64}));
  Signals signals;
  compare("signals", signals, norma::zeros({5, 4, 30}));
}

TEST_CASE("a summary is a value") {
  Net net;
  const nn::Summary summary = nn::summary(net, norma::zeros({4, 3, 32, 32}));
  CHECK(summary.total_params == 1528);
  CHECK(summary.trainable_params == 1296);
  CHECK(summary.total_buffers == 2 * (8 + 8 + 1));
  CHECK(summary.total_mult_adds == 201600 + 4 * (518400 + 64) + 288 + 180);
  CHECK(summary.input_bytes == 4 * 3 * 32 * 32 * 4);
  CHECK(summary.param_bytes == 1528 * 4);
  CHECK(summary.buffer_bytes == 2 * (2 * 8 * 4 + 8));
  const int64_t maps = 4 * 8 * 15 * 15 * 4;
  CHECK(summary.forward_backward_bytes == 2 * (9 * maps + 4 * 8 * 4 + 4 * 5 * 4));
  // Besides these the ReLU and the pooling; Flatten gives a view.
  const int64_t results = 10 * maps + 4 * 8 * 4 + 4 * 8 * 4 + 4 * 5 * 4;
  CHECK(summary.training_step_bytes ==
        summary.input_bytes + summary.param_bytes + summary.buffer_bytes + 1296 * 4 + results);

  const Row& top = summary.rows[0];
  CHECK((top.path.empty() && top.type == "Net" && top.depth == 0 && top.index == 1));
  CHECK((top.params == 1528 && top.own_params == 3 && top.trainable == "Partial"));
  CHECK((top.has_run && !top.is_layer && top.mult_adds == 0));
  const Row& conv = row(summary, "stem.0");
  CHECK((conv.type == "Conv2d" && conv.depth == 2 && conv.index == 1 && conv.is_layer));
  CHECK((conv.inputs == std::vector<Shape>{{4, 3, 32, 32}}));
  CHECK((conv.outputs == std::vector<Shape>{{4, 8, 15, 15}}));
  CHECK((conv.params == 224 && conv.trainable_params == 0 && conv.trainable == "False"));
  CHECK((conv.mult_adds == 201600 && conv.output_bytes == maps));
  const Row& list = row(summary, "blocks");
  CHECK((!list.has_run && list.params == 1184 && list.buffers == 34 && list.own_buffers == 0));
  CHECK(row(summary, "blocks.1.norm").buffers == 17);
  CHECK(row(summary, "head.1").output_bytes == 0);
  int recursive = 0;
  for (const Row& r : summary.rows) recursive += r.is_recursive;
  CHECK(recursive == 6);

  std::ostringstream out;
  out << summary;
  CHECK(out.str() == summary.str());
}

TEST_CASE("columns are as wide as they need to be") {
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::ReLU());
  nn::Summary summary =
      nn::summary(net, norma::zeros({5, 2}), {.columns = {"output_size", "buffers"}});
  CHECK(summary.str() == R"(==============================================================
Layer (type (var_name):depth-idx)        Output Shape  Buffer #
==============================================================
Sequential                               [5, 3]        --
├─Linear (0): 1-1                        [5, 3]        --
├─BatchNorm1d (1): 1-2                   [5, 3]        7
├─ReLU (2): 1-3                          [5, 3]        --
==============================================================
Total params: 15
Trainable params: 15
Non-trainable params: 0
Buffers: 7
Total mult-adds (M): 0.00
==============================================================
Input size (MB): 0.00
Forward/backward pass size (MB): 0.00
Params size (MB): 0.00
Estimated Total Size (MB): 0.00
Training step (MB): 0.00
==============================================================)");
  summary.options = {.columns = {"trainable"}, .depth = 0, .var_names = false};
  CHECK(has(summary.str(), "\nSequential                               True\n===="));
  CHECK_FALSE(has(summary.str(), "Linear"));
}
