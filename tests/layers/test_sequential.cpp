#include "norma/tests/layers/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace nn = norma::nn;

namespace {

struct Double : nn::Module {
  Tensor forward(const Tensor& x) override { return x * 2.0; }
};

struct AddOne : nn::Module {
  Tensor forward(const Tensor& x) override { return x + 1.0; }
};

struct Stage : nn::Sequential {
  Stage() : nn::Sequential(Double(), AddOne()) {}
};

double run(nn::Module& net, double x) { return net(norma::full({1}, x)).item<double>(); }

}  // namespace

TEST_CASE("modules run in order") {
  nn::Sequential a{Double(), AddOne()}, b{AddOne(), Double()};
  CHECK(run(a, 3) == 7);
  CHECK(run(b, 3) == 8);
  nn::Sequential empty;
  CHECK(empty.size() == 0);
  CHECK(empty.empty());
  CHECK(run(empty, 3) == 3);
}

TEST_CASE("temporaries, named modules, pointers and other Sequentials") {
  Double named;
  const AddOne constant;
  auto pointer = std::make_shared<AddOne>();
  const std::shared_ptr<nn::Module> base = std::make_shared<Double>();
  nn::Sequential inner(named, constant);
  nn::Sequential net(inner, named, pointer, base, nn::Sequential(AddOne(), AddOne()));
  CHECK(net.size() == 5);
  CHECK(run(net, 1) == 16);  // 1 -> 3 -> 6 -> 7 -> 14 -> 16
  CHECK(net[0].is_same(inner));
  CHECK(net[1].is_same(named));
  CHECK(&net[2] == pointer.get());
  CHECK(names_of(net.named_modules()) == " 0 0.0 0.1 2 3 4 4.0 4.1");
}

TEST_CASE("copying a Sequential is copying the handle, also through a derived class") {
  nn::Sequential net{Double(), AddOne()};
  nn::Sequential copy(net);
  const nn::Sequential constant = net;
  nn::Sequential of_constant(constant);
  nn::Sequential moved(nn::Sequential{net});
  CHECK(copy.is_same(net));
  CHECK(of_constant.is_same(net));
  CHECK(moved.is_same(net));
  net.push_back(Double());
  CHECK(copy.size() == 3);

  Stage stage;
  const Stage stage_copy = stage;
  CHECK(stage_copy.is_same(stage));
  nn::Sequential around(stage);  // a model of one stage
  CHECK(around.size() == 1);
  CHECK(run(around, 3) == 7);
}

TEST_CASE("push_back numbers modules or names them") {
  nn::Sequential net;
  net.push_back(nn::Linear(2, 2)).push_back("act", nn::ReLU()).push_back(nn::Linear(2, 1));
  net.push_back("last", std::make_shared<nn::Identity>());
  CHECK(names_of(net.named_children()) == "0 act 2 last");
  CHECK(net.parameters().size() == 4);
  CHECK(has(error_of([&] { net.push_back("act", nn::ReLU()); }), "\"act\""));
  CHECK(has(error_of([&] { net.push_back("a.b", nn::ReLU()); }), "without dots"));
  CHECK(net.size() == 4);
}

TEST_CASE("indices and types") {
  nn::Sequential net(nn::Linear(2, 3), nn::BatchNorm1d(3), nn::ReLU());
  CHECK(net[0].type_name() == "Linear");
  CHECK(net[-1].type_name() == "ReLU");
  CHECK(net.at<nn::Linear>(0).weight.sizes() == Shape({3, 2}));
  CHECK(net.at<nn::BatchNorm>(1).num_features() == 3);
  CHECK(net.at<nn::Linear>(0).weight.is_same(net.parameters()[0]));
  CHECK(has(error_of([&] { net.at<nn::Linear>(1); }),
            "[Sequential::at] expected Linear at index 1, got BatchNorm1d"));
  for (const int64_t index : {3, -4}) {
    CHECK(has(error_of([&] { net[index]; }),
              "expected an index below its size of 3, got " + std::to_string(index)));
  }
}

TEST_CASE("range-for goes over the modules") {
  const nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  std::string types;
  for (nn::Module& module : net) types += module.type_name() + " ";
  CHECK(types == "Linear ReLU ");
  for (auto& module : net) module.eval();
  CHECK_FALSE(net[0].is_training());
  CHECK(net.begin()->type_name() == "Linear");
}

TEST_CASE("a MLP of Sequentials learns") {
  norma::manual_seed(3);
  nn::Sequential net(nn::Linear(2, 8), nn::BatchNorm1d(8), nn::Tanh(), nn::Linear(8, 1));
  const Tensor x = norma::tensor({{0.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}, {1.0, 1.0}});
  const Tensor y = norma::tensor({{0.0}, {1.0}, {1.0}, {0.0}});
  nn::MSELoss loss;
  double last = 1;
  for (int step = 0; step < 200; ++step) {
    net.zero_grad();
    const Tensor value = loss(net(x), y);
    value.backward();
    last = value.item<double>();
    const norma::NoGradGuard no_grad;
    for (Tensor& p : net.parameters()) p.sub_(p.grad() * 0.2);
  }
  CHECK(last < 0.01);
}
