// What a summary says of modules that are used in unusual ways, and that it leaves no trace.
#include <norma/norma.h>

#include <algorithm>

#include "norma/core/tensor_impl.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

namespace nn = norma::nn;
using norma::Shape;
using norma::Tensor;

namespace {

/// Path, marks and parameters of every row: "fc 6, fc (again), idle 2 (never)".
std::string rows_of(const nn::Summary& summary) {
  std::string all;
  for (const auto& row : summary.rows) {
    all += (all.empty() ? "" : ", ") + row.path + norma::text(" ", row.params);
    if (row.is_recursive) all += " (again)";
    if (row.is_shared) all += " (shared)";
    if (!row.has_run) all += " (--)";
  }
  return all;
}

struct Tied : nn::Module {
  nn::Embedding embedding{10, 4};
  nn::Linear decoder{4, 10, {.bias = false}};
  nn::Linear idle{2, 1};
  nn::Sequential spare{nn::Linear(3, 2), nn::Sequential(nn::Linear(2, 2))};
  nn::Linear last{10, 2};
  Tied() {
    decoder.weight = embedding.weight;
    register_module("embedding", embedding), register_module("idle", idle);
    register_module("spare", spare), register_module("last", last);
  }
  Tensor forward(const Tensor& tokens) override {
    return last(embedding(tokens).matmul(embedding.weight.transpose(0, 1)));
  }
};

/// A layer that shares the weight of another one.
struct Decoder : nn::Module {
  Tensor weight;
  explicit Decoder(const Tensor& shared) : weight(register_parameter("weight", shared)) {}
  Tensor forward(const Tensor& x) override { return x.matmul(weight.transpose(0, 1)); }
};

struct TwoInputs : nn::Callable<TwoInputs> {
  nn::Linear fc{3, 2};
  TwoInputs() { register_module("fc", fc); }
  using Module::forward;
  std::pair<Tensor, Tensor> forward(const Tensor& a, const Tensor& b, double scale = 1) {
    return {fc(a) * scale, b};
  }
};

/// Takes a list, as PyTorch's models of images of different sizes do.
struct ListInput : nn::Callable<ListInput> {
  using Module::forward;
  Tensor forward(const std::vector<Tensor>& list) { return norma::cat(list, 0); }
};

/// Does to itself what a model should not do, and fails where it is told to.
struct Restless : nn::Module {
  Tensor weight = register_parameter("weight", norma::ones({2}));
  Tensor mean = register_buffer("mean", norma::zeros({2}));
  Tensor view = register_buffer("view", mean.view({1, 2}));
  nn::Dropout dropout;
  nn::BatchNorm1d norm{2};
  nn::Linear fc{2, 2};
  bool fails = false;
  Restless() {
    register_module("dropout", dropout), register_module("norm", norm);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = input;
    mean.add_(1);
    norma::rand({3});
    {
      const norma::autograd::EnableGradGuard recording;
      (weight * 2).sum().backward();
      const norma::NoGradGuard no_grad;
      weight.mul_(3);
      x.add_(1);
    }
    fc.weight.requires_grad_(false);
    CHECK(view.sum().item<float>() == 2);
    if (fails) fc(norma::ones({5, 7}));
    return fc(norm(dropout(x)));
  }
};

}  // namespace

TEST_CASE("modules that run again, never, or share their parameters") {
  Tied tied;
  const nn::Summary summary = nn::summary(tied, norma::zeros({3}, {.dtype = norma::kInt64}));
  CHECK(rows_of(summary) ==
        " 79, embedding 40, last 22, idle 3 (--), spare 14 (--), spare.0 8 (--), spare.1 6 (--), "
        "spare.1.0 6 (--)");
  CHECK(summary.total_params == 79);

  nn::Linear fc(4, 4);
  nn::Sequential net(fc, nn::ReLU(), fc, Decoder(fc.weight));
  const nn::Summary twice = nn::summary(net, norma::zeros({3, 4}));
  CHECK(rows_of(twice) == " 20, 0 20, 1 0, 0 20 (again), 3 0 (shared)");
  CHECK(twice.total_params == 20);
  CHECK(twice.total_mult_adds == 2 * 3 * 20 + 3 * 16);
  CHECK(has(twice.str(),
            "Decoder (3): 1-4                       [3, 4]       [3, 4]        (shared)"));
}

