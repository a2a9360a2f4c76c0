// Models of many layers, in a row and inside one another: what goes over them takes time in
// proportion to their size.
#include <norma/norma.h>

#include <ctime>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

namespace nn = norma::nn;
using norma::Tensor;

namespace {

// The processor time of this program: what else the machine does is not counted.
// What is quadratic took ten times these seconds, and more.
#ifdef NORMA_SANITIZE
constexpr double kSlow = 8;
#else
constexpr double kSlow = 1;
#endif

double seconds(const std::function<void()>& action) {
  const std::clock_t start = std::clock();
  action();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// A Sequential in a Sequential in …, with a number to learn on each level.
nn::Sequential nested(int depth) {
  nn::Sequential model;
  for (int level = 0; level < depth; ++level) {
    nn::Sequential outer;
    outer.push_back(nn::LayerNorm(1));
    outer.push_back(std::move(model));
    model = std::move(outer);
  }
  return model;
}

// The time of everything that goes over a model.
double use(nn::Sequential model, std::size_t tensors) {
  return seconds([&] {
    model.eval();
    CHECK_FALSE(model.modules().back()->is_training());
    CHECK(model.parameters().size() == tensors);
    CHECK(model.named_parameters().size() == tensors);
    const norma::NamedTensors state = model.state_dict();
    CHECK(state.size() == tensors);
    model.load_state_dict(state);
    CHECK(model.clone().parameters().size() == tensors);
    model.zero_grad();
  });
}

}  // namespace

TEST_CASE("three thousand Sequentials inside one another") {
  nn::Sequential model;
  CHECK(seconds([&] { model = nested(3000); }) < 1 * kSlow);
  CHECK(use(model, 6000) < 5 * kSlow);
  CHECK(seconds([&] { CHECK(model.str().size() > 3000); }) < 3 * kSlow);
  CHECK(seconds([&] { model(norma::ones({2, 1})).sum().backward(); }) < 1 * kSlow);
  CHECK(seconds([&] {
          const std::string message = error_of([&] { model(norma::ones({2, 2})); });
          CHECK(has(message, "in 0, a LayerNorm"));
        }) < 1 * kSlow);
}

TEST_CASE("an error deep inside names its place, and takes no time") {
  nn::Sequential model(nn::LayerNorm(2));
  for (int level = 0; level < 1000; ++level) {
    nn::Sequential outer;
    outer.push_back(std::move(model));
    model = std::move(outer);
  }
  std::string path = "0";
  for (int level = 0; level < 1000; ++level) path += ".0";
  CHECK(seconds([&] {
          CHECK(has(error_of([&] { model(norma::ones({2, 1})); }), "in " + path + ", a LayerNorm"));
        }) < 1 * kSlow);
}

TEST_CASE("twenty thousand layers in a row") {
  nn::Sequential model;
  CHECK(seconds([&] {
          for (int i = 0; i < 20000; ++i) model.push_back(nn::LayerNorm(1));
        }) < 1 * kSlow);
  CHECK(use(model, 40000) < 4 * kSlow);
  CHECK(seconds([&] {
          norma::optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
          model(norma::ones({2, 1})).sum().backward();
          optimizer.step();
          optimizer.state_dict();
        }) < 4 * kSlow);
}

TEST_CASE("a thousand norms folded into the layers before them") {
  nn::Sequential model;
  for (int i = 0; i < 1000; ++i) {
    model.push_back(nn::Linear(1, 1));
    model.push_back(nn::BatchNorm1d(1));
  }
  model.eval();
  nn::Sequential folded;
  CHECK(seconds([&] { folded = nn::fuse_conv_bn(model); }) < 2 * kSlow);
  CHECK(seconds([&] { nn::fuse_conv_bn(model, norma::ones({2, 1})); }) < 3 * kSlow);
  CHECK(folded.at<nn::Linear>(1998).str() == model.at<nn::Linear>(1998).str());
  CHECK(has(folded[1999].str(), "folded=True"));
  CHECK(seconds([&] { CHECK(folded.clone().size() == 2000); }) < 1 * kSlow);
}
