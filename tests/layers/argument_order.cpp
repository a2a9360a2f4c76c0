// Models whose modules are arguments of one call, which compilers make in different orders. Prints
// the weights of each; test_argument_order.py compares what GCC and Clang give. Exit code 1 where
// parentheses and braces, which always go from left to right, give other networks.
#include <norma/norma.h>

#include <cstdio>
#include <cstring>
#include <functional>

namespace nn = norma::nn;
using norma::Tensor;

namespace {

struct ConvBlock : nn::Module {
  nn::Sequential block;

  ConvBlock(int64_t in_channels, int64_t out_channels)
      : block(nn::Conv2d(in_channels, out_channels, 3, {.padding = 1, .bias = false}),
              nn::BatchNorm2d(out_channels), nn::ReLU(), nn::Conv2d(out_channels, 2, 1)) {
    register_module("block", block);
  }
  Tensor forward(const Tensor& x) override { return block(x); }
};

// Initial values of its own, over those of the layers, a tensor of its own, and a layer per line.
struct Own : nn::Module {
  nn::Linear fc, out;
  nn::Embedding table;
  Tensor scale;

  explicit Own(int64_t width)
      : fc(register_module("fc", nn::Linear(width, 3))),
        out(3, 2, {.bias = false}),
        table(5, 3, {.padding_idx = 1}) {
    register_module("out", out);
    register_module("table", table);
    scale = register_parameter("scale", norma::rand({3}));
    nn::init::kaiming_normal_(fc.weight, {.nonlinearity = "relu"});
    nn::init::zeros_(fc.bias);
  }
  Tensor forward(const Tensor& x) override { return out(fc(x) * scale); }
};

// Takes modules: a copy of a handle, a part that is moved in, and one through a reference.
struct Residual : nn::Module {
  nn::Sequential inner;
  explicit Residual(nn::Sequential part) : inner(std::move(part)) {
    register_module("inner", inner);
  }
  Tensor forward(const Tensor& x) override { return x + inner(x); }
};

struct Tied : nn::Module {
  nn::Linear fc;
  explicit Tied(const nn::Linear& other) : fc(other) { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return fc(x); }
};

nn::Sequential row(int64_t in, int64_t out) {
  return nn::Sequential(nn::Linear(in, 4), nn::Dropout(0.3), nn::Linear(4, out));
}

nn::Sequential grown(int64_t in, int64_t out) {
  nn::Sequential net;
  net.push_back("first", nn::Linear(in, 4));
  net.push_back("last", nn::Linear(4, out));
  return net;
}

nn::Sequential named(int64_t in, int64_t out) {
  nn::Linear first(in, 4), last(4, out);
  return nn::Sequential(first, nn::ReLU(), last);
}

// A row that is looped over, as nn.ModuleList.
struct Listed : nn::Module {
  nn::Sequential layers;
  Listed() : layers(nn::Linear(3, 3), nn::Linear(3, 3), nn::Linear(3, 3)) {
    register_module("layers", layers);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (nn::Module& layer : layers) y = layer(y);
    return y;
  }
};

nn::Sequential in_double(int64_t in, int64_t out) {
  nn::Sequential net(nn::Linear(in, 4), nn::Linear(4, out));
  net.to(norma::kFloat64);
  return net;
}

nn::Sequential loaded(int64_t in, int64_t out) {
  nn::Sequential net(nn::Linear(in, out));
  net.load_state_dict(
      {{"0.weight", norma::arange(out * in).reshape({out, in})}, {"0.bias", norma::zeros({out})}});
  return net;
}

bool all_right = true;

void show(const char* name, const nn::Module& net) {
  uint64_t hash = 14695981039346656037U;
  for (const auto& [key, tensor] : net.state_dict()) {
    const Tensor values = tensor.detach().to(norma::kFloat64).contiguous();
    for (int64_t i = 0; i < values.numel(); ++i) {
      uint64_t bits = 0;
      std::memcpy(&bits, values.data_ptr<double>() + i, sizeof bits);
      hash = (hash ^ bits) * 1099511628211U;
    }
  }
  std::printf("%-24s %016llx\n", name, static_cast<unsigned long long>(hash));
}

bool same(const nn::Module& a, const nn::Module& b) {
  const norma::NamedTensors x = a.state_dict(), y = b.state_dict();
  bool equal = x.size() == y.size();
  for (std::size_t i = 0; equal && i < x.size(); ++i) {
    equal = x[i].first == y[i].first && x[i].second.eq(y[i].second).all().item<bool>();
  }
  return equal;
}

// Both from the same place of the generator, which has to end at the same place.
void compare(const char* name, const std::function<nn::Sequential()>& parentheses,
             const std::function<nn::Sequential()>& braces) {
  norma::manual_seed(7);
  norma::randn({5});
  const nn::Sequential one = parentheses();
  const auto end = norma::default_generator().state();
  norma::manual_seed(7);
  norma::randn({5});
  const nn::Sequential two = braces();
  show(name, one);
  if (same(one, two) && end == norma::default_generator().state()) return;
  all_right = false;
  std::printf("%s: parentheses and braces give different networks\n", name);
}

}  // namespace

