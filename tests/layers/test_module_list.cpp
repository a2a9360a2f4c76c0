// ModuleList and ModuleDict. The printed forms and keys are PyTorch's.
#include "norma/tests/layers/helpers.h"
#include "norma/tests/support/strict_warnings.h"

using namespace norma;

namespace {

struct Net : nn::Cloneable<Net> {
  nn::ModuleList layers;
  nn::ModuleDict heads;

  Net()
      : layers{nn::Linear(2, 2), nn::Linear(2, 2), nn::ReLU()},
        heads{{"a", nn::Linear(2, 1)}, {"b", nn::Sequential(nn::ReLU(), nn::Linear(2, 3))}} {
    register_module("layers", layers);
    register_module("heads", heads);
  }
  Net fresh() const { return {}; }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& layer : layers) y = layer(y);
    return heads["a"](y) + heads["b"](y);
  }
};

/// One whose forward takes its own layer out of the list.
struct Leaver : nn::Module {
  explicit Leaver(nn::ModuleList& list) : list_(&list) {}
  Tensor forward(const Tensor& x) override {
    list_->pop(0);
    return x;
  }

 private:
  nn::ModuleList* list_;
};

}  // namespace

TEST_CASE("lists of modules stand in a model") {
  manual_seed(1);
  Net net;
  CHECK(names_of(net.state_dict()) ==
        "layers.0.weight layers.0.bias layers.1.weight layers.1.bias heads.a.weight heads.a.bias "
        "heads.b.1.weight heads.b.1.bias");
  CHECK(net.str() ==
        "Net(\n"
        "  (layers): ModuleList(\n"
        "    (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)\n"
        "    (2): ReLU()\n"
        "  )\n"
        "  (heads): ModuleDict(\n"
        "    (a): Linear(in_features=2, out_features=1, bias=True)\n"
        "    (b): Sequential(\n"
        "      (0): ReLU()\n"
        "      (1): Linear(in_features=2, out_features=3, bias=True)\n"
        "    )\n"
        "  )\n"
        ")");
  const Tensor x = randn({4, 2});
  const Tensor y = net(x);
  CHECK(y.sizes() == Shape{4, 3});
  y.sum().backward();
  for (const auto& [name, parameter] : net.named_parameters()) {
    INFO(name);
    CHECK(parameter.grad().defined());
  }
  Net copy = net.clone();
  CHECK(differing_bits(copy(x), y) == "");
  CHECK_FALSE(copy.layers[0].is_same(net.layers[0]));
  net.eval();
  CHECK_FALSE(net.layers[2].is_training());
  net.to(kFloat64);
  CHECK(net.heads.at<nn::Linear>("a").weight.dtype() == kFloat64);
  CHECK(error_of([&] {
          net(ones({1, 3}, {.dtype = kFloat64}));
        }).ends_with("(in layers.0, a Linear)"));
  net.set_submodule("layers.1", nn::Tanh());
  CHECK(net.layers[1].type_name() == "Tanh");
  CHECK(net.clone().layers.str() ==
        "ModuleList(\n  (0): Linear(in_features=2, out_features=2, bias=True)\n  (1): Tanh()\n"
        "  (2): ReLU()\n)");
}

TEST_CASE("the members of a list that nobody registered are noticed, and no others are") {
  struct Forgetful : nn::Module {
    nn::ModuleList list;
    explicit Forgetful(bool registers) : list(nn::Linear(1, 1)) {
      if (registers) register_module("list", list);
    }
    Tensor forward(const Tensor& x) override { return list[0](x); }
  };
  const StrictWarnings strict;
  CHECK(error_of([] { Forgetful(true)(ones({1, 1})); }) == "no error");
  CHECK(error_of([] {
          Forgetful(false)(ones({1, 1}));
        }).starts_with("[Linear] expected a registered module in the forward of the Forgetful"));
}

