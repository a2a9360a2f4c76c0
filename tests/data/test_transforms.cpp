#include <limits>
#include <map>

#include "norma/tests/data/golden_transforms.h"
#include "norma/tests/data/helpers.h"

using norma::Generator;
using norma::Shape;
using norma::Tensor;
namespace data = norma::data;

namespace {

Tensor from(const std::vector<float>& values, const Shape& sizes) {
  return norma::tensor(values).reshape(sizes);
}

// [N, C, H, W] whose every element differs from every other and from 0.
Tensor numbered(const Shape& sizes, norma::DType dtype = norma::kFloat32) {
  return norma::arange(1, sizes.numel() + 1).reshape(sizes).to(dtype);
}

}  // namespace

TEST_CASE("convert_image_dtype divides bytes by 255, to the last bit as torchvision") {
  std::vector<uint8_t> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  const Tensor ramp = norma::tensor(bytes).reshape({1, 1, 16, 16});
  CHECK(norma::equal(data::convert_image_dtype(ramp), from(golden::to_tensor, {1, 1, 16, 16})));
  const Tensor wide = data::convert_image_dtype(ramp, norma::kFloat64);
  CHECK(wide.dtype() == norma::kFloat64);
  CHECK(wide.flatten()[77].item<double>() == 77 / 255.0);
  CHECK(norma::equal(data::convert_image_dtype(ramp.transpose(2, 3)),
                     from(golden::to_tensor, {1, 1, 16, 16}).transpose(2, 3)));
  const Tensor floating = norma::tensor({1.5, 300.0});
  CHECK(norma::equal(data::convert_image_dtype(floating), floating));
  CHECK(data::convert_image_dtype(floating, norma::kFloat64).dtype() == norma::kFloat64);
}

TEST_CASE("Normalize takes a mean and a std per channel, or one for all") {
  const Tensor three = norma::linspace(-1, 2, 12).reshape({1, 3, 2, 2});
  const data::Normalize normalize({0.4914, 0.4822, 0.4465}, {0.247, 0.2435, 0.2616});
  CHECK(norma::allclose(normalize(three), from(golden::normalize, {1, 3, 2, 2}), 1e-6, 1e-6));
  const data::Normalize one({0.1307}, {0.3081});
  const Tensor unit = from(golden::to_tensor, {1, 1, 16, 16}).narrow(2, 0, 4).narrow(3, 0, 4);
  CHECK(norma::equal(one(unit), from(golden::normalize_one, {1, 1, 4, 4})));

  const Tensor rows = norma::tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}).to(norma::kFloat64);
  const Tensor expected = norma::tensor({{0.5, -1.0}, {1.5, 0.0}, {2.5, 1.0}}).to(norma::kFloat64);
  CHECK(norma::equal(data::Normalize({0, 4}, {2, 2})(rows), expected));
  CHECK(data::Normalize({0, 4}, {2, 2})(rows).dtype() == norma::kFloat64);
  CHECK(norma::equal(rows, numbered({3, 2}, norma::kFloat64)));  // left as it was
  CHECK(data::Normalize({0}, {1})(norma::zeros({0, 3, 2, 2})).sizes() == Shape({0, 3, 2, 2}));
}

TEST_CASE("RandomHorizontalFlip and RandomVerticalFlip mirror whole images") {
  const Tensor image = numbered({1, 2, 2, 3});
  CHECK(norma::equal(data::RandomHorizontalFlip(1)(image), from(golden::flip, {1, 2, 2, 3})));
  CHECK(norma::equal(data::RandomHorizontalFlip(0)(image), image));
  CHECK(norma::equal(data::RandomVerticalFlip(1)(image), from(golden::upside_down, {1, 2, 2, 3})));
  CHECK(norma::equal(data::RandomVerticalFlip(0)(image), image));

  for (const double p : {0.5, 0.2}) {
    Generator generator(3);
    const Tensor batch = numbered({2000, 2, 2, 3}, norma::kFloat64);
    const bool upright = p == 0.5;
    const Tensor mirrored = batch.flip({upright ? 3 : 2});
    const Tensor flipped = upright ? data::RandomHorizontalFlip(p)(batch, generator)
                                   : data::RandomVerticalFlip(p)(batch, generator);
    int64_t count = 0;
    for (int64_t n = 0; n < 2000; ++n) {
      const bool turned = norma::equal(flipped[n], mirrored[n]);
      count += turned;
      if (!turned && !norma::equal(flipped[n], batch[n])) FAIL("image " << n << " is neither");
    }
    CHECK(static_cast<double>(count) / 2000 == Approx(p).margin(0.04));
  }
}

