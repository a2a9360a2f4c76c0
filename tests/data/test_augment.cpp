#include <cmath>
#include <limits>

#include "norma/tests/data/golden_augment.h"
#include "norma/tests/data/helpers.h"

using norma::Generator;
using norma::Interpolation;
using norma::Shape;
using norma::Tensor;
namespace data = norma::data;

namespace {

const Shape kSizes{2, 3, 5, 6};

Tensor from(const std::vector<double>& values, const Shape& sizes = kSizes) {
  return norma::tensor(values).reshape(sizes);
}

bool near(const Tensor& x, const std::vector<double>& values, const Shape& sizes = kSizes,
          double tolerance = 1e-10) {
  return x.sizes() == sizes &&
         norma::allclose(x.to(norma::kFloat64), from(values, sizes), tolerance, tolerance);
}

}  // namespace

TEST_CASE("colours change by torchvision's formulas") {
  const Tensor x = from(golden::image);
  CHECK(near(data::rgb_to_grayscale(x), golden::grey, {2, 1, 5, 6}));
  CHECK(near(data::adjust_brightness(x, 0.6), golden::brightness_0_6));
  CHECK(near(data::adjust_brightness(x, 1.7), golden::brightness_1_7));
  CHECK(near(data::adjust_contrast(x, 0.4), golden::contrast_0_4));
  CHECK(near(data::adjust_contrast(x, 1.8), golden::contrast_1_8));
  CHECK(near(data::adjust_saturation(x, 0.3), golden::saturation_0_3));
  CHECK(near(data::adjust_saturation(x, 1.9), golden::saturation_1_9));
  CHECK(near(data::adjust_hue(x, 0.2), golden::hue_0_2));
  CHECK(near(data::adjust_hue(x, -0.45), golden::hue_minus_0_45));
  const Tensor narrow = x.to(norma::kFloat32);
  CHECK(data::adjust_hue(narrow, 0.2).dtype() == norma::kFloat32);
  CHECK(near(data::adjust_hue(narrow, 0.2), golden::hue_0_2, kSizes, 1e-5));
  CHECK(near(data::adjust_contrast(narrow, 1.8), golden::contrast_1_8, kSizes, 1e-5));
  CHECK(norma::equal(x, from(golden::image)));  // left as it was

  const Tensor three = data::rgb_to_grayscale(x, 3);
  CHECK(three.sizes() == kSizes);
  CHECK(norma::equal(three.narrow(1, 2, 1), data::rgb_to_grayscale(x)));
  CHECK(norma::allclose(data::adjust_saturation(x, 0), three, 1e-12, 1e-12));
  const Tensor one = x.narrow(1, 0, 1);
  CHECK(norma::equal(data::rgb_to_grayscale(one), one));
  CHECK(norma::equal(data::adjust_saturation(one, 0.2), one));
  CHECK(norma::equal(data::adjust_hue(one, 0.2), one));
  CHECK(norma::allclose(data::adjust_contrast(one, 0)[1], one[1].mean().expand({1, 5, 6}), 1e-12,
                        1e-12));
  CHECK(
      norma::equal(data::adjust_hue(norma::zeros({1, 3, 2, 2}), 0.3), norma::zeros({1, 3, 2, 2})));
  CHECK(norma::equal(data::adjust_brightness(x.transpose(2, 3), 0.6),
                     data::adjust_brightness(x, 0.6).transpose(2, 3)));
}

