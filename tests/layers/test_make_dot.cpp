// Graphs as text for Graphviz: what they say, and what is refused.
#include <norma/norma.h>

#include <algorithm>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

namespace ag = norma::autograd;
namespace nn = norma::nn;
using norma::Tensor;

namespace {

/// The labels of the boxes in a frame, without what is in frames of their own; "" for the outside.
std::vector<std::string> boxes(const std::string& dot, const std::string& frame) {
  std::vector<std::string> found, open = {""};
  std::size_t at = 0;
  while (at < dot.size()) {
    const std::size_t end = dot.find('\n', at);
    std::string line = dot.substr(at, end - at);
    at = end + 1;
    line.erase(0, line.find_first_not_of(' '));
    const std::size_t label = line.find("label=\"");
    const std::string text = label == std::string::npos
                                 ? ""
                                 : line.substr(label + 7, line.find('"', label + 7) - label - 7);
    if (line.rfind("subgraph", 0) == 0) {
      open.emplace_back("?");
    } else if (line.rfind("label", 0) == 0) {
      open.back() = text;
    } else if (line == "}") {
      open.pop_back();
    } else if (line[0] == 'n' && line[1] != 'o' && label != std::string::npos &&
               open.back() == frame) {
      found.push_back(text);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

using Labels = std::vector<std::string>;

struct Residual : nn::Module {
  nn::Linear fc{3, 3};
  Residual() { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return (fc(x) + x).relu(); }
};

}  // namespace

TEST_CASE("a loss with its leaves, from inputs to result") {
  const Tensor w = norma::ones({3}, {.dtype = norma::kFloat64, .requires_grad = true});
  const Tensor loss = (w * w).sum();
  CHECK(ag::make_dot(loss) ==
        R"(digraph {
  graph [fontname=Helvetica, fontsize=10, labelloc=t, label="2 operations", color="#999999", style=rounded];
  node [fontname=Helvetica, fontsize=10, shape=box, style=filled];
  edge [arrowsize=0.6];
  n1 [label="mul\n[3] float64", fillcolor="#e8e8e8", style="rounded,filled"];
  n2 [label="leaf\n[3] float64", fillcolor="#c9e7c3"];
  n3 [label="sum\n[] float64", fillcolor="#e8e8e8", style="rounded,filled"];
  n4 [label="loss\n[] float64", fillcolor="#f7d9a8"];
  n2 -> n1;
  n2 -> n1;
  n1 -> n3;
  n3 -> n4;
}
)");
  loss.backward();
  CHECK(has(ag::make_dot(loss), R"(label="mul\n[3] float64\nfreed")"));
  CHECK_FALSE(has(ag::make_dot(loss, {.saved = false}), "freed"));
  CHECK(boxes(ag::make_dot(w), "") == Labels{"leaf\\n[3] float64", "loss\\n[3] float64"});
}

TEST_CASE("with a model its parameters have names, and their operations frames") {
  nn::Sequential net(nn::Linear(2, 3), Residual());
  const Tensor x = norma::ones({4, 2});
  const Tensor loss = net(x).sum();
  const std::string dot = ag::make_dot(loss, net);
  CHECK(boxes(dot, "0: Linear") ==
        Labels{"0.bias\\n[3] float32", "0.weight\\n[3, 2] float32", "linear\\n[4, 3] float32"});
  CHECK(boxes(dot, "1.fc: Linear").size() == 3);
  CHECK(boxes(dot, "") == Labels{"add\\n[4, 3] float32", "loss\\n[] float32",
                                 "relu\\n[4, 3] float32", "sum\\n[] float32"});
  // Frames stand in one another as modules do, and empty ones are left out.
  CHECK(has(dot, "label=\"1: Residual\";\n  subgraph"));

  const norma::DetectAnomalyGuard known;
  CHECK(boxes(ag::make_dot(net(x).sum(), net), "1: Residual") ==
        Labels{"add\\n[4, 3] float32", "relu\\n[4, 3] float32"});
}

TEST_CASE("a function that computes the loss shows everything") {
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), Residual());
  net.at<nn::Linear>(0).weight.requires_grad_(false);
  const Tensor x = norma::ones({4, 2}), y = norma::zeros({4}, {.dtype = norma::kInt64});
  nn::CrossEntropyLoss criterion;
  const std::string dot = ag::make_dot(
      [&] {
        const Tensor unused = x.exp();  // keeps its result for a backward that never comes
        return criterion(net(x), y);
      },
      net);
  CHECK(boxes(dot, "CrossEntropyLoss") ==
        Labels{"cross_entropy\\n[] float32\\nkeeps input 0, input 1"});
  CHECK(boxes(dot, "0: Linear") ==
        Labels{"0.bias\\n[3] float32", "0.weight\\n[3, 2] float32", "linear\\n[4, 3] float32"});
  CHECK(boxes(dot, "2: Residual") ==
        Labels{"add\\n[4, 3] float32", "relu\\n[4, 3] float32\\nkeeps result"});
  CHECK(boxes(dot, "") ==
        Labels{"constant\\n[4, 2] float32", "constant\\n[4] int64", "loss\\n[] float32"});
  CHECK(has(dot, " kept for backward besides the parameters\""));
  CHECK(net.is_training());
  CHECK(net.at<nn::BatchNorm1d>(1).num_batches_tracked.item<int64_t>() == 1);
  CHECK_FALSE(has(ag::make_dot([&] { return net(x).sum(); }, net, {.saved = false}), "keeps"));
}