TEST_CASE("RandomCrop pads as torchvision") {
  const Tensor image = numbered({1, 2, 2, 3});
  CHECK(norma::equal(data::RandomCrop({4, 5}, {.padding = 1})(image),
                     from(golden::pad_1, {1, 2, 4, 5})));
  CHECK(norma::equal(data::RandomCrop({6, 5}, {.padding = {1, 2}, .fill = -1})(image),
                     from(golden::pad_1_2, {1, 2, 6, 5})));
  CHECK(norma::equal(data::RandomCrop({4, 7}, {.padding = {1, 2, 3, 0}})(image),
                     from(golden::pad_1_2_3_0, {1, 2, 4, 7})));
}

TEST_CASE("RandomCrop mirrors or repeats the edge") {
  using norma::PaddingMode;
  const Tensor image = numbered({1, 2, 2, 3});
  const auto crop = [&](const Shape& size, const Shape& padding, PaddingMode mode) {
    return data::RandomCrop(size, {.padding = padding, .padding_mode = mode})(image);
  };
  CHECK(norma::equal(crop({4, 6}, {2, 1, 1, 1}, PaddingMode::Reflect),
                     from(golden::pad_reflect, {1, 2, 4, 6})));
  CHECK(norma::equal(crop({4, 6}, {2, 1, 1, 1}, PaddingMode::Replicate),
                     from(golden::pad_edge, {1, 2, 4, 6})));
  CHECK(norma::equal(crop({2, 3}, 0, PaddingMode::Reflect), image));
  // The same windows as with zeros around.
  const Tensor many = numbered({50, 2, 4, 5});
  const Tensor wide = norma::functional::pad(many, {2, 2, 2, 2}, PaddingMode::Reflect);
  Generator a(6), b(6);
  CHECK(norma::equal(
      data::RandomCrop(3, {.padding = 2, .padding_mode = PaddingMode::Reflect})(many, a),
      data::RandomCrop(3)(wide, b)));
  CHECK(error_of([&] { crop(3, 2, PaddingMode::Reflect); }) ==
        "[RandomCrop] expected images larger than their padding, got [2, 3] and a padding of [2, "
        "2]");
  CHECK(error_of([&] { crop(3, 2, PaddingMode::Circular); }) ==
        "[RandomCrop] expected PaddingMode::Constant, Reflect or Replicate");
  CHECK(error_of([&] {
          data::RandomCrop(
              1, {.padding = 1, .padding_mode = PaddingMode::Replicate})(norma::ones({1, 1, 0, 2}));
        }) ==
        "[RandomCrop] expected images of at least one pixel, got [0, 2] and a padding of [1, 1]");
}

TEST_CASE("RandomCrop takes every window equally often, drawn anew for each image") {
  // Windows of 2x3 from 3x4 images with one row above and two columns on the right: 3 x 4 places.
  const Tensor batch = numbered({6000, 2, 3, 4}, norma::kFloat64);
  Generator generator(5);
  const Tensor cropped = data::RandomCrop({2, 3}, {.padding = {0, 1, 2, 0}})(batch, generator);
  REQUIRE(cropped.sizes() == Shape({6000, 2, 2, 3}));
  const auto* x = batch.data_ptr<double>();
  const auto* y = cropped.data_ptr<double>();
  const auto matches = [&](int64_t n, int64_t top, int64_t left) {
    for (int64_t c = 0; c < 2; ++c) {
      for (int64_t i = 0; i < 2; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          const int64_t row = top + i, col = left + j;
          const bool inside = row >= 0 && col < 4;
          const double expected = inside ? x[((n * 2 + c) * 3 + row) * 4 + col] : 0.0;
          if (y[((n * 2 + c) * 2 + i) * 3 + j] != expected) return false;
        }
      }
    }
    return true;
  };
  std::map<std::pair<int64_t, int64_t>, int> seen;
  for (int64_t n = 0; n < 6000; ++n) {
    int found = 0;
    for (int64_t top = -1; top <= 1; ++top) {
      for (int64_t left = 0; left <= 3; ++left) {
        if (!matches(n, top, left)) continue;
        ++found;
        ++seen[{top, left}];
      }
    }
    if (found != 1) FAIL("image " << n << " fits " << found << " windows");
  }
  CHECK(seen.size() == 12);
  for (const auto& [place, count] : seen) CHECK(count == Approx(500).margin(90));
}

TEST_CASE("a window may lie in the padding alone") {
  Generator generator(1);
  const Tensor ones = norma::ones({200, 1, 2, 2});
  const Tensor cropped = data::RandomCrop(2, {.padding = 5})(ones, generator);
  const Tensor sums = cropped.sum({1, 2, 3});
  CHECK(sums.eq(0).any().item<bool>());
  CHECK(sums.gt(0).any().item<bool>());
  CHECK(sums.max().item<float>() <= 4.0f);
}