TEST_CASE("ModuleList") {
  nn::ModuleList list;
  CHECK(list.str() == "ModuleList()");
  CHECK(list.empty());
  list.append(nn::ReLU()).append(std::make_shared<nn::Linear>(1, 2)).push_back(nn::Tanh());
  CHECK(list.size() == 3);
  CHECK(list.at<nn::Linear>(1).out_features() == 2);
  list.insert(1, nn::Sigmoid()).insert(-1, nn::Linear(3, 4)).insert(5, nn::GELU());
  CHECK(names_of(list.named_children()) == "0 1 2 3 4 5");
  CHECK(list.str() ==
        "ModuleList(\n  (0): ReLU()\n  (1): Sigmoid()\n"
        "  (2): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (3): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (4): Tanh()\n  (5): GELU(approximate='none')\n)");
  CHECK(names_of(list.state_dict()) == "2.weight 2.bias 3.weight 3.bias");
  const nn::ModuleList handle = list;
  CHECK(list.pop()->type_name() == "GELU");
  CHECK(list.pop(0)->type_name() == "ReLU");
  CHECK(handle.is_same(list));
  CHECK(names_of(handle.state_dict()) == "1.weight 1.bias 2.weight 2.bias");
  // Errors tell the number that a module has now.
  CHECK(error_of([&] { list[1](ones({1, 5})); }).ends_with("(in 1, a Linear)"));
  list.replace(0, nn::ReLU());
  CHECK(list[0].type_name() == "ReLU");
  CHECK(list[-1].type_name() == "Tanh");
  CHECK(list.ptr(-1)->is_same(list[3]));

  nn::ModuleList more(std::vector<nn::Linear>{{1, 1}, {1, 1}});
  more.extend(list).extend(more).extend(nn::Sequential(nn::ReLU()));
  CHECK(more.size() == 13);
  CHECK(more[2].is_same(list[0]));
  CHECK(more[8].is_same(list[0]));
  int64_t count = 0;
  for (nn::Module& module : more) count += module.type_name() == "Linear";
  CHECK(count == 8);
  more.insert(0, nn::ReLU());  // modules that stand in it twice do so afterwards
  CHECK(more[9].is_same(list[0]));
  CHECK(nn::ModuleList(list.children()).size() == 4);

  nn::ModuleList original(nn::Linear(1, 1), nn::BatchNorm1d(2));
  original.append(original.ptr(0));
  original[1].eval();
  original.at<nn::Linear>(0).bias.requires_grad_(false);
  const nn::ModuleList copy = original.clone();
  CHECK(names_of(copy.state_dict()) == names_of(original.state_dict()));
  CHECK_FALSE(copy[0].is_same(original[0]));
  CHECK(copy[2].is_same(copy[0]));
  CHECK_FALSE(copy[1].is_training());
  CHECK(copy.is_training());
  CHECK_FALSE(copy.at<nn::Linear>(0).bias.requires_grad());
  const nn::ModuleList pair{nn::ReLU(), nn::ReLU()};
  CHECK(nn::ModuleList(pair.clone(), pair.clone()).str() ==
        "ModuleList(\n  (0-1): 2 x ModuleList(\n    (0-1): 2 x ReLU()\n  )\n)");
  nn::Linear shared(1, 1);
  CHECK(error_of([&] {
          nn::ModuleList(nn::Sequential(nn::ReLU(), shared), shared).clone();
        }).starts_with("[clone] expected modules that stand on their own"));
}

TEST_CASE("ModuleList draws initial values from left to right") {
  manual_seed(3);
  const nn::ModuleList list(nn::Linear(2, 2), nn::Linear(2, 3));
  manual_seed(3);
  const nn::Linear first(2, 2), second(2, 3);
  CHECK(differing_bits(list.at<nn::Linear>(0).weight, first.weight) == "");
  CHECK(differing_bits(list.at<nn::Linear>(1).weight, second.weight) == "");
}

