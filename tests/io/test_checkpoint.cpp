#include <norma/norma.h>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

// Options that use all of an optimiser's state.
template <class Optimizer>
auto options_for() {
  if constexpr (std::is_same_v<Optimizer, optim::SGD>) {
    return optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.5};
  } else {
    using Options = std::decay_t<decltype(std::declval<Optimizer>().options())>;
    return Options{.lr = 0.01, .betas = {0.8, 0.9}, .eps = 1e-3, .amsgrad = true};
  }
}

// A model with BatchNorm and Dropout, its optimiser with two groups and its scheduler.
template <class Optimizer>
struct TrainingWith {
  nn::Sequential model{nn::Linear(6, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Dropout(0.3),
                       nn::Linear(16, 4)};
  Optimizer optimizer{optim::split_weight_decay(model, 1e-3), options_for<Optimizer>()};
  optim::CosineAnnealingLR scheduler{optimizer, 7, 1e-3};

  // Batches come from the default generator too, as shuffled data does.
  std::vector<float> steps(int count) {
    std::vector<float> losses;
    for (int i = 0; i < count; ++i) {
      const Tensor x = randn({32, 6});
      optimizer.zero_grad();
      const Tensor loss = (model(x) - x.narrow(1, 0, 4)).square().mean();
      loss.backward();
      optimizer.step();
      scheduler.step();
      losses.push_back(loss.item<float>());
    }
    return losses;
  }
  CheckpointTargets targets() {
    return {.module = &model, .optimizer = &optimizer, .scheduler = &scheduler};
  }
  CheckpointParts parts() {
    return {.module = &model, .optimizer = &optimizer, .scheduler = &scheduler};
  }
};

using Training = TrainingWith<optim::SGD>;

template <class AnyTraining>
void save_all(const std::string& path, AnyTraining& training, int64_t epoch = 0,
              const std::map<std::string, std::string>& metadata = {}) {
  CheckpointParts parts = training.parts();
  parts.epoch = epoch;
  parts.metadata = metadata;
  save_checkpoint(path, parts);
}

// Replaces entries of a checkpoint; an undefined tensor removes one.
void edit(const std::string& path, const NamedTensors& changes,
          const std::map<std::string, std::string>& metadata_changes = {}) {
  TensorFile file = load_safetensors(path);
  for (const auto& [name, value] : changes) {
    const std::string& wanted = name;
    std::erase_if(file.tensors, [&](const auto& entry) { return entry.first == wanted; });
    if (value.defined()) file.tensors.emplace_back(name, value);
  }
  for (const auto& [key, value] : metadata_changes) {
    if (value.empty())
      file.metadata.erase(key);
    else
      file.metadata[key] = value;
  }
  save_safetensors(file.tensors, path, file.metadata);
}

}  // namespace

TEMPLATE_TEST_CASE("Training goes on from a checkpoint as if it had never stopped", "", optim::SGD,
                   optim::Adam, optim::AdamW) {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  manual_seed(11);
  TrainingWith<TestType> straight;
  straight.steps(5);
  save_all(path, straight, 5, {{"note", "half-way"}, {"", "empty key"}});
  const std::vector<float> losses = straight.steps(10);
  const Generator::State drawn = default_generator().state();

  manual_seed(99);  // another process: other weights, other numbers drawn
  TrainingWith<TestType> resumed;
  resumed.steps(2);
  const CheckpointInfo info = load_checkpoint(path, resumed.targets());
  CHECK(info.epoch == 5);
  CHECK(info.metadata ==
        std::map<std::string, std::string>{{"note", "half-way"}, {"", "empty key"}});
  CHECK(resumed.scheduler.last_epoch() == 5);
  CHECK(resumed.steps(10) == losses);
  CHECK(same(resumed.model.state_dict(), straight.model.state_dict()));
  CHECK(same(resumed.optimizer.state_dict().tensors, straight.optimizer.state_dict().tensors));
  CHECK(resumed.optimizer.state_dict().groups == straight.optimizer.state_dict().groups);
  CHECK(resumed.scheduler.state_dict().values == straight.scheduler.state_dict().values);
  CHECK(default_generator().state() == drawn);
}

