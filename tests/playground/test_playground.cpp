#include "norma/playground/playground.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "norma/playground/points.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using norma::Tensor;
using playground::Playground, playground::Settings;

namespace {

std::string refusal(const std::string& settings) {
  return error_of([&] { static_cast<void>(Settings::parse(settings)); });
}

double learn(Playground& model, int steps) {
  double loss = 0;
  for (int i = 0; i < steps; ++i) loss = model.step();
  return loss;
}

const norma::nn::BatchNorm1d& first_norm(const Playground& model) {
  return model.net().at<norma::nn::BatchNorm1d>(1);
}

}  // namespace

TEST_CASE("the losses are PyTorch's") {
  std::ifstream file(NORMA_PLAYGROUND_LOSSES);
  std::string settings, line;
  int cases = 0;
  while (std::getline(file, settings) && std::getline(file, line)) {
    INFO(settings);
    Playground model;
    model.configure(settings);
    std::istringstream expected(line);
    int steps = 0;
    for (double loss; expected >> loss; ++steps) {
      REQUIRE(model.step() == Approx(loss).margin(1e-5));
    }
    CHECK(steps == 40);
    ++cases;
  }
  CHECK(cases == 5);
}

TEST_CASE("spirals are learnt, and a picture shows them") {
  Playground model;
  CHECK(model.evaluate().accuracy < 0.8);
  learn(model, 1500);
  CHECK(model.evaluate().accuracy > 0.95);
  const std::vector<float> picture = model.picture(50);
  REQUIRE(picture.size() == 2500);
  const Tensor places = model.points().inputs, labels = model.points().targets;
  int right = 0;
  for (int64_t i = 0; i < places.size(0); ++i) {
    const auto cell = [](float v) {
      return static_cast<std::size_t>((v / playground::kView + 1) / 2 * 50);
    };
    const float x = places.data_ptr<float>()[2 * i], y = places.data_ptr<float>()[2 * i + 1];
    right += (picture[cell(-y) * 50 + cell(x)] > 0.5f) == (labels.data_ptr<int64_t>()[i] == 1);
  }
  CHECK(right > 475);
  CHECK(error_of([&] { model.picture(0); }) ==
        "[playground] expected 1 to 256 cells in a row, got 0");
}

TEST_CASE("every data set has 500 points of two classes, sorted by class, others for the test") {
  for (const std::string name : {"spirals", "moons", "rings", "checkerboard"}) {
    INFO(name);
    const Settings settings = Settings::parse("data=" + name);
    const auto train = playground::make_points(settings, false);
    const auto test = playground::make_points(settings, true);
    REQUIRE(train.inputs.sizes() == norma::Shape({500, 2}));
    CHECK(train.inputs.abs().max().item<double>() < playground::kView);
    CHECK(train.inputs.abs().max().item<double>() > 0.6);
    const double ones = train.targets.to(norma::kFloat64).mean().item<double>();
    CHECK(ones == Approx(0.5).margin(0.06));
    CHECK(norma::equal(train.targets, std::get<0>(train.targets.sort(0))));
    CHECK_FALSE(norma::equal(train.inputs, test.inputs));
  }
}

TEST_CASE("points drawn by hand") {
  const auto set =
      playground::make_points(Settings::parse("data=points&points=AAAA____gAf_"), true);
  CHECK(norma::allclose(set.inputs, norma::tensor({{-1.25, -1.25}, {1.25, 1.25}, {-1.25, 1.25}})));
  CHECK(set.targets.sum().item<int64_t>() == 2);
  const auto refused = [](const std::string& points) {
    return error_of(
        [&] { playground::make_points(Settings::parse("data=points&points=" + points), false); });
  };
  CHECK(refused("") ==
        "[playground] expected points of both classes, got 0 of the first and 0 of the second; "
        "draw some into "
        "the picture");
  CHECK(refused("AAA") ==
        "[playground] expected at most 500 points of four characters, got 3 characters");
  CHECK(refused("AA!A") == "[playground] expected points in digits of base 64, got '!'");
}

TEST_CASE("what changes while it trains, and what begins anew") {
  Playground model;
  learn(model, 20);
  for (const std::string text : {"rate=0.01", "momentum=0.5", "batch=20", "shuffle=no", "clear=no",
                                 "training=eval", "evaluation=train"}) {
    INFO(text);
    model.configure(text);
    CHECK(model.steps() == 20);
  }
  for (const std::string text : {"seed=2", "noise=0.1", "data=moons", "widths=8", "activation=tanh",
                                 "norm=layer", "axis=wrong", "dropout=0.2", "init=2"}) {
    INFO(text);
    model.configure("");
    model.restart();
    learn(model, 3);
    model.configure(text);
    CHECK(model.steps() == 0);
  }
  model.configure("data=points&points=AAAA____");
  learn(model, 2);
  model.configure("data=points&points=AAAA____gAAA");
  CHECK(model.steps() == 2);
  CHECK(model.points().size() == 3);
}

