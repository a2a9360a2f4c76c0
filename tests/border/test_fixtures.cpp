// What PyTorch saved (fixtures/, by make_fixtures.py) loads strictly, answers as there, and trains
// as there.
#include <sstream>

#include "norma/tests/border/models.h"
#include "norma/tests/io/support.h"

using namespace norma;

namespace {

std::string fixture(const std::string& name) { return NORMA_BORDER_FIXTURES + name; }

std::map<std::string, Tensor> by_name(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

// The largest difference, relative to the largest element.
double error(const Tensor& ours, const Tensor& theirs) {
  const double difference = (ours.to(kFloat64) - theirs.to(kFloat64)).abs().max().item<double>();
  return difference / theirs.to(kFloat64).abs().max().item<double>();
}

}  // namespace

TEST_CASE("PyTorch's files load strictly, and Norma answers and trains as PyTorch does") {
  const auto name = "narrow_" + GENERATE(from_range(border::model_names()));
  const DType dtype = GENERATE(kFloat32, kFloat64);
  CAPTURE(name, dtype);
  const auto model = border::make_model(name);
  model->to(dtype);
  load(*model, fixture(name + ".safetensors"));
  auto theirs = by_name(load_safetensors(fixture(name + "_answers.safetensors")).tensors);
  const NamedTensors ours =
      border::follow(*model, theirs.at("input").to(dtype), theirs.at("labels"));
  theirs.erase("input");
  theirs.erase("labels");
  for (const auto& [key, tensor] : ours) {
    if (key.rfind("state1.", 0) == 0) continue;
    CAPTURE(key);
    const Tensor expected = theirs.at(key);
    theirs.erase(key);
    REQUIRE(tensor.sizes() == expected.sizes());
    if (tensor.dtype() == kInt64) {
      CHECK(expected.dtype() == kInt64);
      CHECK(tensor.eq(expected).all().item<bool>());
    } else {
      // Two steps of training amplify what a forward pass rounds.
      const bool forward = key == "eval" || key == "train";
      CHECK(tensor.dtype() == dtype);
      CHECK(error(tensor, expected) <= (dtype == kFloat64 ? 1e-10 : forward ? 1e-5 : 1e-4));
    }
  }
  CHECK(theirs.empty());
}

TEST_CASE("A file of PyTorch's that Norma reads and saves again holds the same bits") {
  const TempFolder scratch;
  const auto name = "narrow_" + GENERATE(from_range(border::model_names()));
  CAPTURE(name);
  const auto model = border::make_model(name);
  load(*model, fixture(name + ".safetensors"));
  save(*model, scratch / "again.safetensors");
  CHECK(same(load_safetensors(scratch / "again.safetensors").tensors,
             load_safetensors(fixture(name + ".safetensors")).tensors));
}

TEST_CASE(
    "Keys, dtypes, shapes and their order are PyTorch's, and those of torchvision's ResNet-18") {
  const auto name = GENERATE(from_range(border::model_names()));
  std::ostringstream ours;
  for (const auto& [key, tensor] : border::make_model(name)->state_dict())
    ours << key << " " << dtype_name(tensor.dtype()) << " " << tensor.sizes() << "\n";
  CHECK(ours.str() == read_bytes(fixture(name + ".names")));
}

TEST_CASE("A file of another model is refused with all that differs, and changes nothing") {
  const auto model = border::make_model("narrow_cnn");
  const NamedTensors before = model->state_dict();
  NamedTensors copies;
  for (const auto& [key, tensor] : before) copies.emplace_back(key, tensor.detach().clone());
  const std::string message = error_of([&] { load(*model, fixture("narrow_mlp.safetensors")); });
  CHECK(has(message, "narrow_mlp.safetensors: Error(s) in loading state_dict for Sequential:"));
  CHECK(has(message, "Missing key(s) in state_dict: \"0.block.0.weight\""));
  CHECK(has(message, "Unexpected key(s) in state_dict: "));
  CHECK(has(message,
            "size mismatch for 6.weight: copying a param with shape [4, 16] from checkpoint, the "
            "shape in current model is [4, 32]."));
  CHECK(same(model->state_dict(), copies));
}

TEST_CASE("There are four models and their narrow twins") {
  CHECK(has(error_of([] { border::make_model("vgg"); }), "[make_model] expected mlp, cnn"));
  CHECK(has(error_of([] { border::input_shape("vgg"); }), "[make_model] expected mlp, cnn"));
}