TEST_CASE("rotate turns counter-clockwise as torchvision") {
  const Tensor x = from(golden::image);
  const data::RotateOptions bilinear{.interpolation = Interpolation::Bilinear};
  CHECK(near(data::rotate(x, 33), golden::nearest_33));
  CHECK(near(data::rotate(x, -71, {.center = {1.3, 2.2}, .fill = {0.5, -1, 2}}),
             golden::nearest_minus_71));
  CHECK(near(data::rotate(x, 17, bilinear), golden::bilinear_17));
  CHECK(near(data::rotate(x, -140, {Interpolation::Bilinear, {4.1, 0.7}, {0.5, -1, 2}}),
             golden::bilinear_minus_140));

  const Tensor square = norma::arange(18).reshape({1, 2, 3, 3}).to(norma::kFloat32);
  const Tensor quarter = square.transpose(2, 3).flip({2});
  for (const Interpolation mode : {Interpolation::Nearest, Interpolation::Bilinear}) {
    CHECK(norma::equal(data::rotate(square, 90, {mode}), quarter));
    CHECK(norma::equal(data::rotate(square, -630, {mode}), quarter));
    CHECK(norma::equal(data::rotate(square, 180, {mode}), square.flip({2, 3})));
    CHECK(norma::equal(data::rotate(square, 0, {mode}), square));
    CHECK(norma::equal(data::rotate(square, 720, {mode}), square));
  }
  CHECK(data::rotate(norma::ones({0, 3, 2, 2}), 5).sizes() == Shape({0, 3, 2, 2}));
}

TEST_CASE("RandomRotation draws an angle for each image") {
  const Tensor square = from(golden::image).narrow(3, 0, 5);
  const data::RotateOptions options{.interpolation = Interpolation::Bilinear, .fill = {0.25}};
  Generator a(3), b(3);
  const Tensor out = data::RandomRotation({10, 30}, options)(square, a);
  for (int64_t n = 0; n < 2; ++n) {
    const Tensor image = square.narrow(0, n, 1);
    CHECK(norma::equal(out.narrow(0, n, 1), data::rotate(image, 10 + 20 * b.uniform(), options)));
  }
  Generator c(3), d(3);
  CHECK(norma::equal(data::RandomRotation(30)(square, c),
                     data::RandomRotation({-30, 30})(square, d)));
  CHECK(norma::equal(data::RandomRotation(0)(square), square));
}

TEST_CASE("ColorJitter draws from its ranges, in every order") {
  const Tensor x = from(golden::image);
  CHECK(norma::equal(data::ColorJitter()(x), x));
  const auto check = [&](const data::ColorJitterOptions& options, const std::vector<double>& y) {
    CHECK(near(data::ColorJitter(options)(x), y));
  };
  check({.brightness = {0.6, 0.6}}, golden::brightness_0_6);
  check({.contrast = {1.8, 1.8}}, golden::contrast_1_8);
  check({.saturation = {0.3, 0.3}}, golden::saturation_0_3);
  check({.hue = {-0.45, -0.45}}, golden::hue_minus_0_45);

  // A constant grey of 0.2 shows the factor, between 1 - 0.4 and 1 + 0.4.
  Generator generator(1);
  const Tensor grey = norma::full({2000, 1, 1, 1}, 0.2, {.dtype = norma::kFloat64});
  const Tensor factors = data::ColorJitter({.brightness = 0.4})(grey, generator) / 0.2;
  CHECK(factors.min().item<double>() == Approx(0.6).margin(0.01));
  CHECK(factors.max().item<double>() == Approx(1.4).margin(0.01));
  CHECK(factors.mean().item<double>() == Approx(1).margin(0.02));
  const Tensor wide = data::ColorJitter({.brightness = 3})(grey, generator);
  CHECK(wide.min().item<double>() < 0.01);  // from 0 on

  // Brightness, limited to 1, and contrast give other numbers the other way round: half of each.
  const Tensor two = from({0.2, 0.9}, {1, 1, 1, 2});
  const Tensor first = data::adjust_contrast(data::adjust_brightness(two, 2), 0.5);
  const Tensor second = data::adjust_brightness(data::adjust_contrast(two, 0.5), 2);
  const Tensor many = data::ColorJitter({.brightness = {2, 2}, .contrast = {0.5, 0.5}})(
      two.expand({2000, 1, 1, 2}), generator);
  int64_t before = 0, after = 0;
  for (int64_t n = 0; n < 2000; ++n) {
    before += norma::equal(many.narrow(0, n, 1), first);
    after += norma::equal(many.narrow(0, n, 1), second);
  }
  CHECK(before + after == 2000);
  CHECK(before == Approx(1000).margin(100));
}