TEST_CASE("a model from one run") {
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::Dropout(), nn::ReLU());
  net.requires_grad_(false);
  const norma::NamedTensors state = nn::clone(net.state_dict());
  const std::string dot = nn::make_dot(net, norma::ones({1, 2}));
  CHECK(boxes(dot, "") == Labels{"input\\n[1, 2] float32", "output\\n[1, 3] float32"});
  CHECK(boxes(dot, "1: BatchNorm1d") ==
        Labels{"1.bias\\n[3] float32", "1.running_mean\\n[3] float32",
               "1.running_var\\n[3] float32", "1.weight\\n[3] float32",
               "batch_norm\\n[1, 3] float32\\nkeeps input 0, input 1"});
  CHECK(boxes(dot, "3: ReLU") == Labels{"relu\\n[1, 3] float32\\nkeeps result"});
  CHECK((net.is_training() && net[1].is_training()));
  for (std::size_t i = 0; i < state.size(); ++i) {
    CHECK(mismatch(net.state_dict()[i].second, state[i].second) == "");
    CHECK_FALSE(net.state_dict()[i].second.requires_grad());
  }

  // Integers, several results and inputs; the history of an input is not the model's.
  nn::Embedding embedding(5, 2);
  const std::string words = nn::make_dot(embedding, norma::zeros({3}, {.dtype = norma::kInt64}));
  CHECK(boxes(words, "") == Labels{"input\\n[3] int64", "output\\n[3, 2] float32"});
  CHECK(has(words, "embedding\\n[3, 2] float32\\nkeeps input 1\""));
  nn::MultiheadAttention attention(4, 2);
  const Tensor x = norma::zeros({3, 1, 4}, {.requires_grad = true}) * 2;
  const std::string attended = nn::make_dot(attention, {x, x, x});
  CHECK(has(attended, "label=\"output 0\\n[3, 1, 4] float32\""));
  CHECK(has(attended, "label=\"output 1\\n[1, 3, 3] float32\""));
  CHECK(has(attended, "label=\"input 2\\n[3, 1, 4] float32\""));
  CHECK(has(attended, "label=\"out_proj: NonDynamicallyQuantizableLinear\""));
  CHECK(x.grad_fn_name() == "mul");
}

TEST_CASE("operations of several results") {
  const Tensor x = norma::ones({2, 3}, {.requires_grad = true});
  const auto outs = ag::record_many("both", {norma::ones({2}), norma::ones({3})}, {&x},
                                    [](const std::vector<Tensor>&, ag::InputGrads&) {});
  CHECK(boxes(ag::make_dot(outs[0].sum() + outs[1].sum()), "") ==
        Labels{"a result\\n[2] float32", "a result\\n[3] float32", "add\\n[] float32", "both",
               "leaf\\n[2, 3] float32", "loss\\n[] float32", "sum\\n[] float32",
               "sum\\n[] float32"});
}