TEST_CASE("transforms take their numbers from the generator, and only from it") {
  const Tensor batch = numbered({20, 1, 6, 6});
  const data::Transform steps[] = {data::RandomCrop(6, {.padding = 2}),
                                   data::RandomHorizontalFlip(), data::RandomVerticalFlip()};
  for (const data::Transform& step : steps) {
    Generator a(9), b(9), c(10);
    norma::manual_seed(1);
    const Tensor first = step(batch, a);
    norma::manual_seed(2);
    const auto before = norma::default_generator().state();
    CHECK(norma::equal(step(batch, b), first));
    CHECK(norma::default_generator().state() == before);
    CHECK_FALSE(norma::equal(step(batch, c), first));
    CHECK_FALSE(norma::equal(step(batch, a), first));
    CHECK(norma::equal(step(batch.transpose(2, 3), b), [&] {
      Generator again(9);
      step(batch, again);
      return step(batch.transpose(2, 3).contiguous(), again);
    }()));
  }
}

TEST_CASE("transforms refuse what they cannot do") {
  const Tensor image = norma::ones({1, 3, 4, 5});
  const Tensor bytes = image.to(norma::kUInt8);
  CHECK(error_of([] { data::Normalize({}, {}); }) ==
        "[Normalize] expected one mean and one std per channel, got 0 and 0");
  CHECK(error_of([] {
          data::Normalize({0, 0}, {1});
        }) == "[Normalize] expected one mean and one std per channel, got 2 and 1");
  CHECK(error_of([] { data::Normalize({0}, {0}); }) ==
        "[Normalize] expected every std above 0 and finite, got 0.0");
  CHECK(has(error_of([] { data::Normalize({0}, {std::numeric_limits<double>::quiet_NaN()}); }),
            "expected every std above 0"));
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(
      has(error_of([&] { data::Normalize({0}, {inf}); }), "expected every std above 0 and finite"));
  CHECK(has(error_of([&] { data::Normalize({-inf}, {1}); }), "expected finite means, got -inf"));
  CHECK(error_of([&] {
          data::Normalize({0, 0}, {1, 1})(image);
        }) == "[Normalize] expected a batch with 2 channels, got [1, 3, 4, 5]");
  CHECK(error_of([&] { data::Normalize({0}, {1})(bytes); }) ==
        "[Normalize] expected a floating batch [N, C, …], got uint8 [1, 3, 4, 5]; "
        "convert_image_dtype() makes it floating");
  CHECK(error_of([] { data::Normalize({0}, {1})(norma::ones({3})); }) ==
        "[Normalize] expected a floating batch [N, C, …], got float32 [3]");
  CHECK(has(error_of([] { data::Normalize({0}, {1})(Tensor()); }), "[Normalize] "));

  CHECK(error_of([] {
          data::RandomCrop({1, 2, 3});
        }) ==
        "[RandomCrop] expected a size of one or two numbers (height, width) from 1, got [1, 2, 3]");
  CHECK(has(error_of([] { data::RandomCrop(0); }), "from 1, got [0]"));
  CHECK(error_of([] {
          data::RandomCrop(2, {.padding = {1, 2, 3}});
        }) ==
        "[RandomCrop] expected a padding of one, two (left and right, top and bottom) or four "
        "(left, top, right, bottom) numbers from 0, got [1, 2, 3]");
  CHECK(has(error_of([] { data::RandomCrop(2, {.padding = -1}); }), "from 0, got [-1]"));
  CHECK(error_of([&] {
          data::RandomCrop({7, 5}, {.padding = 1})(image);
        }) ==
        "[RandomCrop] expected images of at least [7, 5], got [6, 7] with their padding; a larger "
        ".padding makes room");
  CHECK(has(error_of([&] { data::RandomCrop(2)(bytes); }),
            "[RandomCrop] expected a floating batch [N, C, H, W], got uint8 [1, 3, 4, 5]"));
  CHECK(has(error_of([&] { data::RandomCrop(2)(image[0]); }), "got float32 [3, 4, 5]"));

  for (const double p : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(has(error_of([=] { data::RandomHorizontalFlip{p}; }),
              "[RandomHorizontalFlip] expected a probability from 0 to 1, got "));
    CHECK(has(error_of([=] { data::RandomVerticalFlip{p}; }),
              "[RandomVerticalFlip] expected a probability from 0 to 1, got "));
  }
  CHECK(has(error_of([&] { data::RandomHorizontalFlip()(image[0]); }),
            "[RandomHorizontalFlip] expected a floating batch [N, C, H, W], got float32"));

  CHECK(error_of([&] { data::convert_image_dtype(bytes, norma::kInt64); }) ==
        "[convert_image_dtype] expected kFloat32 or kFloat64 as the new dtype, got int64");
  CHECK(error_of([] { data::convert_image_dtype(norma::arange(3)); }) ==
        "[convert_image_dtype] expected uint8 or floating images, got int64 [3]; to() converts "
        "without scaling");
}
