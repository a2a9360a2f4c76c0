// Want of memory in any call of the public surface is an Error; the next call works.
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "norma/norma.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/failing_memory.h"
#include "norma/tests/support/temp_folder.h"

using namespace norma;
namespace F = norma::functional;

namespace {

struct Call {
  const char* name;
  std::function<void()> run;
};

/// Lets every allocation of the call fail in turn; returns a line for each that ended otherwise
/// than in an Error.
std::string complaints(const std::vector<Call>& calls) {
  std::string all;
  for (const auto& [name, run] : calls) {
    run();
    std::string last;
    for (int64_t n = 0; n < 4000; ++n) {
      empty_cache();
      const char* ended = nullptr;
      std::string what;
      try {
        allocations_left = n;
        run();
      } catch (const Error&) {
      } catch (const std::exception& error) {
        ended = error.what();
      }
      const bool reached = allocations_left < 0;
      allocations_left = -1;
      if (ended && last != ended) {
        last = ended;
        all += text(name, ": ", ended, " at allocation ", n, "\n");
      }
      if (!reached) break;
    }
    run();
  }
  return all;
}

/// What the program itself copies for an argument is none of the library's.
template <class T>
T copied(const T& value) {
  const int64_t left = std::exchange(allocations_left, -1);
  T copy = value;
  allocations_left = left;
  return copy;
}

/// Too long for a small buffer of a string.
const std::string kLong = "a_name_that_is_longer_than_any_small_buffer_of_a_string";
const std::string kLongBuffer = kLong + "_buffer", kLongModule = kLong + "_module";

struct Model : nn::Cloneable<Model> {
  nn::Linear fc{2, 3};
  nn::BatchNorm1d norm{3};
  Model() {
    register_module(kLong, fc);
    register_module("norm", norm);
  }
  Model fresh() const { return Model(); }
  Tensor forward(const Tensor& x) override { return norm(fc(x)).relu(); }
};

struct Registering : nn::Module {
  explicit Registering(const Tensor& t) {
    register_parameter(kLong, t);
    register_buffer(kLongBuffer, t);
    register_module(kLongModule, nn::ReLU());
  }
};

}  // namespace

