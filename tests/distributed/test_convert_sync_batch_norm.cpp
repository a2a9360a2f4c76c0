// convert_sync_batchnorm: BatchNorm replaced wherever it stands, with the same tensors.
#include <string>

#include "norma/tests/distributed/parts.h"

using namespace norma;

namespace {

struct Block : nn::Cloneable<Block> {
  nn::Conv2d conv;
  nn::BatchNorm2d bn;
  Block() : conv(3, 3, 3, {.padding = 1}), bn(3) {
    register_module("conv", conv);
    register_module("bn", bn);
  }
  Block fresh() const { return {}; }
  Tensor forward(const Tensor& x) override { return relu(bn(conv(x))) + x; }
};

struct Net : nn::Cloneable<Net> {
  Block block;
  nn::Sequential head;
  Net() : head(nn::Flatten(), nn::Linear(48, 4), nn::BatchNorm1d(4), nn::ReLU(), nn::Linear(4, 2)) {
    register_module("block", block);
    register_module("head", head);
  }
  Net fresh() const { return {}; }
  Tensor forward(const Tensor& x) override { return head(block(x)); }
};

std::string type_at(const nn::Module& model, const std::string& path) {
  for (const auto& [name, module] : model.named_modules()) {
    if (name == path) return module->type_name();
  }
  return "nothing";
}

std::string keys(const nn::Module& model) {
  std::string all;
  for (const auto& [name, tensor] : model.state_dict()) all += name + " ";
  return all;
}

}  // namespace

TEST_CASE("Every BatchNorm of a model, nested and in members, with the same tensors") {
  ranks::size();
  manual_seed(1);
  Net net;
  net.block.bn.freeze_stats();
  net.block.bn.weight.requires_grad_(false);
  net.block.eval();
  const std::string names = keys(net);
  const NamedTensors before = net.state_dict();
  const std::vector<Tensor> parameters = net.parameters();

  Net& same = nn::SyncBatchNorm::convert_sync_batchnorm(net);
  CHECK(&same == &net);
  CHECK(type_at(net, "block.bn") == "SyncBatchNorm");
  CHECK(type_at(net, "head.2") == "SyncBatchNorm");
  CHECK(type_at(net, "block.conv") == "Conv2d");
  CHECK(keys(net) == names);
  const NamedTensors after = net.state_dict();
  for (std::size_t i = 0; i < after.size(); ++i) {
    INFO(after[i].first);
    CHECK(after[i].second.raw_data() == before[i].second.raw_data());
    CHECK(after[i].second.requires_grad() == before[i].second.requires_grad());
  }
  CHECK(net.parameters().size() == parameters.size());

  const auto layer = std::dynamic_pointer_cast<nn::SyncBatchNorm>(net.block.bn.replacement());
  REQUIRE(layer);
  CHECK_FALSE(layer->is_training());
  CHECK(layer->is_frozen());
  CHECK(net.is_training());
  CHECK(layer->extra_repr() == net.block.bn.extra_repr());
  net.train();
  CHECK(layer->is_training());
  CHECK(net.block.bn.is_training());
}

TEST_CASE("What it computes: one step of all ranks is one of the joined batch") {
  manual_seed(2);
  Net net;
  net.to(kFloat64);
  Net joined = net.clone();
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
  optim::SGD other(joined.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
  const auto step = [](Net& model, optim::SGD& sgd, const Tensor& x, bool shares) {
    sgd.zero_grad();
    model(x).sin().sum().backward();
    if (shares) {
      for (const Tensor& p : model.parameters()) distributed::all_reduce(p.grad());
    }
    sgd.step();
  };
  for (int i = 0; i < 3; ++i) {
    const Tensor x = randn({9, 3, 4, 4}, {.dtype = kFloat64});
    // The optimiser has momentum buffers of the parameters when the layers are replaced.
    if (i == 1) nn::SyncBatchNorm::convert_sync_batchnorm(net);
    const bool shares = i > 0;
    step(net, optimizer, shares ? part_of(x, uneven_parts(9)) : x, shares);
    step(joined, other, x, false);
  }
  const NamedTensors got = net.state_dict(), want = joined.state_dict();
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO(got[i].first);
    CHECK(mismatch(got[i].second, want[i].second, 1e-12, 1e-12) == "");
  }
}