TEST_CASE("a module whose list is left and entered again has one place") {
  struct Interleaved : nn::Module {
    nn::ModuleList list;
    nn::Linear fc{2, 2};
    Interleaved() {
      list.push_back(nn::Linear(2, 2)), list.push_back(nn::Linear(2, 2));
      list.push_back(nn::Linear(2, 2));
      register_module("list", list), register_module("fc", fc);
    }
    Tensor forward(const Tensor& x) override { return list[1](fc(list[0](x))); }
  };
  Interleaved model;
  CHECK(rows_of(nn::summary(model, norma::zeros({1, 2}))) ==
        " 24, list 18 (--), list.0 6, list.2 6 (--), fc 6, list 18 (again) (--), list.1 6");
}

TEST_CASE("several inputs, lists, results that are no tensor, functions") {
  TwoInputs two;
  const nn::Summary summary =
      nn::summary(two, {norma::zeros({4, 3}), norma::zeros({5})}, {.depth = 1});
  CHECK((summary.rows[0].inputs == std::vector<Shape>{{4, 3}, {5}}));
  CHECK((summary.rows[0].outputs == std::vector<Shape>{{4, 2}}));
  CHECK(summary.input_bytes == 4 * (12 + 5));
  CHECK(has(summary.str(), "[4, 3], [5]"));
  CHECK(nn::summary(two,
                    [&] {
                      two(norma::zeros({6, 3}), norma::zeros({1}), 0.5);
                    })
            .rows[1]
            .outputs[0] == Shape{6, 2});

  CHECK(nn::summary(ListInput(), {norma::zeros({2, 3}), norma::zeros({1, 3}), norma::zeros({1, 3})})
            .rows[0]
            .outputs[0] == Shape{4, 3});

  nn::LSTM lstm(3, 5, {.num_layers = 2});
  const nn::Summary recurrent = nn::summary(lstm, norma::zeros({7, 2, 3}));
  CHECK((recurrent.rows[0].outputs == std::vector<Shape>{{7, 2, 5}}));
  CHECK(recurrent.total_mult_adds == 7 * 2 * recurrent.total_params);
  // Of a packed sequence and a state the state is the first tensor.
  const auto packed = nn::utils::rnn::pack_padded_sequence(norma::zeros({7, 2, 3}),
                                                           norma::tensor({int64_t{7}, int64_t{5}}));
  CHECK(nn::summary(lstm, [&] { lstm(packed); }).rows[0].outputs[0] == Shape{2, 2, 5});

  // Its own projections of 3 E E + 3 E parameters, and out_proj, which is a Linear.
  nn::MultiheadAttention attention(8, 2);
  const Tensor x = norma::zeros({6, 2, 8});
  const nn::Summary attended = nn::summary(attention, {x, x, x});
  CHECK(rows_of(attended) == " 288, out_proj 72");
  CHECK(attended.rows[0].own_params == 216);
  CHECK(attended.rows[0].mult_adds == 6 * 2 * 216);
  CHECK(attended.rows[1].mult_adds == attended.rows[1].outputs[0][0] * 72);
  nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 16}), 2);
  CHECK(nn::summary(encoder, x).total_params == 2 * (288 + 2 * 16 + 8 * 16 + 16 + 16 * 8 + 8));

  // Only the layers of a model are called, or another model besides.
  nn::Sequential net(nn::Linear(2, 3), nn::Linear(3, 1));
  nn::Linear other(3, 3);
  CHECK(rows_of(nn::summary(net, [&] {
          other(net[0](norma::zeros({1, 2})));
        })) == " 13 (--), 0 9, 1 4 (--)");
}