TEST_CASE("whichever allocation of a function on tensors fails, it is an Error") {
  manual_seed(1);
  const Tensor a = rand({3, 4}), b = rand({3, 4}), w = rand({4, 4}, {.requires_grad = true});
  const Tensor index = zeros({2}, {.dtype = kInt64}), mask = a > 0.5;
  const std::vector<Tensor> both = {a, w.narrow(0, 0, 3)};
  const std::vector<std::vector<double>> rows = {{1, 2}, {3, 4}};
  const Tensor image = rand({1, 2, 5, 5}, {.requires_grad = true}), kernel = rand({2, 2, 3, 3}),
               line = rand({1, 2, 5});
  const Tensor classes = zeros({3}, {.dtype = kInt64});
  const auto keep = [](const auto&... results) { (static_cast<void>(results), ...); };
  const auto change = [&](const auto& f) {
    Tensor t = a.clone();
    f(t);
  };
  const std::function<Tensor(const std::vector<Tensor>&)> product = [](const auto& in) {
    return in[0] * in[0];
  };
  const std::vector<Tensor> inputs = {ones({2}, {.dtype = kFloat64, .requires_grad = true})};
  const std::vector<Call> calls = {
      {"cat", [&] { keep(cat(both)); }},
      {"stack", [&] { keep(stack(both)); }},
      {"where", [&] { keep(where(mask, a, w.narrow(0, 0, 3))); }},
      {"allclose", [&] { keep(allclose(a, b), equal(a, b)); }},
      {"arithmetic", [&] { keep(a + w.narrow(0, 0, 3), a - 1.0, 1.0 / w, a * b, pow(w, 2.0)); }},
      {"comparison", [&] { keep(a == b, a < 1.0, a.isnan(), a.logical_not()); }},
      {"elementwise", [&] { keep(w.exp(), w.log(), w.gelu(), w.sigmoid(), w.leaky_relu()); }},
      {"in place",
       [&] {
         change([&](Tensor& t) { t.add_(b).mul_(2.0).clamp_(0.0, 1.0).fill_(1.0).zero_(); });
       }},
      {"in place with history",
       [&] {
         Tensor t = w * 1.0;
         t.add_(1.0).relu_();
         t.select(0, 0).mul_(2.0);
         t.sum().backward();
       }},
      {"views",
       [&] {
         keep(w.reshape({2, 8}), w.t(), w.permute({1, 0}), w[0], w.slice(0, 0, 4, 2),
              w.expand({2, 4, 4}), w.unsqueeze(0).squeeze(0), w.flatten(), w.t().contiguous());
       }},
      {"picking",
       [&] {
         keep(w.index_select(0, index), w.gather(0, zeros({1, 4}, {.dtype = kInt64})));
       }},
      {"reductions",
       [&] {
         keep(w.sum({0}), w.mean(), w.var(), w.std(), w.max(), w.max(0), w.argmax(), w.norm(),
              w.softmax(0), w.log_softmax(1), w.min(1), mask.any(), mask.all());
       }},
      {"matmul",
       [&] {
         keep(w.matmul(w), w.matmul(w[0]), w.expand({2, 4, 4}).matmul(w));
       }},
      {"masked_fill", [&] { keep(w.narrow(0, 0, 3).masked_fill(mask, 0.0)); }},
      {"to, item, str", [&] { keep(a.to(kFloat64), w.sum().item<float>(), w.str()); }},
      {"print",
       [&] {
         static std::ostringstream out;
         out.str({});
         out << a << a.sizes() << kFloat32;
       }},
      {"grad_fn_name", [&] { keep((w * 1.0).grad_fn_name()); }},
      {"set_data",
       [&] { change([&](Tensor& t) { t.set_data(b), t.set_grad(b), t.requires_grad_(); }); }},
      {"backward",
       [&] {
         (w * w.sigmoid()).sum().backward();
         w.matmul(w).sum().backward({}, false);
       }},
      {"factories",
       [&] {
         keep(zeros({2}), ones({2}), full({2}, 1.0), eye(3), linspace(0, 1, 5), arange(3),
              empty_like(a), ones_like(a));
       }},
      {"tensor of a list",
       [&] {
         keep(tensor({{1.0, 2.0}, {3.0, 4.0}}));
       }},
      {"tensor of vectors", [&] { keep(tensor(rows)); }},
      {"from_blob",
       [&] {
         static float values[4];
         keep(from_blob(values, {4}), from_blob(values, {4}, [] {}));
       }},
      {"random",
       [&] {
         keep(rand({2}), randn({2}), randint(0, 5, {2}), randperm(5), rand_like(a));
         change([](Tensor& t) { normal_(t, 0, 1), uniform_(t, 0, 1), bernoulli_(t, 0.5); });
       }},
      {"Generator",
       [&] {
         Generator g(3);
         const RandomStateGuard guard;
         keep(g.uniform(), g.normal(), g.below(3), Generator(g.seed()));
       }},
      {"gradcheck", [&] { keep(gradcheck(product, inputs), gradgradcheck(product, inputs)); }},
      {"Shape",
       [&] {
         keep(Shape({1, 2, 3}).str(), broadcast_shapes({2, 1}, {3}, "op"));
       }},
      {"linear", [&] { keep(F::linear(a, w, w[0])); }},
      {"conv2d", [&] { F::conv2d(image, kernel, {}, {.padding = 1}).sum().backward(); }},
      {"conv2d same", [&] { keep(F::conv2d(image, kernel, {}, {.padding = "same"})); }},
      {"conv1d", [&] { keep(F::conv1d(line, kernel.select(3, 0))); }},
      {"pool",
       [&] {
         keep(F::max_pool2d(image, 2), F::avg_pool2d(image, 2), F::adaptive_avg_pool2d(image, 1),
              F::max_pool1d(line, 2), F::pad2d(image, {1, 1, 1, 1}), F::pad1d(line, {1, 1}));
       }},
      {"dropout", [&] { keep(F::dropout(w, 0.5), F::dropout2d(image, 0.5)); }},
      {"norms", [&] { keep(F::layer_norm(w, {4}), F::group_norm(image, 2)); }},
      {"losses",
       [&] {
         keep(F::cross_entropy(w.narrow(0, 0, 3), classes), F::mse_loss(a, b), F::l1_loss(a, b),
              F::binary_cross_entropy_with_logits(a, b), F::nll_loss(w.narrow(0, 0, 3), classes));
       }},
      {"embedding", [&] { F::embedding(index, w).sum().backward(); }},
  };
  CHECK(complaints(calls) == "");
}