TEST_CASE("ModuleList's errors") {
  nn::ModuleList list(nn::ReLU(), nn::Linear(1, 2));
  const std::shared_ptr<nn::Module> none;
  CHECK(error_of([&] { list[2]; }) == "[ModuleList] expected an index below its size of 2, got 2");
  CHECK(error_of([&] { list.replace(-3, nn::ReLU()); }) ==
        "[ModuleList] expected an index below its size of 2, got -3");
  CHECK(error_of([&] { list.insert(3, nn::ReLU()); }) ==
        "[ModuleList] expected an index from -2 to its size of 2, got 3");
  CHECK(error_of([] { nn::ModuleList().pop(); }) ==
        "[ModuleList] expected an index below its size of 0, got -1");
  CHECK(error_of([&] { list.at<nn::Tanh>(0); }) ==
        "[ModuleList::at] expected Tanh at index 0, got ReLU");
  CHECK(error_of([&] { list.append(none); }) ==
        "[register_module] expected a module for \"2\", got a null pointer");
  CHECK(error_of([&] { list.insert(0, none); }) ==
        "[register_module] expected a module for \"0\", got a null pointer");
  CHECK(error_of([&] { list.replace(0, none); }) ==
        "[register_module] expected a module for \"0\", got a null pointer");
  CHECK(error_of([&] { list(ones({1})); }) ==
        "[ModuleList] expected a module with a forward, got a list, which has none; call the "
        "modules in it: for (nn::Module& layer : list) x = layer(x) (in ModuleList)");
  CHECK(error_of([&] { list.insert(1, list); }) ==
        "[register_module] expected another module for \"1\", got one that holds ModuleList "
        "itself");
  list.insert(0, Leaver(list));
  CHECK(error_of([&] { list[0](ones({1})); })
            .starts_with("[replace] expected a module at \"0\" that does not run, got the Leaver "
                         "whose forward makes this call; replace it when that has ended"));
  CHECK(names_of(list.named_children()) == "0 1 2");
  struct Own : nn::ModuleList {};
  CHECK(error_of([] { Own().clone(); }).starts_with("[clone] expected a class that can be cloned"));
}

TEST_CASE("ModuleDict") {
  nn::ModuleDict dict;
  CHECK(dict.str() == "ModuleDict()");
  dict.insert("x", nn::ReLU()).insert("y", std::make_shared<nn::Linear>(1, 2));
  dict.insert("x", nn::Tanh());  // in the same place
  CHECK(dict.keys() == std::vector<std::string>{"x", "y"});
  CHECK(dict.str() ==
        "ModuleDict(\n  (x): Tanh()\n  (y): Linear(in_features=1, out_features=2, bias=True)\n)");
  CHECK(dict.contains("y"));
  CHECK_FALSE(dict.contains("z"));
  CHECK(dict.at<nn::Linear>("y").out_features() == 2);
  CHECK(dict.at("x").type_name() == "Tanh");
  CHECK(names_of(dict.state_dict()) == "y.weight y.bias");
  std::string keys;
  for (const auto& [key, module] : dict) keys += key + module->type_name() + " ";
  CHECK(keys == "xTanh yLinear ");
  CHECK(dict.values().size() == 2);
  const nn::ModuleDict copy = dict.clone();
  CHECK(copy.str() == dict.str());
  CHECK_FALSE(copy["y"].is_same(dict["y"]));
  nn::ModuleDict other({{"z", nn::ReLU()}});
  other.update(dict).update({{"x", nn::Sigmoid()}});
  CHECK(other["y"].is_same(dict["y"]));
  CHECK(other.items().size() == 3);
  CHECK(other.items()[1].second->type_name() == "Sigmoid");
  CHECK(other.pop("z")->type_name() == "ReLU");
  CHECK(names_of(other.items()) == "x y");
  other.insert("z", nn::ReLU());  // at the end
  CHECK(names_of(other.items()) == "x y z");
  other.clear();
  CHECK(other.empty());
  CHECK(other.insert("x", nn::ReLU()).size() == 1);

  CHECK(error_of([&] { dict["z"]; }) ==
        "[ModuleDict] expected one of its keys (\"x\", \"y\"), got \"z\"");
  CHECK(error_of([] { nn::ModuleDict().pop("z"); }) ==
        "[ModuleDict] expected one of its keys (none), got \"z\"");
  CHECK(error_of([&] { dict.at<nn::ReLU>("x"); }) ==
        "[ModuleDict::at] expected ReLU at \"x\", got Tanh");
  CHECK(error_of([&] { dict.insert("a.b", nn::ReLU()); }) ==
        "[register_module] expected a name without dots, got \"a.b\"; dots separate the names of "
        "nested modules");
  CHECK(error_of([&] { dict.insert("", nn::ReLU()); }) ==
        "[register_module] expected a name, got \"\" (in ModuleDict)");
  CHECK(error_of([&] { dict(ones({1})); }) ==
        "[ModuleDict] expected a module with a forward, got a dict, which has none; call a module "
        "in it: dict[key](x) (in ModuleDict)");
  struct Own : nn::ModuleDict {};
  CHECK(error_of([] { Own().clone(); }).starts_with("[clone] expected a class that can be cloned"));
}