TEST_CASE("grey images") {
  const Tensor x = from(golden::image);
  CHECK(near(data::Grayscale()(x), golden::grey, {2, 1, 5, 6}));
  const Tensor three = data::rgb_to_grayscale(x, 3);
  CHECK(norma::equal(data::Grayscale(3)(x), three));
  CHECK(norma::equal(data::RandomGrayscale(1)(x), three));
  CHECK(norma::equal(data::RandomGrayscale(0)(x), x));
  Generator generator(2);
  const Tensor many = x.narrow(0, 0, 1).expand({2000, 3, 5, 6});
  const Tensor out = data::RandomGrayscale(0.3)(many, generator);
  const Tensor changed = out.ne(many).to(norma::kFloat64).amax({1, 2, 3});
  CHECK(changed.mean().item<double>() == Approx(0.3).margin(0.04));
}

TEST_CASE("erase, RandomErasing and Cutout fill rectangles") {
  const Tensor x = norma::ones({2, 3, 5, 6});
  Tensor expected = x.clone();
  expected.narrow(2, 1, 2).narrow(3, 3, 3).fill_(0.5);
  CHECK(norma::equal(data::erase(x, 1, 3, 2, 3, {0.5}), expected));
  for (int64_t c = 0; c < 3; ++c) {
    expected.narrow(1, c, 1).narrow(2, 1, 2).narrow(3, 3, 3).fill_(static_cast<double>(c));
  }
  CHECK(norma::equal(data::erase(x, 1, 3, 2, 3, {0, 1, 2}), expected));
  CHECK(norma::equal(data::erase(x, 5, 6, 0, 0), x));

  Generator generator(4);
  const Tensor many = norma::ones({2000, 1, 32, 32});
  const auto area = [](const Tensor& t) { return t.eq(0).to(norma::kFloat64).sum({1, 2, 3}); };
  const Tensor erased = area(data::RandomErasing({.p = 0.25})(many, generator));
  CHECK(erased.gt(0).to(norma::kFloat64).mean().item<double>() == Approx(0.25).margin(0.04));
  CHECK(erased.max().item<double>() <= 0.36 * 1024);
  const Tensor all =
      area(data::RandomErasing({.p = 1, .scale = {0.25, 0.25}, .ratio = {1, 1}})(many, generator));
  CHECK(norma::equal(all, norma::full({2000}, 256.0, {.dtype = norma::kFloat64})));
  // Too large ten times: as it was.
  CHECK(norma::equal(data::RandomErasing({.p = 1, .scale = {1, 1}, .ratio = {1, 1}})(many), many));
  const Tensor noise =
      data::RandomErasing({.p = 1, .scale = {0.3, 0.3}, .noise = true})(many, generator);
  const double changed = noise.ne(1).to(norma::kFloat64).sum().item<double>();
  CHECK((noise - 1).sum().item<double>() / changed == Approx(-1).margin(0.02));

  const Tensor squares = area(data::Cutout(8)(many, generator));
  CHECK(squares.max().item<double>() == 64);
  CHECK(squares.min().item<double>() >= 16);
  CHECK(squares.eq(64).to(norma::kFloat64).mean().item<double>() ==
        Approx(25.0 * 25 / 1024).margin(0.04));
  CHECK(area(data::Cutout(8, {.holes = 4})(many, generator)).max().item<double>() > 128);
  CHECK(norma::equal(data::Cutout(100, {.value = {7}})(x, generator), norma::full_like(x, 7)));
}