TEST_CASE("a module in the place of another one, and one with hooks") {
  nn::Sequential net(nn::Linear(2, 3), nn::Linear(3, 1));
  nn::Linear handle = net.at<nn::Linear>(1);
  net.set_submodule("1", nn::Sequential(nn::Linear(3, 3), nn::ReLU()));
  CHECK(rows_of(nn::summary(net, norma::zeros({1, 2}))) == " 21, 0 9, 1 12, 1.0 12, 1.1 0");
  CHECK(nn::summary(handle, norma::zeros({1, 3})).rows[0].type == "Sequential");

  int calls = 0;
  net.register_forward_hook([&](const nn::HookedCall&, const std::vector<Tensor>&,
                                const std::vector<Tensor>&) { ++calls; });
  CHECK(rows_of(nn::summary(net, norma::zeros({1, 2}))) == " 21, 0 9, 1 12, 1.0 12, 1.1 0");
  CHECK(calls == 1);
  net(norma::zeros({1, 2}));
  CHECK(calls == 2);
}

TEST_CASE("the model is left as it was, also when it throws") {
  for (const bool fails : {false, true}) {
    Restless model;
    model.fails = fails;
    model.norm.eval();
    model.weight.sum().backward();
    const Tensor before_grad = model.weight.grad(), x = norma::ones({5, 2});
    const norma::NamedTensors state = nn::clone(model.state_dict());
    const Tensor pending = (model.weight * model.weight).sum();  // its backward needs the weight
    const auto version = model.weight.version();
    norma::manual_seed(3);
    const Tensor expected = norma::rand({4});
    norma::manual_seed(3);

    const std::string error = error_of([&] { nn::summary(model, x); });
    CHECK(error == (fails ? "[linear] expected an input of shape [*, 2] for a weight of shape "
                            "[2, 2], got [5, 7] (in fc, a Linear)"
                          : "no error"));
    CHECK(mismatch(norma::rand({4}), expected) == "");
    CHECK((model.is_training() && model.dropout.is_training() && !model.norm.is_training()));
    CHECK(model.fc.weight.requires_grad());
    for (std::size_t i = 0; i < state.size(); ++i) {
      CHECK(mismatch(model.state_dict()[i].second, state[i].second) == "");
    }
    CHECK(mismatch(x, norma::ones({5, 2})) == "");
    CHECK(norma::impl_of(model.weight.grad()) == norma::impl_of(before_grad));
    CHECK(mismatch(model.weight.grad(), norma::ones({2})) == "");
    CHECK(model.weight.version() == version);
    pending.backward();
    CHECK(mismatch(model.weight.grad(), norma::full({2}, 3.0)) == "");
    model.mean.add_(1);  // a buffer and its view are still one
    CHECK(model.view.sum().item<float>() == 2);
  }
}

TEST_CASE("a model whose own eval() throws gets its modes back") {
  struct Stubborn : nn::Module {
    nn::Dropout dropout;
    Stubborn() { register_module("dropout", dropout); }
    void train(bool on = true) override {
      Module::train(on);
      if (!on) norma::fail("Stubborn", "expected to train for ever");
    }
    Tensor forward(const Tensor& x) override { return dropout(x); }
  };
  Stubborn model;
  CHECK(error_of([&] { nn::summary(model, norma::ones({1})); }) ==
        "[Stubborn] expected to train for ever");
  CHECK((model.is_training() && model.dropout.is_training()));
}

TEST_CASE("a model that is evaluated is not run as one that trains") {
  // BatchNorm of a single sample would throw in training.
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3));
  CHECK(nn::summary(net, norma::zeros({1, 2})).rows.size() == 3);
  CHECK(net.is_training());
  CHECK(net.at<nn::BatchNorm1d>(1).num_batches_tracked.item<int64_t>() == 0);
}