#define COMPARE(name, ...)                              \
  compare(                                              \
      name, [] { return nn::Sequential(__VA_ARGS__); }, \
      [] { return nn::Sequential{__VA_ARGS__}; })

int main() {
  COMPARE("a row", nn::Linear(2, 3), nn::ReLU(), nn::Linear(3, 1));
  COMPARE("with dropout", nn::Linear(2, 8), nn::BatchNorm1d(8), nn::Dropout(0.5), nn::Linear(8, 8),
          nn::LayerNorm(8), nn::Dropout(0.5), nn::Linear(8, 2, {.bias = false}));
  COMPARE("kinds of layers", nn::Embedding(7, 3, {.padding_idx = 2}), nn::Conv1d(2, 3, 2),
          nn::GroupNorm(1, 3), nn::Conv2d(1, 2, 3), nn::Embedding(2, 2), nn::Linear(3, 1));
  COMPARE("the README's model", ConvBlock(1, 4), nn::MaxPool2d(2), ConvBlock(2, 6),
          nn::MaxPool2d(2), nn::Flatten(), nn::Dropout(0.25), nn::Linear(24, 3));
  COMPARE("in one another", nn::Sequential(nn::Linear(2, 3), nn::Linear(3, 4)),
          nn::Sequential(nn::Sequential(nn::Linear(4, 4), nn::Linear(4, 5)), nn::Linear(5, 2)),
          nn::Linear(2, 2));
  COMPARE("functions", row(2, 3), grown(3, 3), named(3, 2));
  COMPARE("functions, turned", named(2, 3), grown(3, 3), row(3, 2));
  COMPARE("values of its own", Own(2), nn::Linear(2, 2), Own(2));
  COMPARE("pointers", std::make_shared<nn::Linear>(2, 3), std::make_shared<ConvBlock>(1, 2),
          std::make_shared<nn::Sequential>(row(2, 3)));
  COMPARE("parts moved in", nn::Linear(3, 3), Residual(row(3, 3)), Residual(grown(3, 3)));
  COMPARE("a list", Listed(), nn::Linear(3, 3), Listed());
  COMPARE("in double", in_double(2, 3), nn::Linear(3, 3), in_double(3, 1));
  COMPARE("loaded", loaded(2, 3), nn::Linear(3, 3), loaded(3, 1), nn::Linear(1, 2));
  COMPARE("only one draws", nn::ReLU(), nn::Flatten(), nn::Linear(2, 2), nn::BatchNorm1d(2));

  // What has a name keeps the values that it was made with.
  norma::manual_seed(7);
  nn::Linear head(3, 3), tail(3, 3), wrapped(3, 3);
  const norma::NamedTensors old = nn::clone(head.state_dict()),
                            oldest = nn::clone(wrapped.state_dict());
  norma::rand({2});
  const nn::Sequential net(nn::Linear(2, 3), nn::Linear(3, 3), tail, Tied(wrapped), head,
                           nn::ReLU());
  show("with names", net);
  all_right &= head.weight.eq(old[0].second).all().item<bool>();
  all_right &= wrapped.weight.eq(oldest[0].second).all().item<bool>();

  norma::manual_seed(7);
  show("made behind a pointer", *std::make_shared<nn::Sequential>(nn::Linear(2, 3), row(3, 2)));

  // Under a seed of its own, and in a class.
  {
    const norma::RandomStateGuard guard;
    norma::manual_seed(3);
    show("under a guard", row(2, 3));
  }
  struct Net : nn::Sequential {
    Net() : nn::Sequential(nn::Linear(2, 3), nn::Linear(3, 3)) {}
  };
  show("a class of its own", Net());

  // Computed from what was drawn: the same network, or a warning that says what to do.
  norma::set_warnings(norma::Warnings::Error);
  struct Scaled : nn::Module {
    Tensor weight;
    Scaled() { weight = register_parameter("weight", norma::randn({3}) * 0.02); }
    Tensor forward(const Tensor& x) override { return x * weight; }
  };
  norma::manual_seed(7);
  const nn::Sequential braces{nn::Linear(2, 3), Scaled(), nn::Linear(3, 3)};
  norma::manual_seed(7);
  try {
    all_right &= same(nn::Sequential(nn::Linear(2, 3), Scaled(), nn::Linear(3, 3)), braces);
  } catch (const norma::Error& error) {
    all_right &= std::strstr(error.what(), "write braces, nn::Sequential{") != nullptr;
  }
  show("braces", braces);
  return all_right ? 0 : 1;
}
