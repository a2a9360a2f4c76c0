// Training that was stopped anywhere, in the middle of an epoch too, goes on from its checkpoint to
// the same bits.
#include <norma/norma.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

constexpr int64_t kSamples = 22, kBatchSize = 4, kBatches = 6, kEpochs = 3;

data::Dataset pictures() {
  Generator generator(3);
  return {randint(0, 256, {kSamples, 1, 6, 6}, {.dtype = kUInt8}, generator),
          randint(0, 3, {kSamples}, {.dtype = kInt64}, generator)};
}

data::DataLoader make_loader(int64_t workers, uint64_t seed = 5, int64_t batch_size = kBatchSize) {
  const data::Transform noise = [](const Tensor& x, Generator& generator) {
    return x + randn(x.sizes(), {}, generator) * 0.1;
  };
  return data::DataLoader(pictures(), {.batch_size = batch_size,
                                       .shuffle = true,
                                       .seed = seed,
                                       .transforms = {data::RandomCrop(6, {.padding = 1}),
                                                      data::RandomHorizontalFlip(), noise},
                                       .num_workers = workers});
}

optim::SGD make_optimizer(nn::Module& model, optim::SGD*) {
  return optim::SGD(optim::split_weight_decay(model, 1e-2),
                    {.lr = 0.1, .momentum = 0.9, .nesterov = true});
}
optim::Adam make_optimizer(nn::Module& model, optim::Adam*) {
  return optim::Adam(model.parameters(), {.lr = 0.01, .amsgrad = true});
}

// Everything that has a state: weights, running statistics, momentum, schedules per step and per
// epoch, dropout's random numbers, order and transforms of the data.
template <class Optimizer>
struct Run {
  explicit Run(int64_t workers) : loader(make_loader(workers)) {}

  nn::Sequential model{nn::Conv2d(1, 4, 3), nn::BatchNorm2d(4), nn::ReLU(),
                       nn::Flatten(),       nn::Dropout(0.4),   nn::Linear(64, 3)};
  Optimizer optimizer = make_optimizer(model, static_cast<Optimizer*>(nullptr));
  optim::LinearLR warm_up{optimizer, {.total_iters = 8}};
  optim::CosineAnnealingLR cosine{optimizer, kBatches* kEpochs};
  optim::ExponentialLR per_epoch{optimizer, 0.7};
  data::DataLoader loader;
  std::vector<float> losses = {};

  CheckpointTargets targets() {
    return {
        .module = &model, .optimizer = &optimizer, .scheduler = {&warm_up, &cosine, &per_epoch}};
  }
  void save(const std::string& path) {
    const CheckpointTargets parts = targets();
    save_checkpoint(path, {.module = parts.module,
                           .optimizer = parts.optimizer,
                           .scheduler = parts.scheduler,
                           .loader = loader.position()});
  }
  void load(const std::string& path) {
    loader.set_position(load_checkpoint(path, targets()).loader);
  }
  // To the end, or until so many steps are done.
  void train(int64_t steps = -1) {
    for (int64_t epoch = loader.epoch(); epoch < kEpochs; ++epoch) {
      for (auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = functional::cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
        warm_up.step();
        cosine.step();
        losses.push_back(loss.item<float>());
        if (--steps == 0) return;
      }
      per_epoch.step();
    }
  }
};

template <class Optimizer>
void check_end(Run<Optimizer>& run, Run<Optimizer>& straight, const Generator::State& drawn) {
  const std::vector<float> last(
      straight.losses.end() - static_cast<std::ptrdiff_t>(run.losses.size()),
      straight.losses.end());
  CHECK(run.losses == last);
  CHECK(same(run.model.state_dict(), straight.model.state_dict()));
  CHECK(same(run.optimizer.state_dict().tensors, straight.optimizer.state_dict().tensors));
  CHECK(run.optimizer.state_dict().groups == straight.optimizer.state_dict().groups);
  CHECK(run.per_epoch.state_dict().values == straight.per_epoch.state_dict().values);
  CHECK(default_generator().state() == drawn);
  CHECK(run.loader.position() == straight.loader.position());
}

// Where the test below lets another process save.
constexpr const char* kPathVariable = "NORMA_TEST_RESUME_PATH";

}  // namespace

TEMPLATE_TEST_CASE("Training goes on from the middle of an epoch, bit for bit", "", optim::SGD,
                   optim::Adam) {
  const TempFolder scratch;
  const std::string path = scratch / "run";
  manual_seed(11);
  Run<TestType> straight(1);
  straight.train();
  REQUIRE(straight.losses.size() == kBatches * kEpochs);
  const Generator::State drawn = default_generator().state();
  for (int64_t stop = 1; stop <= kBatches * kEpochs; ++stop) {
    CAPTURE(stop);
    manual_seed(11);
    Run<TestType> first(stop % 3);
    first.train(stop);
    first.save(path);
    manual_seed(99);  // other weights, other numbers drawn
    Run<TestType> second(stop % 4);
    second.train(2);
    second.losses.clear();
    second.load(path);
    CHECK(second.loader.position() == first.loader.position());
    second.train();
    CHECK(static_cast<int64_t>(second.losses.size()) == kBatches * kEpochs - stop);
    check_end(second, straight, drawn);
  }
}

TEST_CASE("Training is saved before its first step and between epochs, too") {
  const TempFolder scratch;
  const std::string path = scratch / "run";
  manual_seed(11);
  Run<optim::SGD> straight(0);
  straight.save(path);
  straight.train();
  const Generator::State drawn = default_generator().state();
  Run<optim::SGD> from_start(2);
  from_start.load(path);
  from_start.train();
  CHECK(from_start.losses == straight.losses);
  check_end(from_start, straight, drawn);

  manual_seed(11);
  Run<optim::SGD> first(1);
  for (auto& batch : first.loader) static_cast<void>(batch);  // behind a loop that is over
  CHECK(first.loader.position().epoch == 1);
  CHECK(first.loader.position().batch == 0);
}

TEST_CASE("Training goes on in another process") {
  const TempFolder scratch;
  const std::string path = scratch / "run";
  manual_seed(11);
  Run<optim::Adam> straight(1);
  straight.train();
  const Generator::State drawn = default_generator().state();

  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setenv(kPathVariable, path.c_str(), 1);
    ::execl("/proc/self/exe", "test", "The first half of a training", "-o", "/dev/null", nullptr);
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  manual_seed(99);
  Run<optim::Adam> second(1);
  second.load(path);
  second.train();
  CHECK(second.losses.size() == 8);
  check_end(second, straight, drawn);
}

// Hidden: run by the test above.
TEST_CASE("The first half of a training", "[.]") {
  const char* path = std::getenv(kPathVariable);
  REQUIRE(path != nullptr);
  manual_seed(11);
  Run<optim::Adam> run(1);
  run.train(10);
  run.save(path);
}

TEST_CASE("A loader of other data, batches or order does not go to the middle of an epoch") {
  data::DataLoader loader = make_loader(1);
  auto batch = loader.begin();
  const LoaderPosition place = loader.position();
  CHECK(place.batch == 1);
  data::DataLoader other_seed = make_loader(1, 6), other_size = make_loader(1, 5, 5);
  data::DataLoader other_data(data::spirals(10), {.batch_size = kBatchSize, .seed = 5});
  for (data::DataLoader* other : {&other_seed, &other_size, &other_data}) {
    const LoaderPosition before = other->position();
    CHECK(has(error_of([&] { other->set_position(place); }), "expected the place in an epoch"));
    CHECK(other->position() == before);
  }
  ++batch;
  CHECK(loader.position().batch == 2);
}
