// Histograms, images, filters, decision boundaries.
#include <algorithm>
#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"
#include "support.h"

using namespace norma;
using Rows = std::vector<std::vector<double>>;

namespace {

const Tensor kUndefined;
Tensor integers(const std::vector<double>& values) { return tensor(values).to(kInt64); }

/// Says 1 to the right of x = 1, the more certainly the farther, and remembers how it was run.
struct RightSide : nn::Module {
  int64_t classes;
  int calls = 0, training = 0, recording = 0;
  int64_t most = 0;
  explicit RightSide(int64_t how_many) : classes(how_many) {}
  Tensor forward(const Tensor& x) override {
    ++calls;
    training += is_training();
    recording += grad_enabled();
    most = std::max(most, x.size(0));
    const Tensor score = x.select(1, 0) * 4.0 - 4.0;
    if (classes == 0) return score;
    const Tensor column = score.unsqueeze(1),
                 rest = full({x.size(0), std::max<int64_t>(classes - 2, 0)}, -50.0);
    return classes == 1 ? column : cat({column * 0.0, column, rest}, 1);
  }
};

}  // namespace

TEST_CASE("histogram: numpy's bins, density, range, and what is not finite") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  // numpy.histogram([1, 2, 2, 3.5, 9], bins=4): counts 3 1 0 1, edges 1 3 5 7 9
  plot::histogram(folder / "a.svg", tensor({1.0, 2.0, NAN, 2.0, 3.5, INFINITY, 9.0}),
                  {.bins = 4, .title = "T"});
  CHECK(gnuplot.data(0) == Rows{{1, 3, 3}, {3, 5, 1}, {5, 7, 0}, {7, 9, 1}});
  CHECK(has(gnuplot.script(), "set title \"T \\050not finite\\072 \\062\\051\"\n"));
  // numpy.histogram(…, bins=2, range=(2, 4), density=True): 2 of 3 below 3, the last edge counts
  plot::histogram(folder / "a.svg", tensor({1.0, 2.0, 2.0, 4.0}),
                  {.bins = 2, .range = {{2, 4}}, .density = true});
  CHECK(gnuplot.data(0)[0][2] == Approx(2.0 / 3));
  CHECK(gnuplot.data(0)[1][2] == Approx(1.0 / 3));
  CHECK(has(gnuplot.script(), "set ylabel \"density\"\n"));
  // numpy.histogram([5, 5], bins=2): edges 4.5 5 5.5
  plot::histogram(folder / "a.svg", integers({5, 5}), {.bins = 2, .log = true});
  CHECK(gnuplot.data(0) == Rows{{4.5, 5, 0}, {5, 5.5, 2}});
  CHECK(has(gnuplot.script(), "set logscale y\nset yrange [1:*]\n"));
  // The difference of these is no double any more.
  plot::histogram(
      folder / "a.svg",
      cat({full({1}, -1e308, {.dtype = kFloat64}), full({2}, 1e308, {.dtype = kFloat64})}),
      {.bins = 2});
  CHECK(gnuplot.data(0) == Rows{{-1e308, 0, 1}, {0, 1e308, 2}});
  manual_seed(1);
  const Tensor x = randn({3, 700});
  plot::histogram(folder / "a.svg", x, {.bins = 13, .range = {{-2, 2}}});
  std::vector<double> counts(13);
  for (const double value : to_vector(x))
    for (std::size_t i = 0; i < 13; ++i)
      counts[i] += value >= -2 + static_cast<double>(i) * 4 / 13 &&
                   value < -2 + static_cast<double>(i + 1) * 4 / 13;
  for (std::size_t i = 0; i < 13; ++i) CHECK(gnuplot.data(0)[i][2] == counts[i]);
}

TEST_CASE("histogram: a value on an edge is in the bin above it; equal values, however large") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const std::vector<double> values = {-1.6, -1.2, 0.29, 0.57, 0.58};
  for (const int bins : {10, 400}) {
    plot::histogram(folder / "a.svg", tensor(values), {.bins = bins, .range = {{-2, 2}}});
    for (const auto& row : gnuplot.data(0)) {
      const auto is_in = [&](double v) { return row[0] <= v && v < row[1]; };
      CHECK(int(row[2]) == std::count_if(values.begin(), values.end(), is_in));
    }
  }
  for (const double value : {1e17, -1e17, 1.7976931348623157e308}) {
    plot::histogram(folder / "a.svg", tensor(std::vector<double>{value}), {.bins = 2});
    CHECK(gnuplot.data(0).front()[0] < gnuplot.data(0).back()[1]);
  }
}