TEST_CASE("whichever allocation of a function on modules fails, it is an Error") {
  manual_seed(2);
  Model model;
  const Tensor x = rand({4, 2}), t = rand({2, 3});
  const auto keep = [](const auto&... results) { (static_cast<void>(results), ...); };
  const NamedTensors state = model.state_dict();
  NamedTensors wrong = state;
  wrong[0].first = kLong + "_of_another";
  nn::Sequential deep{nn::Linear(2, 3), nn::BatchNorm1d(3), nn::ReLU(), nn::Linear(3, 2)};
  nn::Sequential conv{nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::ReLU()};
  const std::function<void(nn::Module&)> nothing = [](nn::Module&) {};
  const std::vector<Call> calls = {
      {"layers",
       [&] {
         keep(nn::Linear(2, 3), nn::Conv2d(1, 2, 3), nn::Conv1d(1, 2, 3), nn::BatchNorm2d(2),
              nn::LayerNorm({3}), nn::GroupNorm(1, 2), nn::Embedding(3, 2), nn::Dropout(0.5),
              nn::MaxPool2d(2), nn::Flatten(), nn::CrossEntropyLoss(), nn::GELU());
       }},
      {"Sequential",
       [&] {
         keep(nn::Sequential{nn::Linear(2, 3), nn::ReLU()});
       }},
      {"a model", [&] { keep(Model()); }},
      {"register", [&] { keep(Registering(t)); }},
      {"call", [&] { keep(model(x), deep(x)); }},
      {"parameters", [&] { keep(model.parameters(), model.named_parameters()); }},
      {"buffers", [&] { keep(model.buffers(), model.named_buffers()); }},
      {"children", [&] { keep(model.children(), model.named_children()); }},
      {"modules", [&] { keep(model.modules(), model.named_modules()); }},
      {"apply", [&] { model.apply(nothing); }},
      {"train", [&] { model.train(), model.eval(), model.train(); }},
      {"zero_grad", [&] { model.zero_grad(), model.requires_grad_(), model.to(kFloat32); }},
      {"state_dict", [&] { keep(model.state_dict(), nn::clone(state)); }},
      {"load_state_dict", [&] { keep(model.load_state_dict(state)); }},
      {"load_state_dict of another", [&] { keep(model.load_state_dict(wrong, false)); }},
      {"check_state_dict", [&] { model.check_state_dict(state); }},
      {"clone", [&] { keep(model.clone(), deep.clone(), model.clone_module()); }},
      {"str", [&] { keep(model.str(), deep.str(), model.type_name(), conv.str()); }},
      {"set_submodule", [&] { model.clone().set_submodule(kLong, nn::Linear(2, 3)); }},
      {"fuse_conv_bn",
       [&] {
         nn::Sequential fresh = conv.clone();
         fresh.eval();
         keep(nn::fuse_conv_bn(fresh));
       }},
      {"summary",
       [&] {
         keep(nn::summary(model, zeros({4, 2})).str());
       }},
      {"make_dot",
       [&] {
         keep(nn::make_dot(model, zeros({4, 2})));
         keep(autograd::make_dot(model(ones({4, 2})).sum(), model));
       }},
      {"Shared", [&] { keep(nn::Shared<int>(3)); }},
  };
  CHECK(complaints(calls) == "");
}