TEST_CASE("A checkpoint with another optimiser is refused") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  Training saved;
  saved.steps(2);
  save_all(path, saved);
  TrainingWith<optim::Adam> training;
  training.steps(1);
  const NamedTensors model = training.model.clone().state_dict();
  CHECK(error_of([&] { load_checkpoint(path, training.targets()); }) ==
        "[load_checkpoint] " + path +
            ": expected the state of an optimizer Adam, got one of "
            "\"SGD\"");
  CHECK(same(training.model.state_dict(), model));
  save_all(path, training);
  CHECK(has(error_of([&] { load_checkpoint(path, saved.targets()); }),
            "expected the state of an optimizer SGD, got one of \"Adam\""));
}

TEST_CASE("Numbers in a checkpoint keep every bit") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  Tensor p = ones({2}).requires_grad_();
  optim::SGD optimizer({p}, {.lr = 0.1 + 1e-17, .momentum = 1.0 / 3});
  optim::ReduceLROnPlateau scheduler(optimizer, {.threshold = 1e-300});  // best: infinity
  Generator generator(0xFFFF'FFFF'FFFF'FFFFu);
  generator.set_state({0xFEDC'BA98'7654'3210u, 0xFFFF'FFFF'FFFF'FFFEu});
  save_checkpoint(path, {.optimizer = &optimizer,
                         .scheduler = &scheduler,
                         .generator = &generator,
                         .epoch = std::numeric_limits<int64_t>::max()});
  Generator other;
  optim::SGD fresh({p});
  optim::ReduceLROnPlateau plateau(fresh);
  const CheckpointInfo info =
      load_checkpoint(path, {.optimizer = &fresh, .scheduler = &plateau, .generator = &other});
  CHECK(info.epoch == std::numeric_limits<int64_t>::max());
  CHECK(other.state() == generator.state());
  CHECK(fresh.state_dict().groups == optimizer.state_dict().groups);
  CHECK(plateau.state_dict().values == scheduler.state_dict().values);
  CHECK(plateau.best() == std::numeric_limits<double>::infinity());
}

TEST_CASE("A checkpoint of two schedules on one optimizer") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  struct Two {
    Tensor p = ones({2}).requires_grad_();
    optim::SGD optimizer{{p}, {.lr = 0.1}};
    optim::LinearLR warm_up{optimizer};
    optim::CosineAnnealingLR cosine{optimizer, 10};

    std::vector<double> rates(int steps) {
      std::vector<double> result;
      for (int i = 0; i < steps; ++i) {
        optimizer.step();
        warm_up.step();
        cosine.step();
        result.push_back(optimizer.lr());
      }
      return result;
    }
  };
  Two straight, resumed;
  straight.rates(3);
  save_checkpoint(
      path, {.optimizer = &straight.optimizer, .scheduler = {&straight.warm_up, &straight.cosine}});
  const std::vector<double> rates = straight.rates(6);
  load_checkpoint(
      path, {.optimizer = &resumed.optimizer, .scheduler = {&resumed.warm_up, &resumed.cosine}});
  CHECK(resumed.rates(6) == rates);

  const auto refused = [&](const Schedules<optim::LRScheduler>& targets) {
    return error_of([&] { load_checkpoint(path, {.scheduler = targets}); });
  };
  CHECK(has(refused(&resumed.warm_up), "expected as many schedulers as are given, 1, got 2"));
  CHECK(has(refused({&resumed.cosine, &resumed.warm_up}), "expected the state of a CosineAnneal"));
  CHECK(has(refused({&resumed.warm_up, nullptr}), "null pointer"));
  CHECK(has(error_of([&] {
              save_checkpoint(path, {.scheduler = {nullptr, nullptr}});
            }),
            "null pointer"));
  edit(path, {}, {{"norma.scheduler2", ""}});
  CHECK(has(refused({&resumed.warm_up, &resumed.cosine}),
            "expected the type and the values of \"scheduler2\", got one without the other"));
  CHECK(resumed.rates(1) == straight.rates(1));
}

