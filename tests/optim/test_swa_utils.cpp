#include <norma/norma.h>

#include <cstdio>

#include "norma/tests/optim/support.h"

using namespace norma;
using namespace norma::optim;

namespace {

nn::Sequential make_net() {
  manual_seed(5);
  return nn::Sequential(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::Dropout(0.5));
}

// Weights and buffers of state number k.
void set(nn::Sequential& net, int k) {
  const NoGradGuard no_grad;
  for (const Tensor& p : net.parameters()) Tensor(p).fill_(static_cast<double>(k * k));
  for (const Tensor& b : net.buffers()) Tensor(b).fill_(static_cast<double>(10 * k));
}

double first(const nn::Module& module) {
  return module.parameters()[0].detach().flatten()[0].item<double>();
}

struct Own : nn::Module {
  nn::Linear fc;
  Own() : fc(2, 2) { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return fc(x); }
};

}  // namespace

TEST_CASE("AveragedModel averages parameters, and takes or averages buffers") {
  nn::Sequential net = make_net();
  net.to(kFloat64);
  AveragedModel equal_weights(net), with_buffers(net, {.use_buffers = true});
  AveragedModel ema(net, {.multi_avg_fn = get_ema_multi_avg_fn(0.75)});
  AveragedModel own(net, {.avg_fn = [](const Tensor& a, const Tensor& b, int64_t n) {
                      return a + b * static_cast<double>(n);
                    }});
  std::vector<double> means, emas, owns, buffers;
  for (int k = 1; k <= 4; ++k) {
    set(net, k);
    for (AveragedModel* model : {&equal_weights, &with_buffers, &ema, &own})
      model->update_parameters(net);
    means.push_back(first(equal_weights));
    emas.push_back(first(ema));
    owns.push_back(first(own));
    buffers.push_back(with_buffers.module->buffers()[0].flatten()[0].item<double>());
  }
  CHECK(worst(means, {1, 2.5, 14 / 3.0, 7.5}) < 1e-15);
  CHECK(worst(emas, {1, 1.75, 3.5625, 6.671875}) < 1e-15);
  CHECK(owns == std::vector<double>{1, 5, 23, 71});
  CHECK(worst(buffers, {10, 15, 20, 25}) < 1e-15);
  CHECK(equal_weights.module->buffers()[0].flatten()[0].item<double>() == 40);
  CHECK(with_buffers.module->buffers()[2].item<int64_t>() == 25);
  CHECK(equal_weights.n_averaged.item<int64_t>() == 4);
  CHECK(first(net) == 16);
}

TEST_CASE("AveragedModel's state has PyTorch's keys, is saved, cloned and loaded") {
  const std::string path = "averaged.safetensors";
  nn::Sequential net = make_net();
  AveragedModel averaged(net);
  std::vector<std::string> keys;
  for (const auto& entry : averaged.state_dict()) keys.push_back(entry.first);
  CHECK(keys == std::vector<std::string>{"n_averaged", "module.0.weight", "module.0.bias",
                                         "module.1.weight", "module.1.bias",
                                         "module.1.running_mean", "module.1.running_var",
                                         "module.1.num_batches_tracked"});
  CHECK(equal(averaged.n_averaged, zeros({}, {.dtype = kInt64})));
  averaged.update_parameters(net);
  save(averaged, path);
  AveragedModel other(make_net());
  load(other, path);
  std::remove(path.c_str());
  CHECK(other.n_averaged.item<int64_t>() == 1);
  const AveragedModel copy = averaged.clone();
  CHECK(copy.n_averaged.item<int64_t>() == 1);
  set(net, 3);
  averaged.update_parameters(net);
  CHECK(copy.n_averaged.item<int64_t>() == 1);
  CHECK(first(copy) != first(averaged));
  averaged.eval();
  const Tensor x = ones({4, 2});
  CHECK(equal(averaged(x), (*averaged.module)(x)));
  CHECK(averaged.str() ==
        "AveragedModel(\n  (module): Sequential(\n    (0): Linear(in_features=2, out_features=3, "
        "bias=True)\n    (1): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, "
        "bias=True, track_running_stats=True)\n    (2): Dropout(p=0.5, inplace=False)\n  )\n)");
}

TEST_CASE("AveragedModel takes a class without clone() with a new model beside it") {
  Own net;
  AveragedModel averaged(net, std::make_shared<Own>());
  CHECK(equal(averaged.module->parameters()[0].detach(), net.fc.weight.detach()));
  CHECK(has(error_of([&] { AveragedModel model(net); }), "clone"));
  CHECK(error_of([&] { AveragedModel model(net, std::shared_ptr<nn::Module>()); }) ==
        "[AveragedModel] expected a new model of the same structure, got a null pointer");
  CHECK(error_of([&] { AveragedModel model(net, std::make_shared<Own>(net)); }) ==
        "[AveragedModel] expected another model to average in, got the same");
}