TEST_CASE("mixup and cutmix mix samples and targets") {
  const Tensor x = from(golden::image);
  const Tensor y = norma::tensor({{1.0, 0.0, 0.0}, {0.0, 0.25, 0.75}}).to(norma::kFloat64);
  const Tensor swap = norma::tensor(std::vector<int64_t>{1, 0});
  const auto [mixed, soft] = data::mixup(x, y, 0.3, swap);
  CHECK(norma::allclose(mixed, x * 0.3 + x.flip({0}) * 0.7, 1e-12, 1e-12));
  CHECK(norma::allclose(soft, y * 0.3 + y.flip({0}) * 0.7, 1e-12, 1e-12));

  const auto [cut, parts] = data::cutmix(x, y, {1, 2, 3, 4}, swap);
  Tensor expected = x.clone();
  expected.narrow(2, 1, 3).narrow(3, 2, 4).copy_(x.flip({0}).narrow(2, 1, 3).narrow(3, 2, 4));
  CHECK(norma::equal(cut, expected));
  CHECK(norma::allclose(parts, y * 0.6 + y.flip({0}) * 0.4, 1e-12, 1e-12));
  CHECK(norma::equal(data::cutmix(x, y, {}, swap).targets, y));
}

TEST_CASE("MixUp and CutMix draw λ from a beta distribution") {
  // Sample 0 mixes with sample 1: of 1 and 0 it becomes λ.
  const Tensor labels = norma::tensor(std::vector<int64_t>{2, 0});
  const Tensor ones = norma::cat({norma::ones({1, 1, 64, 64}), norma::zeros({1, 1, 64, 64})}, 0);
  for (const double alpha : {0.2, 1.0, 4.0}) {
    Generator generator(7);
    double sum = 0, squares = 0;
    const int draws = 4000;
    for (int k = 0; k < draws; ++k) {
      data::Batch batch{ones.narrow(2, 0, 1).narrow(3, 0, 1), labels};
      data::MixUp({.alpha = alpha, .num_classes = 3})(batch, generator);
      const auto* lambda = batch.inputs.data_ptr<float>();
      const auto* target = batch.targets.data_ptr<float>();
      if (target[2] != lambda[0] || target[5] != lambda[1]) FAIL("targets mix otherwise");
      sum += lambda[0];
      squares += (lambda[0] - 0.5) * (lambda[0] - 0.5);
    }
    CHECK(sum / draws == Approx(0.5).margin(0.03));
    CHECK(squares / draws == Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.1));
  }
  Generator generator(8);
  double kept = 0;
  for (int k = 0; k < 200; ++k) {
    data::Batch batch{ones, labels};
    data::CutMix({.num_classes = 3})(batch, generator);
    const double share = batch.inputs[0].mean().item<double>();
    kept += share;
    CHECK(batch.targets[0][2].item<double>() == Approx(share).margin(1e-6));
    CHECK(batch.targets[1][2].item<double>() == Approx(1 - share).margin(1e-6));
  }
  CHECK(kept / 200 == Approx(0.69).margin(0.05));  // above 1/2, for boxes are cut at the border

  for (const double alpha : {5e-324, 1e-300, 1e300}) {
    int low = 0;
    for (int k = 0; k < 40; ++k) {
      data::Batch batch{ones.narrow(2, 0, 1), labels};
      data::MixUp({.alpha = alpha, .num_classes = 3})(batch, generator);
      const double lambda = batch.targets[0][2].item<double>();
      low += lambda < 0.5;
      if (alpha < 1 ? lambda != 0 && lambda != 1 : lambda != Approx(0.5)) FAIL(lambda);
    }
    if (alpha < 1) CHECK(low == Approx(20).margin(18));
  }
  // No samples, no mixtures.
  data::Batch none{norma::ones({0, 1, 2, 2}), norma::ones({0, 3})};
  data::CutMix()(none, generator);
  data::MixUp()(none, generator);
  CHECK(none.inputs.sizes() == Shape({0, 1, 2, 2}));
  CHECK(none.targets.sizes() == Shape({0, 3}));
  // Probabilities stay what they are, and cross_entropy takes them.
  data::Batch batch{ones, norma::tensor({{0.5, 0.5}, {1.0, 0.0}})};
  data::CutMix()(batch, generator);
  CHECK(std::isfinite(
      norma::functional::cross_entropy(norma::zeros({2, 2}), batch.targets).item<double>()));
}