TEST_CASE("A checkpoint keeps the place of the loader") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  const LoaderPosition place{.epoch = 2,
                             .batch = std::numeric_limits<int64_t>::max(),
                             .seed = 0xFEDC'BA98'7654'3210u,
                             .samples = 100,
                             .batch_size = 7};
  save_checkpoint(path, {.loader = place});
  CheckpointInfo info = load_checkpoint(path, {});
  CHECK(info.loader == place);
  CHECK(info.epoch == 2);
  save_checkpoint(path, {.epoch = 3, .loader = place});
  info = load_checkpoint(path, {});
  CHECK(info.loader == place);
  CHECK(info.epoch == 3);
  save_checkpoint(path, {.epoch = 4});  // without a loader: the beginning of the epoch
  CHECK(load_checkpoint(path, {}).loader == LoaderPosition{.epoch = 4});

  const auto refused = [&](const NamedTensors& changes) {
    save_checkpoint(path, {.loader = place});
    edit(path, changes);
    return error_of([&] { load_checkpoint(path, {}); });
  };
  CHECK(has(refused({{"loader.batch", Tensor()}}), "expected an entry \"loader.batch\""));
  CHECK(has(refused({{"loader.batch", full({}, -1, {.dtype = kInt64})}}),
            "expected \"loader.batch\" >= 0, got -1"));
  CHECK(has(refused({{"loader.batch", zeros({})}}),
            "expected I64 numbers of shape [] as \"loader.batch\""));
  CHECK(has(refused({{"loader.other", full({}, 1, {.dtype = kInt64})}}),
            "expected entries of a checkpoint, got \"loader.other\""));
}

TEST_CASE("Parts that are not asked for are left alone") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  Training training;
  training.steps(2);
  save_all(path, training);
  Training other;
  manual_seed(5);
  const auto state = default_generator().state();
  const auto rates = other.scheduler.state_dict().values;
  load_checkpoint(path, {.module = &other.model, .generator = nullptr});
  CHECK(same(other.model.state_dict(), training.model.state_dict()));
  CHECK(default_generator().state() == state);
  CHECK(other.scheduler.state_dict().values == rates);
  CHECK(other.optimizer.state_dict().tensors.empty());
}

TEST_CASE("A part that the file does not have is an error") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  Training training;
  save_checkpoint(path, {.generator = nullptr});
  const auto refused = [&](const CheckpointTargets& targets) {
    return error_of([&] { load_checkpoint(path, targets); });
  };
  const std::string start = "[load_checkpoint] " + path + ": expected a checkpoint with ";
  CHECK(refused({}) == start +
                           "generator, got one without; pass .generator = nullptr to leave it as "
                           "it is");
  CHECK(has(refused({.module = &training.model}), start + "module"));
  CHECK(has(refused({.optimizer = &training.optimizer}), start + "optimizer"));
  CHECK(has(refused({.scheduler = &training.scheduler}), start + "scheduler"));
  CHECK(load_checkpoint(path, {.generator = nullptr}).epoch == 0);
}

TEST_CASE("A checkpoint and the state of a module are told apart") {
  const TempFolder scratch;
  const std::string path = scratch / "file.safetensors";
  Training training;
  save_all(path, training);
  CHECK(has(error_of([&] { load(training.model, path); }),
            "[load] " + path +
                ": expected the state of a module alone, got a checkpoint; read it with "
                "load_checkpoint(path, {.module = &module})"));
  save(training.model, path);
  CHECK(has(error_of([&] { load_checkpoint(path, training.targets()); }),
            "[load_checkpoint] " + path +
                ": expected a checkpoint, got other tensors; read a "
                "module alone with load(module, path)"));
}

TEST_CASE("Reserved metadata keys are refused") {
  const TempFolder scratch;
  for (const char* key : {"format", "norma.x"})
    CHECK(has(error_of([&] {
                save_checkpoint(scratch / "x", {.metadata = {{key, "1"}}});
              }),
              "[save_checkpoint] " + scratch / "x" + ": expected metadata keys other than"));
  CHECK(scratch.list() == "");
}