TEST_CASE("histogram: what is refused") {
  const auto message = [](const Tensor& values, const plot::HistogramOptions& options = {}) {
    return error_of([&] { plot::histogram("none/a.svg", values, options); });
  };
  CHECK(message(kUndefined) == "[plot::histogram] expected values, got an undefined tensor");
  CHECK(
      message(full({2, 2}, NAN)) ==
      "[plot::histogram] expected at least one finite value, got none in a tensor of shape [2, 2]");
  CHECK(message(zeros({0})) ==
        "[plot::histogram] expected at least one finite value, got none in a tensor of shape [0]");
  CHECK(message(ones({3}), {.bins = 0}) == "[plot::histogram] expected 1 to 10000 bins, got 0");
  CHECK(message(ones({3}), {.range = {{1, 1}}}) ==
        "[plot::histogram] expected a range of two finite numbers, the smaller first, got 1.0 and "
        "1.0");
  CHECK(message(ones({3}), {.range = {{2, 3}}}) ==
        "[plot::histogram] expected values in the range 2.0 to 3.0, got none");
}

TEST_CASE("images: right ones green, wrong ones orange with what is right") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor pixels = tensor({0.0, 0.5, 1.0, 2.0, -1.0, NAN}).reshape({3, 1, 1, 2});
  plot::images(folder / "a.svg", pixels,
               {.preds = integers({1, 0, 1}),
                .target = integers({1, 1, 1}),
                .class_names = {"cat", "d_g"},
                .nrow = 2,
                .padding = 1,
                .width = 320});
  const std::string script = gnuplot.script();
  CHECK(has(script, "set label \"d\\137g\" at 1.0,"));
  CHECK(has(script, "tc rgb \"#007756\""));
  CHECK(has(script, "set label \"cat\\054 is d\\137g\" at 4.0,"));
  CHECK(has(script, "tc rgb \"#d55e00\""));
  CHECK(has(script, "set xrange [0:5]\n"));
  // Two rows of [title, image], of a width of 2 + 1 + 2, grey, cut to 0 … 1. What is not finite is
  // white.
  const Rows canvas = gnuplot.data(0);
  REQUIRE(canvas.size() == 5 * 5);
  const std::vector<double> white(3, 255), black(3, 0), grey(3, 128);
  CHECK(canvas[5] == black);
  CHECK(canvas[6] == grey);
  CHECK(canvas[7] == white);
  CHECK(canvas[8] == white);
  CHECK(canvas[20] == black);
  CHECK(canvas[21] == white);
}

TEST_CASE("images: bytes, colours, stretching, titles of one's own, no titles") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor bytes = tensor({0.0, 255.0, 51.0, 102.0, 1.0, 2.0}).to(kUInt8).reshape({1, 3, 1, 2});
  plot::images(folder / "a.svg", bytes);
  // One row of pixels is drawn as two: gnuplot wants so many.
  CHECK(gnuplot.data(0) == Rows{{0, 51, 1}, {255, 102, 2}, {0, 51, 1}, {255, 102, 2}});
  CHECK(!has(gnuplot.script(), "set label"));
  plot::images(folder / "a.svg", tensor({-3.0, 1.0, 5.0, 1.0}).reshape({1, 1, 2, 2}),
               {.titles = {"`x`"}, .normalize = true});
  CHECK(has(gnuplot.script(), "set label \"\\140x\\140\" at 1.0,"));
  const Rows canvas = gnuplot.data(0);
  CHECK(canvas[canvas.size() - 4][0] == 0);
  CHECK(canvas[canvas.size() - 3][0] == 128);
  CHECK(canvas[canvas.size() - 2][0] == 255);
  plot::images(folder / "a.svg", bytes, {.preds = integers({4})});
  CHECK(has(gnuplot.script(), "set label \"\\064\""));
}

TEST_CASE("images: of more pixels than the picture has, squares become their mean") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor ramp = tensor({0.0, 40.0, 80.0, 120.0})
                          .to(kUInt8)
                          .repeat({100})
                          .reshape({1, 1, 1, 400})
                          .expand({1, 1, 8, 400});
  plot::images(folder / "a.png", ramp, {.width = 100});
  const Rows canvas = gnuplot.data(0);
  CHECK(canvas.size() == 100 * 2);
  for (const auto& pixel : canvas) CHECK(pixel[0] == 60);
  plot::images(folder / "a.png", ramp, {.width = 101});
  CHECK(gnuplot.data(0).size() == 133 * 2);
}