TEST_CASE("any name may stand in a picture") {
  struct Odd : nn::Module {
    std::vector<Tensor> all;
    Odd() {
      for (const char* name :
           {"a\"b", "back\\slash", "line\nbreak", "<b>&lt;", "\xff", "größe", "\\N"})
        all.push_back(register_parameter(name, norma::ones({1})));
    }
  };
  const Odd odd;
  const std::string dot = ag::make_dot(norma::cat(odd.all, 0), odd);
  for (const char* label :
       {R"("a\"b\n[1])", R"("back\\slash\n[1])", R"("line\\nbreak\n[1])", R"("<b>&amp;lt;\n[1])",
        R"("\\xff\n[1])", "\"größe\\n[1]", R"("\\N\n[1])"}) {
    INFO(label);
    CHECK(has(dot, label));
  }
}

TEST_CASE("what a picture refuses") {
  nn::Linear fc(2, 1);
  const Tensor x = norma::ones({1, 2});
  CHECK(error_of([&] { ag::make_dot(Tensor()); }) ==
        "[make_dot] expected a loss, got an undefined tensor");
  CHECK(error_of([&] { ag::make_dot(x, fc); }) ==
        "[make_dot] expected a loss with a graph behind it, got a tensor of shape [1, 2] that "
        "requires no gradient; compute it from parameters that require one, and not under a "
        "NoGradGuard");
  CHECK(error_of([&] { ag::make_dot(fc(x), {.max_nodes = 0}); }) ==
        "[make_dot] expected max_nodes of 1 or more, got 0");
  CHECK(error_of([&] { ag::make_dot(std::function<Tensor()>(), fc); }) ==
        "[make_dot] expected a function that computes a loss, got none");
  CHECK(error_of([&] {
          nn::make_dot(nn::Flatten(), norma::ones({2, 1}, {.dtype = norma::kInt64}));
        }) ==
        "[make_dot] expected a model whose result depends on its input or parameters, got one that "
        "requires no gradient from the Flatten");
  CHECK(
      error_of([&] { nn::make_dot(nn::LazyLinear(2), x); }) ==
      "[make_dot] expected a model whose sizes are known, got a LazyLinear that was never called; "
      "run a dry forward of the model first, such as net(zeros({1, …}))");
  CHECK(error_of([&] {
          nn::make_dot(fc, std::vector<Tensor>{x, x});
        }) ==
        "[make_dot] expected as many tensors as the forward of Linear has arguments, got 2; "
        "arguments of other types go into a function that calls the model: "
        "autograd::make_dot([&] { return model(…); }, model)");
  CHECK(error_of([&] {
          nn::make_dot(fc, norma::ones({1, 3}));
        }) ==
        "[linear] expected an input of shape [*, 2] for a weight of shape [1, 2], got [1, 3] (in "
        "Linear)");
  CHECK(fc.is_training());
}

TEST_CASE("large graphs are drawn, and larger ones refused") {
  Tensor x = norma::ones({1}, {.requires_grad = true});
  for (int i = 0; i < 5000; ++i) x = x * 1.0;
  CHECK(has(ag::make_dot(x), "label=\"5000 operations\""));
  const std::string refusal =
      "[make_dot] expected a graph of at most 5000 operations and leaves, got more; draw a smaller "
      "model, one layer of it or one step, or give {.max_nodes = …}";
  CHECK(error_of([&] { ag::make_dot(x, {.max_nodes = 5000}); }) == refusal);
  CHECK(error_of([&] { ag::make_dot(x, {.max_nodes = 5001}); }) == "no error");
  for (int i = 0; i < 100000; ++i) x = x * 1.0;
  CHECK(has(error_of([&] { ag::make_dot(x); }), "of at most 10000 operations"));

  nn::Sequential deep;
  for (int level = 0; level < 1000; ++level) {
    nn::Sequential outer(nn::LayerNorm(1));
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  CHECK(has(nn::make_dot(deep, norma::ones({2, 1})), "label=\"1000 operations,"));
}