TEST_CASE("a loader gives the same augmented batches with any number of workers") {
  std::vector<uint8_t> bytes(40 * 192);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37 % 251);
  const data::Dataset set{norma::tensor(bytes).reshape({40, 3, 8, 8}),
                          norma::arange(4).repeat({10})};
  const auto sums = [&](int64_t workers) {
    data::DataLoader loader(
        set, {.batch_size = 7,
              .shuffle = true,
              .seed = 3,
              .transforms = {data::RandomCrop(
                                 8, {.padding = 2, .padding_mode = norma::PaddingMode::Reflect}),
                             data::RandomVerticalFlip(), data::ColorJitter({0.4, 0.4, 0.4, 0.1}),
                             data::RandomRotation(15, {Interpolation::Bilinear}),
                             data::RandomGrayscale(), data::RandomErasing({.noise = true}),
                             data::Cutout(3)},
              .batch_transforms = {data::MixUp({.alpha = 0.2, .num_classes = 4}), data::CutMix()},
              .num_workers = workers});
    std::vector<uint64_t> out;
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (const data::Batch& batch : loader) {
        out.push_back(hash_of(batch.inputs));
        out.push_back(hash_of(batch.targets));
      }
    }
    return out;
  };
  const auto alone = sums(0);
  CHECK(alone.size() == 24);
  CHECK(alone[0] != alone[12]);
  CHECK(sums(1) == alone);
  CHECK(sums(3) == alone);
  // On every machine: no step may round in another way with other instructions.
  CHECK(alone[2] == 2931961259489342030u);
  CHECK(alone[3] == 10778663632393030965u);
}

TEST_CASE("augmented images are outside every graph, and the batch is left as it was") {
  const Tensor x = from(golden::image).requires_grad_();
  Generator generator(4);
  const data::Transform steps[] = {data::ColorJitter({0.4, 0.4, 0.4, 0.1}),
                                   data::RandomRotation(40),
                                   data::Grayscale(),
                                   data::RandomGrayscale(1),
                                   data::RandomErasing({.p = 1}),
                                   data::Cutout(3),
                                   data::RandomVerticalFlip(1),
                                   data::RandomCrop(3)};
  for (const data::Transform& step : steps) {
    CHECK_FALSE(step(x, generator).requires_grad());
    CHECK(step(norma::ones({0, 3, 4, 4}), generator).size(0) == 0);
    CHECK(step(x.detach().to(norma::kFloat32), generator).dtype() == norma::kFloat32);
  }
  data::Batch batch{x, norma::arange(2)};
  data::MixUp({.num_classes = 2})(batch, generator);
  data::CutMix()(batch, generator);
  CHECK_FALSE(batch.inputs.requires_grad());
  CHECK(norma::equal(x.detach(), from(golden::image)));
}