TEST_CASE("images: what is refused") {
  const Tensor four = zeros({4, 1, 2, 2});
  const auto message = [](const Tensor& images, const plot::ImagesOptions& options = {}) {
    return error_of([&] { plot::images("none/a.svg", images, options); });
  };
  CHECK(message(kUndefined) == "[plot::images] expected images, got an undefined tensor");
  for (const Shape& sizes :
       {Shape{4, 2, 2}, Shape{4, 2, 2, 2}, Shape{0, 1, 2, 2}, Shape{1, 1, 0, 2}})
    CHECK(message(zeros(sizes)) ==
          "[plot::images] expected images [N, C, H, W] of 1 or 3 channels, got shape " +
              sizes.str());
  CHECK(has(message(zeros({1, 1, 1, 100000}), {.titles = {"t"}}),  // room for it is counted, too
            "expected at most 4000000 pixels in all, got 1 x 1 x 100000; "));
  for (const DType type : {kInt32, kInt64}) {
    CHECK(message(four.to(type)) ==
          std::string("[plot::images] expected floats from 0 to 1, bool, or uint8, got ") +
              dtype_name(type) +
              "; .to(norma::kUInt8) of values from 0 to 255, or normalize = true");
    CHECK(!has(message(four.to(type), {.normalize = true}), "expected floats"));
  }
  CHECK(!has(message(four.to(kBool)), "expected floats"));
  CHECK(message(four, {.nrow = 0}) == "[plot::images] expected nrow of at least 1, got 0");
  CHECK(message(four, {.padding = -1}) == "[plot::images] expected padding from 0 to 1000, got -1");
  CHECK(message(four, {.titles = {"a"}}) == "[plot::images] expected 4 titles, got 1");
  CHECK(message(four, {.preds = integers({0, 1})}) ==
        "[plot::images] expected preds and target for 4 images, got 2");
  CHECK(message(four, {.preds = integers({0, 1, 2, 0}), .class_names = {"a", "b"}}) ==
        "[plot::images] expected preds from 0 to 1, got 2 at 2");
  CHECK(message(four, {.target = integers({0, 1, -2, 0})}) ==
        "[plot::images] expected target from 0 on, got -2 at 2");
  CHECK(message(zeros({1, 1, 1, 1}).expand({1 << 20, 1, 1000, 1000})) ==
        "[plot::images] expected at most 4000000 pixels in all, got 1048576 x 1000 x 1000; draw "
        "fewer of them");
}

TEST_CASE("filters: signs by colour, or pictures of three channels") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor weight = tensor({0.5, -0.25, 0.0, NAN}).reshape({2, 1, 1, 2});
  plot::filters(folder / "a.svg", weight, {.padding = 0});
  // Each weight is 12 by 12.
  const Rows canvas = gnuplot.data(0);
  REQUIRE(canvas.size() == 2 * 24 * 12);
  CHECK(canvas[0] == std::vector<double>{0, 114, 178});
  CHECK(canvas[12] == std::vector<double>{234, 175, 128});
  CHECK(canvas[24] == std::vector<double>{255, 255, 255});
  CHECK(canvas[36] == std::vector<double>{200, 200, 200});
  CHECK(has(gnuplot.script(), "set xlabel \"blue\\072 up to \\060\\056\\065\\054"));
  plot::filters(folder / "a.svg", tensor({-1.0, 0.0, 1.0}).reshape({1, 3, 1, 1}));
  CHECK(gnuplot.data(0)[0] == std::vector<double>{0, 128, 255});
  // Two input channels: a row for each filter.
  plot::filters(folder / "a.svg", ones({3, 2, 2, 2}), {.padding = 0});
  CHECK(has(gnuplot.script(), "set xrange [0:48]\nset yrange [72:0]\n"));
  plot::filters(folder / "a.svg", zeros({64, 64, 3, 3}));
  const auto message = [](const Tensor& x) {
    return error_of([&] { plot::filters("none/a.svg", x); });
  };
  CHECK(message(kUndefined) == "[plot::filters] expected a weight, got an undefined tensor");
  CHECK(message(zeros({2, 3})) ==
        "[plot::filters] expected a weight [out, in, H, W], got shape [2, 3]");
  CHECK(message(zeros({512, 512, 7, 7})) ==
        "[plot::filters] expected at most 4000000 pixels in all, got 262144 x 7 x 7; draw fewer of "
        "them");
}