TEST_CASE("AveragedModel refuses other models and two functions") {
  nn::Sequential net = make_net();
  AveragedModel averaged(net);
  CHECK(error_of([&] { averaged.update_parameters(nn::Linear(2, 3)); }) ==
        "[AveragedModel] expected a model with 4 parameters, got one with 2");
  CHECK(error_of([&] {
          averaged.update_parameters(nn::Sequential(nn::Linear(2, 4), nn::Linear(1, 1)));
        }) == "[AveragedModel] expected parameter 0 of shape [3, 2], got [4, 2]");
  AveragedModel plain(nn::Linear(2, 3));
  CHECK(error_of([&] { plain.update_parameters(nn::BatchNorm1d(3)); }) ==
        "[AveragedModel] expected parameter 0 of shape [3, 2], got [3]");
  CHECK(averaged.n_averaged.item<int64_t>() == 0);
  CHECK(error_of([&] {
          AveragedModel(net, {.avg_fn = [](const Tensor& a, const Tensor&, int64_t) { return a; },
                              .multi_avg_fn = get_swa_multi_avg_fn()});
        }) == "[AveragedModel] Only one of avg_fn and multi_avg_fn should be provided");
  CHECK(error_of([] { get_ema_multi_avg_fn(1.5); }) ==
        "[get_ema_multi_avg_fn] Invalid decay value 1.5 provided. Please provide a value in [0,1] "
        "range.");
}

TEST_CASE("update_bn makes the statistics those of all batches alike, and restores modes") {
  nn::BatchNorm1d fast(2), still(2), none(2, {.track_running_stats = false});
  still.freeze_stats();
  nn::Sequential net(fast, none, still);
  net.to(kFloat64);
  net.eval();
  none.train();
  manual_seed(1);
  std::vector<Tensor> batches;
  for (int i = 0; i < 3; ++i) batches.push_back(randn({8, 2}, {.dtype = kFloat64}) + double(i));
  fast.running_mean.fill_(100.0);
  update_bn(batches, net);
  Tensor mean = zeros({2}, {.dtype = kFloat64}), var = zeros({2}, {.dtype = kFloat64});
  for (const Tensor& batch : batches) {
    mean.add_(batch.mean(0) / 3.0);
    var.add_(batch.var(0) / 3.0);
  }
  CHECK(allclose(fast.running_mean, mean, 1e-12, 1e-12));
  CHECK(allclose(fast.running_var, var, 1e-12, 1e-12));
  CHECK(fast.num_batches_tracked.item<int64_t>() == 3);
  CHECK(equal(still.running_mean, zeros({2}, {.dtype = kFloat64})));
  CHECK(!net.is_training());
  CHECK(none.is_training());
  // Afterwards the layer's own momentum counts again.
  fast.train();
  fast(zeros({4, 2}, {.dtype = kFloat64}));
  CHECK(allclose(fast.running_mean, mean * 0.9, 1e-12, 1e-12));
}

TEST_CASE("update_bn takes loaders, samples and pairs, and leaves models without BatchNorm alone") {
  nn::BatchNorm1d layer(2);
  manual_seed(2);
  data::Dataset set{randn({12, 2}), zeros({12}, {.dtype = kInt64})};
  data::DataLoader loader(set, {.batch_size = 4});
  update_bn(loader, layer);
  CHECK(allclose(layer.running_mean, set.inputs.mean(0), 1e-5, 1e-6));
  const Tensor seen = layer.running_mean.clone();
  update_bn(std::vector<std::pair<Tensor, Tensor>>{{set.inputs, set.targets}}, layer);
  CHECK(allclose(layer.running_mean, seen, 1e-5, 1e-6));
  update_bn(std::vector<std::vector<Tensor>>{{set.inputs, set.targets}}, layer);
  CHECK(allclose(layer.running_mean, seen, 1e-5, 1e-6));
  CHECK(error_of([&] { update_bn(std::vector<std::vector<Tensor>>{{}}, layer); }) ==
        "[update_bn] expected batches of at least one tensor, got an empty one");
  nn::Linear without(2, 2);
  without.eval();
  update_bn(std::vector<Tensor>{Tensor()}, without);  // not even read
  CHECK(!without.is_training());
  layer.eval();
  CHECK(error_of([&] { update_bn(std::vector<Tensor>{ones({4, 3})}, layer); }) != "no error");
  CHECK(!layer.is_training());
}

TEST_CASE("SWALR goes on from the rate that steps of others left") {
  SGD optimizer({zeros({2}).requires_grad_()}, {.lr = 1});
  ExponentialLR decay(optimizer, 0.1);
  decay.step();
  decay.step();
  SWALR swa(optimizer, 0.05, {2, "linear"});
  CHECK(optimizer.lr() == Approx(0.01));
  swa.step();
  CHECK(optimizer.lr() == Approx(0.03));
}