TEST_CASE("augmentations refuse what they cannot do") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = norma::ones({2, 3, 5, 6});
  const Tensor two = norma::ones({2, 2, 5, 6});
  const auto message = [](auto f) { return error_of(f); };
  CHECK(message([&] { data::rotate(x.to(norma::kUInt8), 1); }) ==
        "[rotate] expected a floating batch [N, C, H, W], got uint8 [2, 3, 5, 6]; "
        "convert_image_dtype() makes it floating");
  CHECK(message([&] { data::rgb_to_grayscale(two); }) ==
        "[rgb_to_grayscale] expected images with 1 or 3 channels, got [2, 2, 5, 6]");
  CHECK(message([&] { data::rgb_to_grayscale(x, 2); }) ==
        "[rgb_to_grayscale] expected 1 or 3 output channels, got 2");
  CHECK(message([&] { data::adjust_brightness(x, -1); }) ==
        "[adjust_brightness] expected a factor from 0, finite, got -1.0");
  CHECK(has(message([&] { data::adjust_contrast(x, nan); }), "[adjust_contrast] expected a fac"));
  CHECK(has(message([&] { data::adjust_saturation(x, -1); }), "[adjust_saturation] expected a fa"));
  CHECK(message([&] { data::adjust_hue(x, 0.6); }) ==
        "[adjust_hue] expected a shift from -0.5 to 0.5, got 0.6");
  CHECK(message([&] { data::rotate(x, nan); }) ==
        "[rotate] expected a finite angle in degrees, got nan");
  CHECK(message([&] { data::rotate(x, 1, {.interpolation = Interpolation::Bicubic}); }) ==
        "[rotate] expected Interpolation::Nearest or Bilinear");
  CHECK(message([&] { data::rotate(x, 1, {.center = {1}}); }) ==
        "[rotate] expected a center of two numbers, x and y, got 1");
  CHECK(message([&] {
          data::rotate(x, 1, {.center = {1, nan}});
        }) == "[rotate] expected a finite center, got nan");
  CHECK(message([&] {
          data::rotate(x, 1, {.fill = {1, 2}});
        }) == "[rotate] expected one fill, or one for each of 3 channels, got 2");
  CHECK(message([&] { data::erase(x, 4, 0, 2, 1); }) ==
        "[erase] expected a rectangle within [5, 6], got 2 by 1 from 4, 0 on");
  CHECK(message([&] {
          data::erase(x, 0, 0, 1, 1, {1, 2});
        }) == "[erase] expected one value, or one for each of 3 channels, got 2");
  CHECK(message([] { data::RandomRotation(-1); }) ==
        "[RandomRotation] expected degrees from 0, or a range, got -1.0");
  CHECK(message([] {
          data::RandomRotation({2, 1});
        }) == "[RandomRotation] expected a range {low, high} of degrees, got 2.0 and 1.0");
  CHECK(message([] { data::ColorJitter({.contrast = -1}); }) ==
        "[ColorJitter] expected a contrast from 0, or a range, got -1.0");
  CHECK(message([] {
          data::ColorJitter({.brightness = {-1, 1}});
        }) == "[ColorJitter] expected a range of brightness from 0, finite, got -1.0 and 1.0");
  CHECK(message([] { data::ColorJitter({.hue = 0.7}); }) ==
        "[ColorJitter] expected a range of hue within -0.5 and 0.5, got -0.7 and 0.7");
  CHECK(has(message([&] { data::ColorJitter()(two); }), "[ColorJitter] expected images with 1 or"));
  CHECK(message([] { data::Grayscale(2); }) ==
        "[Grayscale] expected 1 or 3 output channels, got 2");
  CHECK(message([] { data::RandomGrayscale(1.5); }) ==
        "[RandomGrayscale] expected a probability from 0 to 1, got 1.5");
  CHECK(message([] { data::RandomErasing({.p = -1}); }) ==
        "[RandomErasing] expected a probability from 0 to 1, got -1.0");
  CHECK(message([] {
          data::RandomErasing({.scale = {0.5, 0.25}});
        }) == "[RandomErasing] expected a scale {low, high} within 0 and 1, got 0.5 and 0.25");
  CHECK(message([] {
          data::RandomErasing({.ratio = {0, 1}});
        }) == "[RandomErasing] expected a ratio {low, high} above 0 and finite, got 0.0 and 1.0");
  CHECK(message([] { data::RandomErasing({.value = {}}); }) ==
        "[RandomErasing] expected a value, got none");
  CHECK(message([] { data::Cutout(0); }) == "[Cutout] expected a length from 1, got 0");
  CHECK(message([] { data::Cutout(1, {.holes = 0}); }) ==
        "[Cutout] expected from 1 to 1000 holes, got 0");
  CHECK(message([] { data::Cutout(1, {.value = {}}); }) == "[Cutout] expected a value, got none");
}