TEST_CASE("what a summary refuses") {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  const Tensor x = norma::zeros({1, 2});
  CHECK(error_of([&] {
          nn::summary(net, x, {.columns = {"output_size", "kernel"}});
        }) ==
        "[summary] expected columns among input_size, output_size, num_params, params_percent, "
        "buffers, mult_adds, trainable, got \"kernel\"");
  CHECK(error_of([&] { nn::summary(net, x, {.depth = -1}); }) ==
        "[summary] expected a depth of 0 or more, got -1");
  CHECK(error_of([&] { nn::summary(net, x, {.width = 1001}); }) ==
        "[summary] expected a width of 1 to 1000, or 0 for as wide as needed, got 1001");
  nn::Summary summary = nn::summary(net, x);
  summary.options.width = -1;
  CHECK(error_of([&] { summary.str(); }) ==
        "[summary] expected a width of 1 to 1000, or 0 for as wide as needed, got -1");
  CHECK(error_of([&] { nn::summary(net, std::function<void()>()); }) ==
        "[summary] expected a function that calls the model, got none");
  CHECK(error_of([&] { nn::summary(net, [] {}); }) ==
        "[summary] expected a function that calls the model, got one that calls no module of the "
        "Sequential; call it with its arguments: [&] { model(…); }");
  TwoInputs two;
  CHECK(error_of([&] {
          nn::summary(two, {x, x, x});
        }) ==
        "[summary] expected as many tensors as the forward of TwoInputs has arguments, got 3; "
        "arguments of other types go into a function that calls the model: summary(model, [&] { "
        "model(…); })");
  CHECK(error_of([&] { nn::summary(net, std::vector<Tensor>()); }) ==
        "[summary] expected as many tensors as the forward of Sequential has arguments, got 0; "
        "arguments of other types go into a function that calls the model: summary(model, [&] { "
        "model(…); })");
  CHECK(error_of([&] { nn::summary(two, x); }) ==
        "[TwoInputs] expected an override of `Tensor forward(const Tensor&)`, got none; TwoInputs "
        "gives or takes something else: call it in a forward of your own (in TwoInputs)");

  // The errors of forward are its own.
  CHECK(error_of([&] {
          nn::summary(net, norma::zeros({1, 5}));
        }) ==
        "[linear] expected an input of shape [*, 2] for a weight of shape [3, 2], got [1, 5] (in "
        "0, a Linear)");
  CHECK(error_of([&] { nn::summary(net, Tensor()); }) == error_of([&] { net(Tensor()); }));

  nn::Sequential lazy(nn::Linear(2, 3), nn::Sequential(nn::LazyLinear(4)));
  CHECK(error_of([&] { nn::summary(lazy, x); }) ==
        "[summary] expected a model whose sizes are known, got a LazyLinear \"1.0\" that was never "
        "called; run a dry forward of the model first, such as net(zeros({1, …}))");
  lazy(x);
  CHECK(rows_of(nn::summary(lazy, x)) == " 25, 0 9, 1 16, 1.0 16");
  nn::LazyLinear alone(2);
  CHECK(has(error_of([&] { nn::summary(alone, x); }), "got a LazyLinear that was never called"));
}

TEST_CASE("deep and wide models") {
  nn::Sequential deep;
  for (int level = 0; level < 1000; ++level) {
    nn::Sequential outer;
    outer.push_back(nn::LayerNorm(1));
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  const nn::Summary nested = nn::summary(deep, norma::ones({2, 1}));
  CHECK(nested.rows.size() == 2001);
  CHECK((nested.total_params == 2000 && nested.total_mult_adds == 4000));
  CHECK(has(nested.str(),
            "└─Sequential (1): 3-2          [2, 1]       [2, 1]        1,994    3,988\n"));

  nn::Sequential wide;
  for (int i = 0; i < 3000; ++i) wide.push_back(nn::LayerNorm(1));
  const nn::Summary flat = nn::summary(wide, norma::ones({2, 1}), {.depth = 1});
  CHECK(flat.rows.size() == 3001);
  CHECK(flat.total_mult_adds == 12000);
  CHECK(std::count_if(flat.rows.begin(), flat.rows.end(), [](auto& r) { return r.has_run; }) ==
        3001);
}