TEST_CASE("whichever allocation of training and of data sets fails, it is an Error") {
  manual_seed(3);
  Model model;
  const auto keep = [](const auto&... results) { (static_cast<void>(results), ...); };
  const std::vector<Tensor> parameters = model.parameters();
  optim::Adam adam(parameters, {.lr = 0.01});
  optim::SGD sgd(parameters, {.lr = 0.1, .momentum = 0.9});
  const Tensor x = rand({4, 2});
  model(x).sum().backward();
  adam.step(), sgd.step();
  const optim::OptimizerState state = adam.state_dict();
  const data::Dataset set{rand({6, 1, 4, 4}), zeros({6}, {.dtype = kInt64})};
  const data::AnyDataset any = set;
  const std::vector<data::AnyDataset> sets = {any, any};
  const std::vector<double> halves = {0.5, 0.5}, one = {1.0};
  const std::vector<int64_t> rows = {1, 2, 3};
  const std::vector<optim::SGDParamGroup> groups = {{.params = parameters, .lr = 0.1}};
  const std::vector<Call> calls = {
      {"optimizers",
       [&] {
         keep(optim::Adam(copied(parameters), {.lr = 0.1}),
              optim::SGD(copied(parameters), {.lr = 0.1}));
       }},
      {"groups",
       [&] {
         optim::SGD fresh(copied(groups), {.lr = 0.1});
         keep(fresh.group_count());
       }},
      {"zero_grad", [&] { sgd.zero_grad(); }},
      {"state_dict", [&] { keep(adam.state_dict()); }},
      {"load_state_dict", [&] { adam.load_state_dict(state); }},
      {"split_weight_decay", [&] { keep(optim::split_weight_decay(model, 0.1)); }},
      {"clip", [&] { keep(optim::clip_grad_norm_(parameters, 1.0)); }},
      {"clip value", [&] { optim::clip_grad_value_(parameters, 1.0); }},
      {"schedulers",
       [&] {
         optim::SGD fresh(copied(parameters), {.lr = 0.1});
         optim::StepLR step(fresh, 2);
         optim::MultiStepLR steps(fresh, copied(rows));
         optim::CosineAnnealingLR cosine(fresh, 5);
         step.step();
         keep(step.state_dict());
         step.load_state_dict(step.state_dict());
       }},
      {"AnyDataset", [&] { keep(data::AnyDataset(set), any.get(1)); }},
      {"Subset", [&] { keep(data::Subset(any, copied(rows))); }},
      {"ConcatDataset", [&] { keep(data::ConcatDataset(copied(sets)).get(7)); }},
      {"random_split", [&] { keep(data::random_split(any, halves)); }},
      {"Normalize", [&] { keep(data::Normalize(copied(one), copied(one))(set.inputs)); }},
      {"transforms",
       [&] {
         keep(data::RandomCrop({3, 3}, {.padding = 1})(set.inputs),
              data::RandomHorizontalFlip(0.5)(set.inputs), data::convert_image_dtype(set.inputs));
       }},
      {"augmentations",
       [&] {
         keep(data::ColorJitter({.contrast = 0.4, .hue = 0.1})(set.inputs),
              data::RandomGrayscale(1)(set.inputs), data::Grayscale()(set.inputs),
              data::RandomVerticalFlip()(set.inputs));
         data::RotateOptions turned{.fill = copied(one)};
         keep(data::RandomRotation(15, std::move(turned))(set.inputs));
         data::RandomErasingOptions erased{.p = 1, .value = copied(one)};
         keep(data::RandomErasing(std::move(erased))(set.inputs));
         data::CutoutOptions cut{.value = copied(one)};
         keep(data::Cutout(2, std::move(cut))(set.inputs));
         keep(data::erase(set.inputs, 0, 0, 1, 1, one));
       }},
      {"mixtures",
       [&] {
         data::Batch batch{set.inputs, set.targets};
         data::MixUp({.num_classes = 10})(batch);
         data::CutMix()(batch);
         keep(batch.inputs);
       }},
      {"collate_fn",
       [&] {
         data::DataLoader loader(set, {.batch_size = 2, .collate_fn = data::default_collate});
         for (const data::Batch& batch : loader) keep(batch.inputs);
       }},
      {"DataLoader",
       [&] {
         data::DataLoader loader(set, {.batch_size = 2, .shuffle = true});
         for (const data::Batch& batch : loader) keep(batch.inputs);
         loader.set_position(loader.position());
         keep(loader.size());
       }},
      {"samplers", [&] { keep(data::RandomSampler(), data::WeightedRandomSampler(ones({6}), 6)); }},
      {"synthetic",
       [&] { keep(data::moons(5, 0.1), data::spirals(5, 0.1), data::synthetic_digits(2)); }},
  };
  CHECK(complaints(calls) == "");
}

TEST_CASE("whichever allocation of a reader of data fails, it is an Error") {
  const TempFolder scratch;
  const auto keep = [](const auto&... results) { (static_cast<void>(results), ...); };
  const std::string header("\0\0\x08\x01\0\0\0\x02", 8);
  const std::string idx = scratch.write(kLong + ".idx", header + "ab");
  const std::string csv =
      scratch.write(kLong + ".csv", kLong + ",b,c\n1,2," + kLong + "\n3,NA,other\n5,6,other\n");
  const std::string images("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02", 16);
  scratch.write("train-images-idx3-ubyte", images + std::string(8, 'x'));
  scratch.write("train-labels-idx1-ubyte", header + std::string(2, '\1'));
  scratch.write("data_batch_1.bin", std::string(3073, '\1'));
  scratch.write("test_batch_1.bin", std::string(3073, '\1'));
  scratch.write("train.bin", std::string(3074, '\1'));
  const std::string folder = scratch.path();
  const data::CsvOptions options{.missing = NAN, .columns = {"b", "c"}};
  const std::vector<Call> calls = {
      {"read_idx", [&] { keep(data::read_idx(idx)); }},
      {"mnist", [&] { keep(data::mnist(folder, true)); }},
      {"emnist_classes", [&] { keep(data::emnist_classes("balanced")); }},
      {"cifar10", [&] { keep(data::cifar10(folder, true), data::cifar10(folder, false)); }},
      {"cifar100", [&] { keep(data::cifar100(folder, true)); }},
      {"no such folder",
       [&] {
         try {
           data::mnist(folder, false);
         } catch (const Error&) {
         }
       }},
      {"read_csv", [&] { keep(data::read_csv(csv, options)); }},
  };
  CHECK(complaints(calls) == "");
}