TEST_CASE("decision boundary: what the model says, and points") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const Tensor points = tensor({{0.0, 0.0}, {2.0, 1.0}, {1.9, 0.5}}), target = integers({0, 1, 1});
  for (const int64_t classes : {0, 1, 2, 3}) {
    CAPTURE(classes);
    RightSide model(classes);
    plot::decision_boundary(folder / "a.svg", model, points, target,
                            {.grid_resolution = 100,
                             .margins = 0,
                             .class_names = classes == 3 ? std::vector<std::string>{"a", "b", "c"}
                                                         : std::vector<std::string>{"a", "b"}});
    CHECK(model.is_training());
    CHECK(model.training == 0);
    CHECK(model.recording == 0);
    CHECK(model.most == 4096);
    const Rows canvas = gnuplot.data(0);
    REQUIRE(canvas.size() == 100 * 100);
    CHECK(canvas[0][0] < 130);  // blue on the left
    CHECK(canvas[0][2] > 200);
    CHECK(canvas[99][0] > 225);  // orange on the right
    CHECK(canvas[99][2] < 130);
    CHECK(canvas[49][0] + canvas[49][2] > 450);  // pale between
    CHECK(gnuplot.data(1) == Rows{{0, 0, 0}});
    CHECK(gnuplot.data(2).size() == 2);
    CHECK(has(gnuplot.script(), "set xrange [0:2]\nset yrange [0:1]\n"));
    CHECK(has(gnuplot.script(), "title \"b\""));
    CHECK(!has(gnuplot.script(), "title \"c\""));
    CHECK(!has(gnuplot.script(), "set size"));  // each axis has a scale of its own
  }
  RightSide model(2);
  plot::decision_boundary(folder / "a.svg", model, rand({5000, 2}), randint(0, 2, {5000}),
                          {.grid_resolution = 2});
  CHECK(gnuplot.data(1).size() + gnuplot.data(2).size() == 1000);
  // All points at one place, in float64.
  plot::decision_boundary(folder / "a.svg", model, zeros({2, 2}, {.dtype = kFloat64}),
                          integers({0, 1}), {.grid_resolution = 2});
  CHECK(has(gnuplot.script(), "set xrange [-0.5:0.5]\n"));
}

TEST_CASE("decision boundary: the model stays as it was, also when it throws") {
  struct Throws : nn::Module {
    Tensor forward(const Tensor& x) override { return x.reshape({3, 3}); }
  } model;
  nn::Sequential net(nn::Linear(2, 4), nn::BatchNorm1d(4), nn::Dropout(0.5), nn::Linear(4, 2));
  net[2]->eval();
  const Tensor mean = net.at<nn::BatchNorm1d>(1).running_mean.clone();
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  plot::decision_boundary(folder / "a.svg", net, rand({9, 2}), randint(0, 2, {9}));
  CHECK(net.is_training());
  CHECK(!net[2]->is_training());
  CHECK(equal(mean, net.at<nn::BatchNorm1d>(1).running_mean));
  CHECK(error_of([&] {
          plot::decision_boundary(folder / "b.svg", model, rand({9, 2}), randint(0, 2, {9}));
        }) != "no error");
  CHECK(model.is_training());
  CHECK(folder.list() == "a.svg");
}

TEST_CASE("decision boundary: what is refused") {
  const Tensor points = rand({4, 2}), target = integers({0, 1, 0, 1});
  nn::Linear two(2, 2), nine(2, 9);
  const auto message = [&](nn::Module& model, const Tensor& x, const Tensor& y,
                           const plot::DecisionBoundaryOptions& options = {}) {
    return error_of([&] { plot::decision_boundary("none/a.svg", model, x, y, options); });
  };
  CHECK(message(two, kUndefined, target) ==
        "[plot::decision_boundary] expected points, got an undefined tensor");
  CHECK(message(two, rand({4, 3}), target) ==
        "[plot::decision_boundary] expected floating points [N, 2], got float32 [4, 3]");
  CHECK(message(two, zeros({4, 2}, {.dtype = kInt64}), target) ==
        "[plot::decision_boundary] expected floating points [N, 2], got int64 [4, 2]");
  CHECK(message(two, points * NAN, target) ==
        "[plot::decision_boundary] expected finite points, got nan");
  CHECK(
      message(two, points, kUndefined) ==
      "[plot::decision_boundary] expected a target for each of 4 points, got an undefined tensor");
  CHECK(message(two, points, integers({1})) ==
        "[plot::decision_boundary] expected a target for each of 4 points, got shape [1]");
  CHECK(message(two, points, integers({0, 1, 2, 1})) ==
        "[plot::decision_boundary] expected target from 0 to 1, got 2 at 2");
  CHECK(message(nine, points, target) ==
        "[plot::decision_boundary] expected a model that maps [4096, 2] to scores [4096, C] of 1 "
        "to 8 classes or to [4096], got "
        "float32 [4096, 9]");
  CHECK(message(two, points, target, {.grid_resolution = 1}) ==
        "[plot::decision_boundary] expected a grid_resolution from 2 to 1000, got 1");
  CHECK(message(two, points, target, {.margins = -1}) ==
        "[plot::decision_boundary] expected margins from 0 to 100, got -1.0");
  CHECK(message(two, points, target, {.class_names = {"a"}}) ==
        "[plot::decision_boundary] expected 2 class_names, got 1");
}

