// Modules: holders, names, containers, copies, files.
#include <torch/torch.h>

#include <filesystem>

#include "norma/tests/torch/refusal.h"

namespace {

struct BlockImpl : torch::nn::Cloneable<BlockImpl> {
  explicit BlockImpl(int64_t width) : width_(width) { reset(); }
  void reset() override {
    fc = register_module("fc", torch::nn::Linear(width_, width_));
    scale = register_parameter("scale", torch::ones({width_}));
    seen = register_buffer("seen", torch::zeros({1}));
  }
  torch::Tensor forward(torch::Tensor x, double factor = 1) { return x + factor * scale * fc(x); }
  torch::nn::Linear fc{nullptr};
  torch::Tensor scale, seen;

 private:
  int64_t width_;
};
TORCH_MODULE(Block);

struct PairImpl : torch::nn::Module {
  std::tuple<torch::Tensor, torch::Tensor> forward(torch::Tensor a, torch::Tensor b) {
    return {a + b, a - b};
  }
};
TORCH_MODULE(Pair);

struct FirstImpl : torch::nn::Module {
  torch::Tensor forward(std::tuple<torch::Tensor, torch::Tensor> both) { return std::get<0>(both); }
};
TORCH_MODULE(First);

void check_names(torch::nn::Sequential& net) {
  std::vector<std::string> names;
  for (const auto& pair : net->named_parameters()) names.push_back(pair.key());
  TORCH_CHECK(names.front() == "block.scale" && names.size() == 5, "names: ", names.size());
  TORCH_CHECK(net->named_parameters()["1.weight"].size(0) == 2);
  TORCH_CHECK(net->named_buffers().contains("block.seen"));
  size_t linear = 0;
  net->apply([&](torch::nn::Module& module) {
    if (auto* layer = module.as<torch::nn::Linear>()) {
      torch::nn::init::xavier_uniform_(layer->weight);
      ++linear;
    }
  });
  TORCH_CHECK(linear == 2 && net->modules().size() == 5 && net->children().size() == 3);
  TORCH_CHECK(torch::str(net).find("(fc): Linear(in_features=4") != std::string::npos, net);
}

void check_containers() {
  torch::nn::Sequential several(Pair{}, First{});
  TORCH_CHECK(several->forward(torch::ones({2}), torch::ones({2})).sum().item<float>() == 4);
  bool refused = false;
  try {
    torch::nn::Sequential(Pair{}, torch::nn::ReLU())->forward(torch::ones({2}), torch::ones({2}));
  } catch (const torch::Error& error) {
    refused = std::string(error.what()).find("between two modules") != std::string::npos;
  }
  TORCH_CHECK(refused, "a pair where a tensor is wanted");

  torch::nn::ModuleList list;
  for (int i = 0; i < 3; ++i) list->push_back(torch::nn::Linear(2, 2));
  TORCH_CHECK(list->parameters().size() == 6 && list->named_parameters()[0].key() == "0.weight");
  TORCH_CHECK(list->at<torch::nn::LinearImpl>(1).options.in_features() == 2);
  for (const auto& module : *list) TORCH_CHECK(module->as<torch::nn::Linear>());
  list->insert(3, torch::nn::ReLU());
  std::string message;
  try {
    list->insert(5, torch::nn::ReLU());
  } catch (const torch::Error& error) {
    message = error.what();
  }
  TORCH_CHECK(list->size() == 4 && message == "[ModuleList] expected a place in [0, 4], got 5");
  torch::nn::ModuleDict dict;
  dict->insert("relu", torch::nn::ReLU());
  TORCH_CHECK(dict->contains("relu") && dict->keys().front() == "relu");
}

// A copy has tensors of its own, and the mode of every module.
struct HouseImpl : torch::nn::Module {
  HouseImpl() {
    register_module("rooms", rooms);
    register_module("doors", doors);
    register_module("roof", torch::nn::Linear(2, 3));
    replace_module("roof", torch::nn::Linear(2, 4));
    register_module("shed", torch::nn::ReLU());
    unregister_module("shed");
  }
  torch::nn::ModuleList rooms{torch::nn::Linear(1, 2), torch::nn::ReLU()};
  torch::nn::ModuleDict doors;
};
TORCH_MODULE(House);

void check_places() {
  House house;
  TORCH_CHECK(house->named_children().keys().back() == "roof" && house->children().size() == 3);
  TORCH_CHECK(house->named_parameters()["roof.weight"].size(0) == 4);
  house->rooms->insert(1, torch::nn::Linear(2, 2));
  house->rooms->push_back(torch::nn::Dropout(0.5));
  TORCH_CHECK(house->rooms->size() == 4 && house->rooms[1]->as<torch::nn::Linear>());
  TORCH_CHECK(house->named_parameters().contains("rooms.1.weight"));
  std::size_t linear = 0;
  for (const auto& room : *house->rooms) linear += room->as<torch::nn::Linear>() ? 1 : 0;
  TORCH_CHECK(linear == 2);

  torch::OrderedDict<std::string, std::shared_ptr<torch::nn::Module>> more;
  more.insert("front", torch::nn::Linear(3, 1).ptr());
  more.insert("back", torch::nn::ReLU().ptr());
  house->doors->update(more);
  TORCH_CHECK(house->doors->at<torch::nn::LinearImpl>("front").weight.size(1) == 3);
  house->doors->pop("front");
  for (const auto& door : house->doors->items()) TORCH_CHECK(door.first == "back");
  TORCH_CHECK(!house->doors->contains("front") && house->doors->size() == 1);
  house->doors->clear();
  TORCH_CHECK(house->doors->empty());

  torch::nn::Sequential row(torch::nn::Linear(2, 2), torch::nn::ReLU());
  TORCH_CHECK(row[0]->as<torch::nn::Linear>() && !row[1]->as<torch::nn::Linear>());
  torch::nn::AnyModule any;
  any = torch::nn::Linear(2, 5);
  TORCH_CHECK(any.ptr<torch::nn::LinearImpl>()->weight.size(0) == 5);
}

void check_shared() {
  auto shared = torch::nn::Linear(4, 4);
  auto net = torch::nn::Sequential(shared, torch::nn::ReLU(), shared, torch::nn::Linear(4, 1));
  net->forward(torch::ones({2, 4})).sum().backward();
  const auto tied = net[0].get()->named_parameters()[0].value();
  TORCH_CHECK(tied.data_ptr() == net[2].get()->parameters()[0].data_ptr());
  std::vector<std::string> kinds;
  for (const auto& module : net->modules(/*include_self=*/false)) {
    if (auto* const layer = dynamic_cast<torch::nn::LinearImpl*>(module.get())) {
      kinds.push_back(layer->name());
    }
  }
  TORCH_CHECK(kinds.size() == 3 && kinds[0] == "torch::nn::LinearImpl", kinds.size());
  std::ostringstream out;
  out << net->parameters();
  TORCH_CHECK(out.str().find("requires_grad") != std::string::npos || !out.str().empty());
}

void check_copies() {
  torch::nn::Sequential net(torch::nn::Linear(2, 2), torch::nn::BatchNorm1d(2),
                            torch::nn::Functional(torch::leaky_relu, 0.2));
  net->ptr(1)->eval();
  const auto x = torch::randn({3, 2});
  const auto copy = std::dynamic_pointer_cast<torch::nn::SequentialImpl>(net->clone());
  TORCH_CHECK(copy->is_training() && copy->ptr(0)->is_training() && !copy->ptr(1)->is_training());
  TORCH_CHECK(torch::equal(copy->forward(x), net->forward(x)));
  TORCH_CHECK(copy->parameters()[0].data_ptr<float>() != net->parameters()[0].data_ptr<float>());

  torch::nn::ModuleList list(torch::nn::Linear(2, 2), torch::nn::Functional(torch::relu));
  torch::nn::ModuleDict dict;
  dict->insert("net", net);
  dict->insert("list", list);
  list->ptr(0)->eval();
  const auto both = std::dynamic_pointer_cast<torch::nn::ModuleDictImpl>(dict->clone());
  TORCH_CHECK(both->is_training() && both->keys() == dict->keys());
  auto& inner = *(*both)["list"]->as<torch::nn::ModuleList>();
  TORCH_CHECK(inner.size() == 2 && inner.is_training() && !inner[0]->is_training());
  TORCH_CHECK(both->parameters().size() == 6);
  for (const auto& pair : both->named_parameters()) {
    const auto source = dict->named_parameters()[pair.key()];
    TORCH_CHECK(torch::equal(pair.value(), source), pair.key());
    TORCH_CHECK(pair.value().data_ptr<float>() != source.data_ptr<float>(), pair.key());
  }
}

void check_empty() {
  const torch::nn::AnyModule none;
  const std::string message = "[AnyModule] expected a module, got an empty AnyModule";
  TORCH_CHECK(refusal([&] { none.forward(torch::ones({2})); }) == message);
  TORCH_CHECK(refusal([&] { none.get<torch::nn::Linear>(); }) == message);
  TORCH_CHECK(none.clone().is_empty());
  torch::nn::Sequential net(torch::nn::ReLU{});
  TORCH_CHECK(refusal([&] { net->push_back(none); }) == message);
  TORCH_CHECK(!refusal([&] { net->push_back("0", torch::nn::ReLU()); }).empty());
  TORCH_CHECK(net->size() == 1 && net->children().size() == 1, "refused modules are not there");
}

void check_files(torch::nn::Sequential& net) {
  const std::string path = (std::filesystem::temp_directory_path() / "norma_torch_net.pt").string();
  torch::save(net, path);
  torch::nn::Sequential other({{"block", Block(4)},
                               {"1", torch::nn::Linear(4, 2)},
                               {"2", torch::nn::Functional(torch::leaky_relu, 0.2)}});
  torch::load(other, path);
  const auto x = torch::randn({3, 4});
  TORCH_CHECK(torch::equal(net->forward(x), other->forward(x)));

  auto copy = std::dynamic_pointer_cast<BlockImpl>(net->at<Block>(0).clone());
  TORCH_CHECK(torch::equal(copy->forward(x), net->at<Block>(0).forward(x)));
  {
    torch::NoGradGuard no_grad;
    copy->fc->weight.zero_();
  }
  TORCH_CHECK(!torch::equal(copy->forward(x), net->at<Block>(0).forward(x)));

  torch::save(std::vector<torch::Tensor>{x, x * 2}, path);
  std::vector<torch::Tensor> back;
  torch::load(back, path);
  TORCH_CHECK(back.size() == 2 && torch::equal(back[1], x * 2));
  torch::save(x, path);
  torch::Tensor one;
  torch::load(one, path);
  TORCH_CHECK(torch::equal(one, x));
  std::filesystem::remove(path);
}

}  // namespace

int main() {
  torch::manual_seed(2);
  torch::nn::Sequential net({{"block", Block(4)}});
  net->push_back(torch::nn::Linear(torch::nn::LinearOptions(4, 2).bias(true)));
  net->push_back(torch::nn::Functional(torch::leaky_relu, 0.2));
  check_names(net);
  check_containers();
  check_places();
  check_shared();
  check_copies();
  check_empty();
  check_files(net);
  TORCH_CHECK(torch::nn::Linear(nullptr).is_empty());
}