TEST_CASE("A copy of a converted model has layers of its own") {
  manual_seed(3);
  Net net;
  nn::SyncBatchNorm::convert_sync_batchnorm(net);
  Net copy = net.clone();
  CHECK(type_at(copy, "block.bn") == "SyncBatchNorm");
  CHECK(type_at(copy, "head.2") == "SyncBatchNorm");
  copy(randn({4, 3, 4, 4}));
  CHECK(copy.head.at<nn::SyncBatchNorm>(2).num_batches_tracked.item<int64_t>() == 1);
  CHECK(net.head.at<nn::SyncBatchNorm>(2).num_batches_tracked.item<int64_t>() == 0);
  // Into a plain model goes what it learnt, and back.
  Net plain;
  plain.load_state_dict(copy.state_dict());
  net.load_state_dict(plain.state_dict());
}

TEST_CASE("A layer by itself, one that stands twice, and one that was lazy") {
  nn::BatchNorm2d alone(2);
  nn::BatchNorm2d& same = nn::SyncBatchNorm::convert_sync_batchnorm(alone);
  REQUIRE(same.replacement());
  CHECK(same.replacement()->type_name() == "SyncBatchNorm");
  CHECK(has(alone.str(), "SyncBatchNorm(2"));
  const Tensor x = ones({1, 2, 1, 1}) * static_cast<double>(ranks::rank());
  if (ranks::size() > 1) CHECK(alone(x).sizes() == x.sizes());  // BatchNorm2d refuses one value
  CHECK(has(error_of([&] { alone(ones({2})); }), "(in SyncBatchNorm)"));

  nn::BatchNorm1d shared(2);
  nn::Sequential twice(shared, nn::ReLU(), shared);
  nn::SyncBatchNorm::convert_sync_batchnorm(twice);
  CHECK(twice.at<nn::SyncBatchNorm>(0).is_same(twice.at<nn::SyncBatchNorm>(2)));
  CHECK(twice.parameters().size() == 2);

  nn::Sequential lazy(nn::LazyLinear(3), nn::LazyBatchNorm1d());
  CHECK(has(error_of([&] { nn::SyncBatchNorm::convert_sync_batchnorm(lazy); }),
            "expected a model whose sizes are known"));
  lazy(randn({4, 5}));
  nn::SyncBatchNorm::convert_sync_batchnorm(lazy);
  CHECK(type_at(lazy, "1") == "SyncBatchNorm");
}

TEST_CASE("What stays: classes of one's own, other norms, a second time, optim::update_bn") {
  struct Own : nn::BatchNorm1d {
    using BatchNorm1d::BatchNorm1d;
    Tensor forward(const Tensor& x) override { return BatchNorm1d::forward(x) + 1; }
  };
  nn::Sequential net(nn::Linear(2, 3), nn::LayerNorm({3}));
  net.push_back(std::make_shared<Own>(3));
  net.push_back(nn::BatchNorm1d(3));
  nn::SyncBatchNorm::convert_sync_batchnorm(net);
  CHECK(type_at(net, "1") == "LayerNorm");
  CHECK(type_at(net, "2") == "Own");
  const auto first = net.at<nn::SyncBatchNorm>(3);
  nn::SyncBatchNorm::convert_sync_batchnorm(net);
  CHECK(net.at<nn::SyncBatchNorm>(3).is_same(first));

  // Its batches count alike, as with BatchNorm.
  manual_seed(4);
  nn::Sequential averaged(nn::BatchNorm1d(2)), plain(nn::BatchNorm1d(2));
  nn::SyncBatchNorm::convert_sync_batchnorm(averaged);
  const Tensor all = randn({12, 2});
  data::DataLoader whole(data::Dataset{all, zeros({12})}, {.batch_size = 6});
  data::DataLoader parts(data::Dataset{all, zeros({12})},
                         {.batch_size = 6 / ranks::size(),
                          .sampler = data::DistributedSampler(12, {.shuffle = false})});
  if (6 % ranks::size() != 0) return;
  optim::update_bn(whole, plain);
  optim::update_bn(parts, averaged);
  CHECK(mismatch(averaged.state_dict()[3].second, plain.state_dict()[3].second, 1e-6) == "");
  CHECK(mismatch(averaged.state_dict()[2].second, plain.state_dict()[2].second, 0, 1e-6) == "");
}
