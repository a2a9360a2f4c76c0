// What a user's class holds beside its registered state.
#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/stderr_of.h"
#include "norma/tests/support/strict_warnings.h"

namespace nn = norma::nn;
using norma::Tensor;

namespace {

struct Probe : nn::Module {
  Tensor last;
  Tensor forward(const Tensor& x) override {
    last = x;
    return x;
  }
};

struct Counter : nn::Module {
  int64_t calls = 0;
  std::vector<double> means;
  Tensor forward(const Tensor& x) override {
    ++calls;
    means.push_back(x.mean().item<double>());
    return x;
  }
};

struct SharedProbe : nn::Module {
  nn::Shared<Tensor> last;
  nn::Shared<int64_t> calls = 0;
  Tensor forward(const Tensor& x) override {
    last = x;
    ++*calls;
    return x;
  }
};

// Members that forward only reads, or that are modules.
struct Still : nn::Module {
  int64_t width;
  std::string name = "still";
  nn::Linear fc;
  explicit Still(int64_t w) : width(w), fc(w, w) { register_module("fc", fc); }
  Tensor forward(const Tensor& x) override { return fc(x) * static_cast<double>(width); }
};

struct Owner : nn::Module {
  Counter counter;
  Owner() { register_module("counter", counter); }
  Tensor forward(const Tensor& x) override { return counter(x); }
};

}  // namespace

TEST_CASE("a copy whose forward changes members that the original does not share is told of") {
  const Tensor x = norma::ones({1, 2});
  norma::set_warnings(norma::Warnings::Print);
  Probe probe;
  nn::Sequential net(nn::ReLU(), probe);
  const std::string text = stderr_of([&] {
    net(x);
    net(x);
  });
  CHECK(text ==
        "norma: [Probe] expected a forward that leaves the members of a copy alone, got one that "
        "changed the Probe that is a copy, \"1\"; the one it was copied from does not see that, "
        "since copies share only what is registered: make the member a nn::Shared or register it "
        "as a buffer, give the module away with std::move, or reach the copy, as with "
        "at<Probe>(i)\n");
  CHECK(net.at<Probe>(1).last.defined());

  const StrictWarnings strict;
  CHECK(has(error_of([&] { net(x + 1); }), "[Probe] expected a forward that leaves"));
  Counter counter;
  nn::Sequential counted;
  counted.push_back("count", counter);
  CHECK(has(error_of([&] { counted(x); }), "that is a copy, \"count\""));
  const Counter copy = counter;  // who looks at neither need not know
  Owner owner;
  nn::Sequential owners(owner);
  CHECK(has(error_of([&] { owners(x); }), "[Counter]"));
}

TEST_CASE("what copies share, and what nobody else holds, may change") {
  const StrictWarnings strict;
  const Tensor x = norma::ones({1, 2});
  SharedProbe probe;
  nn::Sequential net(nn::ReLU(), probe);
  net(x);
  net(x);
  CHECK(probe.last->sizes() == x.sizes());
  CHECK(*probe.calls == 2);
  CHECK(*net.at<SharedProbe>(1).calls == 2);

  nn::Sequential given{Probe(), Counter()};
  given(x);
  given(x + 1);
  CHECK(given.at<Counter>(1).calls == 2);
  Probe moved;
  nn::Sequential of_moved(std::move(moved));
  of_moved(x);
  const auto pointer = std::make_shared<Probe>();
  nn::Sequential of_pointer(pointer);
  of_pointer(x);
  CHECK(pointer->last.is_same(x));

  // The member of a class is the one that is called; so is what a function leaves behind.
  Owner owner;
  owner(x);
  owner(x + 1);
  CHECK(owner.counter.calls == 2);
  const auto make = [] {
    Probe local;
    return nn::Sequential(local, nn::ReLU());
  };
  make()(x);

  Still still(2);
  nn::Sequential of_still(still, nn::Linear(2, 2));
  of_still(x);
  of_still(x);
}

TEST_CASE("a part of a larger class, called as the base that it is copied to") {
  const StrictWarnings strict;
  struct Larger : Probe {
    double more[64] = {};
  };
  Larger larger;
  nn::Sequential net(larger);
  Probe part = larger;  // cut off: its forward is Probe's
  part(norma::ones({2}));
  CHECK(part.is_same(larger));
}