TEST_CASE("load_checkpoint checks every part before it changes any") {
  const TempFolder scratch;
  const std::string path = scratch / "run.safetensors";
  manual_seed(1);
  Training saved;
  saved.steps(3);
  Training training;
  training.steps(1);
  const NamedTensors model = training.model.clone().state_dict();
  NamedTensors buffers = training.optimizer.state_dict().tensors;
  for (auto& [name, value] : buffers) value = value.clone();
  const auto groups = training.optimizer.state_dict().groups;
  const auto values = training.scheduler.state_dict().values;
  const auto generator = default_generator().state();
  const auto refused = [&](const NamedTensors& changes,
                           const std::map<std::string, std::string>& metadata = {}) {
    save_all(path, saved);
    edit(path, changes, metadata);
    const std::string message = error_of([&] { load_checkpoint(path, training.targets()); });
    CHECK(has(message, "[load_checkpoint] " + path + ": "));
    CHECK(same(training.model.state_dict(), model));
    CHECK(same(training.optimizer.state_dict().tensors, buffers));
    CHECK(training.optimizer.state_dict().groups == groups);
    CHECK(training.scheduler.state_dict().values == values);
    CHECK(default_generator().state() == generator);
    return message;
  };
  const Tensor f64 = full({}, 2.0, {.dtype = kFloat64});
  // The model's complaint comes first: it usually explains the others.
  const std::string both = refused(
      {{"model.0.weight", zeros({2, 2})}, {"optimizer.state.0.momentum_buffer", zeros({2, 2})}});
  CHECK(has(both, "size mismatch for 0.weight: copying a param with shape [2, 2]"));
  CHECK(has(refused({{"model.0.bias", Tensor()}}), "Missing key(s) in state_dict: \"0.bias\""));
  CHECK(has(refused({{"optimizer.state.1.momentum_buffer", zeros({3})}}),
            "size mismatch for state.1.momentum_buffer"));
  CHECK(has(refused({{"optimizer.param_groups.0.lr", Tensor()}}), "expected the option \"lr\""));
  CHECK(
      has(refused({{"optimizer.param_groups.0.lr", zeros({1})}}),
          "expected one F64 number as \"optimizer.param_groups.0.lr\", got shape [1] of float32"));
  CHECK(has(refused({{"optimizer.param_groups.1.params", Tensor()}}),
            "expected an entry \"optimizer.param_groups.1.params\""));
  CHECK(has(refused({{"optimizer.param_groups.1.params", arange(4)}}),
            "expected consecutive parameters in \"optimizer.param_groups.1.params\""));
  CHECK(has(refused({{"optimizer.param_groups.1.params", zeros({4})}}), "expected I64 numbers"));
  CHECK(has(refused({{"optimizer.param_groups.3.lr", f64}}),
            "expected an entry \"optimizer.param_groups.2.params\""));
  CHECK(has(refused({}, {{"norma.optimizer", "Adam"}}), "expected the state of an optimizer SGD"));
  CHECK(has(refused({{"scheduler.T_max", Tensor()}}), "expected the value \"T_max\", got none"));
  CHECK(has(refused({{"scheduler.other", f64}}), "expected no value \"other\", got 2"));
  CHECK(has(refused({}, {{"norma.scheduler", "StepLR"}}), "got one of \"StepLR\""));
  CHECK(has(refused({{"generator", arange(3)}}),
            "expected I64 numbers of shape [2] as \"generator\", got shape [3] of int64"));
  CHECK(has(refused({{"epoch", zeros({})}}), "expected I64 numbers of shape [] as \"epoch\""));
  CHECK(has(refused({{"surprise", zeros({})}}),
            "expected entries of a checkpoint, got "
            "\"surprise\""));
  CHECK(has(refused({}, {{"norma.checkpoint", "2"}}),
            "expected a checkpoint of version 1, got version \"2\""));

  save_all(path, saved);
  load_checkpoint(path, training.targets());
  CHECK(same(training.model.state_dict(), saved.model.state_dict()));
}