TEST_CASE("mixing refuses what it cannot do") {
  const Tensor x = norma::ones({2, 3, 5, 6}), y = norma::ones({2, 4});
  const Tensor order = norma::arange(2), labels = norma::arange(2);
  CHECK(error_of([&] { data::mixup(labels, y, 0.5, order); }) ==
        "[mixup] expected floating inputs [N, …], got int64 [2]");
  CHECK(error_of([&] { data::mixup(x, labels, 0.5, order); }) ==
        "[mixup] expected probabilities [2, C] as targets, got int64 [2]; one_hot() makes them "
        "of classes");
  CHECK(error_of([&] { data::mixup(x, y, 0.5, norma::arange(3)); }) ==
        "[mixup] expected an order of 2 samples, kInt64, got int64 [3]");
  CHECK(error_of([&] { data::mixup(x, y, 0.5, norma::arange(1, 3)); }) ==
        "[mixup] expected an order of numbers from 0 to 1, got 2");
  CHECK(error_of([&] { data::mixup(x, y, 1.5, order); }) ==
        "[mixup] expected λ from 0 to 1, got 1.5");
  CHECK(error_of([&] {
          data::cutmix(x, y, {4, 0, 2, 1}, order);
        }) == "[cutmix] expected a box within [5, 6], got 2 by 1 from [4, 0] on");
  CHECK(error_of([] { data::MixUp({.alpha = 0}); }) ==
        "[MixUp] expected an alpha above 0 and finite, got 0.0");
  CHECK(error_of([] { data::CutMix({.num_classes = 0}); }) ==
        "[CutMix] expected a number of classes from 1, got 0");
  const auto step = [](const Tensor& inputs, const Tensor& targets, int64_t classes) {
    data::Batch batch{inputs, targets};
    return error_of([&] { data::MixUp({.num_classes = classes})(batch); });
  };
  CHECK(step(x, Tensor(), 2) == "[MixUp] expected a batch with targets, got one without");
  CHECK(step(x, labels.reshape({2, 1}), 2) ==
        "[MixUp] expected classes [N], kInt64, or probabilities [N, C] as targets, got int64 "
        "[2, 1]");
  CHECK(step(x, labels, -1) ==
        "[MixUp] expected the number of classes, for targets that are classes; say "
        "{.num_classes = …}");
  CHECK(step(labels, labels, 2) == "[MixUp] expected floating inputs, got int64 [2]");
  CHECK(step(x, labels, 1) == "[MixUp] expected classes from 0 to 0, got 1");
  CHECK(step(x, y, 3) ==
        "[MixUp] expected probabilities of 3 classes as targets, got float32 [2, 4]; leave "
        ".num_classes at -1");
  CHECK(step(x, norma::ones(2), -1) ==
        "[MixUp] expected probabilities [2, C] as targets, got float32 [2]; one_hot() makes them "
        "of classes");
  CHECK(step(x, norma::ones({3, 4}), -1) ==
        "[MixUp] expected probabilities [2, C] as targets, got float32 [3, 4]; one_hot() makes "
        "them of classes");
  CHECK(error_of([&] {
          data::cutmix(norma::ones({2, 3, 0, 6}), y, {}, order);
        }) == "[cutmix] expected images of at least one pixel, got [2, 3, 0, 6]");
  const auto cut = [](const Tensor& inputs, const Tensor& targets) {
    data::Batch batch{inputs, targets};
    return error_of([&] { data::CutMix()(batch); });
  };
  CHECK(cut(norma::ones({2, 3, 5, 0}), y) ==
        "[CutMix] expected images of at least one pixel, got [2, 3, 5, 0]");
  CHECK(cut(norma::ones({2, 3}), y) ==
        "[CutMix] expected a floating batch [N, C, H, W], got float32 [2, 3]");
  CHECK(cut(x.to(norma::kUInt8), y) ==
        "[CutMix] expected a floating batch [N, C, H, W], got uint8 [2, 3, 5, 6]; "
        "convert_image_dtype() makes it floating");
}
