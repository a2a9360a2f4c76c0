// Modules by number and by key.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

#include <memory>
#include <vector>

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;
using Pointer = std::shared_ptr<nn::Module>;

namespace {

const std::vector<Row> kTable = {
    {"nn::ModuleRow::*",
     [](Hostile& h) {
       const nn::Sequential net{nn::Linear(3, 2), nn::ReLU()};
       static_cast<void>(net[h.whole(1)].str() + net.ptr(h.whole(0))->str());
       use(net.at<nn::Linear>(h.whole(0)).weight);
     }},
    {"nn::ModuleList::*",
     [](Hostile& h) {
       nn::ModuleList list(std::vector<Pointer>{std::make_shared<nn::Linear>(3, 2),
                                                h.flag() ? nullptr : std::make_shared<nn::ReLU>()});
       list.extend(h.flag() ? list : nn::ModuleList(nn::Tanh())).push_back(nn::ReLU());
       list.append(h.flag() ? std::make_shared<nn::ModuleList>(list) : Pointer());
       list.insert(h.whole(0), h.flag() ? nullptr : std::make_shared<nn::ModuleList>(list));
       list.replace(h.whole(1), h.flag() ? nullptr : std::make_shared<nn::ModuleList>(list));
       list.insert(h.whole(1), nn::Tanh()).replace(h.whole(0), nn::Linear(3, 3));
       static_cast<void>(list.pop(h.whole(1))->str() + list.clone_module()->str());
       for (nn::Module& layer : list.clone()) use(layer(h.tensor({2, 3})));
       use(list(h.tensor({2})));
     }},
    {"nn::ModuleDict::*",
     [](Hostile& h) {
       nn::ModuleDict dict({{h.word("a"), nn::Linear(3, 2)}, {h.word("b"), Pointer()}});
       use(dict(h.tensor({2})));
     }},
    {"nn::ModuleDict::insert",
     [](Hostile& h) {
       nn::ModuleDict dict({{"a", nn::Linear(3, 2)}, {"b", nn::ReLU()}});
       dict.insert(h.word("c"), h.flag() ? nullptr : std::make_shared<nn::ModuleDict>(dict));
       dict.update(h.flag() ? dict : nn::ModuleDict({{h.word("a"), nn::Tanh()}}));
       use(dict[h.word("a")](h.tensor({2, 3})));
       use(dict.at<nn::Linear>(h.word("a")).weight);
       for (const auto& [key, module] : dict.clone()) static_cast<void>(key + module->str());
       static_cast<void>(dict.pop(h.word("b"))->str() + dict.clone_module()->str());
       static_cast<void>(dict.contains(h.word("a")));
       dict.clear();
     }},
};

}  // namespace

TEST_CASE("lists of modules take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
