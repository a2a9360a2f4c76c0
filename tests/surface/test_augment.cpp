// Augmentations of images.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

const Shape kImages{2, 3, 4, 5};

data::Spread spread(Hostile& h, double sane) {
  if (h.flag()) return h.real(sane);
  return {h.real(0), h.real(sane)};
}

std::vector<double> values(Hostile& h) {
  return std::vector<double>(static_cast<std::size_t>(1 + h.below(2) * 2), h.real(0.5));
}

data::RotateOptions rotation(Hostile& h) {
  data::RotateOptions o{.fill = values(h)};
  if (h.flag()) o.interpolation = Interpolation::Bilinear;
  if (h.flag()) o.center = {h.real(1), h.real(2)};
  return o;
}

void apply(const auto& step, Hostile& h) { use(step(h.tensor(kImages))); }

const std::vector<Row> kTable = {
    {"data::Spread::*", [](Hostile& h) { static_cast<void>(spread(h, 1)); }},
    {"data::rgb_to_grayscale",
     [](Hostile& h) { use(data::rgb_to_grayscale(h.tensor(kImages), h.whole(3))); }},
    {"data::adjust_*",
     [](Hostile& h) { use(data::adjust_brightness(h.tensor(kImages), h.real(1.5))); }},
    {"data::adjust_*",
     [](Hostile& h) { use(data::adjust_contrast(h.tensor(kImages), h.real(0.5))); }},
    {"data::adjust_*",
     [](Hostile& h) { use(data::adjust_saturation(h.tensor(kImages), h.real(0.5))); }},
    {"data::adjust_*", [](Hostile& h) { use(data::adjust_hue(h.tensor(kImages), h.real(0.1))); }},
    {"data::rotate",
     [](Hostile& h) { use(data::rotate(h.tensor(kImages), h.real(30), rotation(h))); }},
    {"data::erase",
     [](Hostile& h) {
       use(data::erase(h.tensor(kImages), h.whole(1), h.whole(0), h.whole(2), h.whole(2),
                       values(h)));
     }},
    {"data::RandomRotation::*",
     [](Hostile& h) { apply(data::RandomRotation(spread(h, 20), rotation(h)), h); }},
    {"data::ColorJitter::*",
     [](Hostile& h) {
       apply(data::ColorJitter({spread(h, 0.4), spread(h, 0.4), spread(h, 0.4), spread(h, 0.1)}),
             h);
     }},
    {"data::Grayscale::*", [](Hostile& h) { apply(data::Grayscale(h.whole(1)), h); }},
    {"data::RandomGrayscale::*", [](Hostile& h) { apply(data::RandomGrayscale(h.real(0.5)), h); }},
    {"data::RandomErasing::*",
     [](Hostile& h) {
       apply(data::RandomErasing({.p = h.real(0.5),
                                  .scale = {h.real(0.1), h.real(0.3)},
                                  .ratio = {h.real(0.3), h.real(3)},
                                  .value = values(h),
                                  .noise = h.flag()}),
             h);
     }},
    {"data::Cutout::*",
     [](Hostile& h) {
       apply(data::Cutout(h.whole(2), {.holes = h.whole(1), .value = values(h)}), h);
     }},
    {"data::mixup",
     [](Hostile& h) {
       use(data::mixup(h.tensor(kImages), h.tensor({2, 3}), h.real(0.3), h.tensor({2}, kInt64))
               .inputs);
     }},
    {"data::cutmix",
     [](Hostile& h) {
       use(data::cutmix(h.tensor(kImages), h.tensor({2, 3}),
                        {h.whole(0), h.whole(1), h.whole(2), h.whole(2)}, h.tensor({2}, kInt64))
               .inputs);
     }},
    {"data::MixUp::*",
     [](Hostile& h) {
       data::Batch batch{h.tensor(kImages), h.tensor({2}, kInt64)};
       data::MixUp({.alpha = h.real(0.3), .num_classes = h.whole(9)})(batch);
       use(batch.targets);
     }},
    {"data::CutMix::*",
     [](Hostile& h) {
       data::Batch batch{h.tensor(kImages), h.tensor({2, 3})};
       data::CutMix({.alpha = h.real(0.3), .num_classes = h.whole(9)})(batch);
       use(batch.inputs);
     }},
};

}  // namespace

TEST_CASE("augmentations take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