TEST_CASE("without gnuplot, the numbers behind the colours stay") {
  const TempFolder folder;
  const PathGuard nowhere(folder.path());
  const auto kept = [&](const std::function<void()>& draw) {
    CHECK(has(error_of(draw), "; the numbers are in " + folder / "a.svg.csv"));
    return read_bytes(folder / "a.svg.csv");
  };
  const std::string path = folder / "a.svg";
  CHECK(kept([&] {
          plot::confusion_matrix(path, eye(2), {.class_names = {"x", "y"}});
        }).starts_with("name,predicted,true,value\n\"cells\",0,0,1\n"));
  CHECK(kept([&] {
          plot::images(path, tensor({0.25, NAN}).reshape({2, 1, 1, 1}));
        }) ==
        "name,row,column,value\n\"image 0, channel 0\",0,0,0.25\n\"image 1, channel 0\",0,0,NaN\n");
  CHECK(kept([&] {
          plot::filters(path, ones({1, 2, 1, 1}));
        }) == "name,row,column,value\n\"filter 0, input 0\",0,0,1\n\"filter 0, input 1\",0,0,1\n");
  RightSide model(2);
  const std::string csv = kept([&] {
    plot::decision_boundary(
        path, model, tensor({{0.0, 0.0}, {2.0, 2.0}}), integers({0, 1}),
        {.grid_resolution = 2, .margins = 0, .class_names = {"say \"a\"", "b"}});
  });
  CHECK(csv ==
        "name,x,y,class\n\"say "
        "\"\"a\"\"\",0,0,0\n\"b\",2,2,1\n\"model\",0.5,1.5,0\n\"model\",1.5,1.5,1\n"
        "\"model\",0.5,0.5,0\n\"model\",1.5,0.5,1\n");
}

TEST_CASE("gnuplot draws all of them, in both formats") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  RightSide model(3);
  const std::string odd = "`a`_^{b}~&\\\"'@\n";
  for (const std::string ending : {".svg", ".png"}) {
    const std::string path = folder / "a" + ending;
    const auto is_drawn = [&](const std::function<void()>& draw) {
      std::filesystem::remove(path);
      CHECK(error_of(draw) == "no error");
      CHECK(std::filesystem::file_size(path) > 1000);
    };
    is_drawn([&] { plot::confusion_matrix(path, eye(1)); });
    is_drawn([&] {
      plot::confusion_matrix(path, eye(3),
                             {.class_names = {odd, odd, "x"}, .normalize = "all", .title = odd});
    });
    is_drawn([&] { plot::confusion_matrix(path, zeros({200, 200})); });
    is_drawn([&] { plot::histogram(path, ones({1}), {.log = true, .xlabel = odd}); });
    is_drawn([&] {
      plot::histogram(
          path,
          cat({full({1}, -1e308, {.dtype = kFloat64}), full({1}, 1e308, {.dtype = kFloat64})}),
          {.density = true});
    });
    is_drawn([&] {
      plot::images(path, rand({5, 3, 4, 6}), {.titles = {odd, "", "b", "c", "d"}, .nrow = 3});
    });
    is_drawn([&] { plot::images(path, rand({1, 1, 1, 1})); });
    is_drawn([&] { plot::images(path, rand({1, 1, 2000, 10})); });
    is_drawn([&] { plot::filters(path, randn({4, 1, 5, 5}), {.title = odd}); });
    is_drawn([&] { plot::filters(path, zeros({1, 1, 1, 1})); });
    is_drawn([&] {
      plot::decision_boundary(path, model, randn({9, 2}), randint(0, 3, {9}),
                              {.class_names = {odd, "b", "c"}});
    });
    is_drawn([&] {
      plot::decision_boundary(path, model, randn({9, 2}) * 1e30, randint(0, 3, {9}),
                              {.grid_resolution = 2});
    });
  }
}