TEST_CASE("a rate of 0 learns nothing, an initial scale of 0 tells nothing apart") {
  Playground model;
  model.configure("rate=0");
  const Tensor before = model.net().parameters()[0].clone();
  learn(model, 5);
  CHECK(norma::equal(before, model.net().parameters()[0]));
  model.configure("init=0&norm=none");
  CHECK(model.step() == Approx(std::log(2.0)));
}

TEST_CASE("the first two mistakes: modes") {
  Playground model;
  model.configure("evaluation=train");
  learn(model, 400);
  const Tensor remembered = first_norm(model).running_mean.clone();
  const double in_train = model.evaluate().accuracy;
  CHECK_FALSE(norma::equal(remembered, first_norm(model).running_mean));  // asking changed it
  Playground right;
  learn(right, 400);
  const Tensor kept = first_norm(right).running_mean.clone();
  CHECK(right.evaluate().accuracy > in_train + 0.2);
  CHECK(norma::equal(kept, first_norm(right).running_mean));

  right.configure("training=eval");
  learn(right, 10);
  CHECK(norma::equal(kept, first_norm(right).running_mean));
  CHECK(first_norm(right).num_batches_tracked.item<int64_t>() == 400);
}

TEST_CASE("the third and fourth mistake: batches of one, the wrong axis") {
  Playground model;
  model.configure("batch=1");
  CHECK(error_of([&] { model.step(); }).find("Expected more than 1 value per channel") !=
        std::string::npos);
  CHECK(model.steps() == 0);
  model.configure("axis=wrong");
  CHECK(error_of([&] {
          model.step();
        }).find("expected 32 channels on axis 1, got input size [1, 50, 32]") != std::string::npos);
  model.configure("axis=wrong&widths=25,25&batch=25");
  learn(model, 300);
  CHECK(model.evaluate().accuracy < 0.9);
  CHECK(model.picture(33).size() == 33 * 33);
}

TEST_CASE("the fifth mistake: Dropout before BatchNorm") {
  const auto network = [](const std::string& settings) {
    Playground model;
    model.configure(settings);
    return model.network();
  };
  const std::string before = network("dropout=0.5&place=before"), after = network("dropout=0.5");
  CHECK(std::count(before.begin(), before.end(), '\n') ==
        std::count(after.begin(), after.end(), '\n') + 1);
  CHECK(after.find("(6): Dropout(p=0.5") != std::string::npos);
  CHECK(before.find("(3): Dropout(p=0.5") != std::string::npos);
  CHECK(network("widths=").find("(0): Linear(in_features=2, out_features=2, bias=True)") !=
        std::string::npos);
  CHECK(network("widths=").find("\n6 parameters") != std::string::npos);
}

TEST_CASE("what is observed in the layers") {
  Playground model;
  const std::string ahead = model.observe();  // before the first step
  CHECK(ahead.find("\"batches\":0,") != std::string::npos);
  CHECK(ahead.find("\"asked_mean\":null") != std::string::npos);
  const double first = model.step();
  Playground other;
  CHECK(other.step() == first);  // looking ahead drew nothing
  model.evaluate();
  const std::string seen = model.observe();
  CHECK(seen.find("\"batches\":1,") != std::string::npos);
  CHECK(seen.find("\"asked_mean\":[") != std::string::npos);
  CHECK(seen.find("\"activations\":[0,") != std::string::npos);  // ReLU: none negative
  CHECK(seen.find("\"gradients\":[-") != std::string::npos);
  model.configure("norm=layer&rate=1000&init=100&activation=none");
  learn(model, 30);
  CHECK(model.observe().find("\"norm\":null") != std::string::npos);
  CHECK(model.observe().find("nan") == std::string::npos);
}

TEST_CASE("settings that are none are refused") {
  CHECK(refusal("x=1") == "[playground] expected a setting of the playground, got 'x'");
  CHECK(refusal("rate") == "[playground] expected key=value, got 'rate'");
  CHECK(refusal("norm=batches") ==
        "[playground] expected norm to be one of batch, layer, none, got 'batches'");
  CHECK(refusal("batch=0") == "[playground] expected batch between 1 and 500, got '0'");
  CHECK(refusal("rate=nan") == "[playground] expected rate between 0.0 and 1000.0, got 'nan'");
  CHECK(refusal("rate=1x") == "[playground] expected rate between 0.0 and 1000.0, got '1x'");
  CHECK(refusal("widths=1,2,3,4,5,6,7") == "[playground] expected at most 6 hidden layers, got 7");
  CHECK(refusal("widths=129") == "[playground] expected widths between 1 and 128, got '129'");
}
