// Operations on temporaries write into their memory, and never into memory that anybody sees.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

using Operation = std::function<Tensor(Tensor&&)>;

// Each takes over its argument where it may, also while a graph is recorded.
const std::vector<Operation> kOperations = {
    [](Tensor&& x) { return relu(std::move(x)); },
    [](Tensor&& x) { return std::move(x).relu(); },
    [](Tensor&& x) { return std::move(x) + 2.0; },
    [](Tensor&& x) { return 2.0 + std::move(x); },
    [](Tensor&& x) { return std::move(x) - 2.0; },
    [](Tensor&& x) { return std::move(x) * 2.0; },
    [](Tensor&& x) { return 2.0 * std::move(x); },
    [](Tensor&& x) { return std::move(x) / 3.0; },
    [](Tensor&& x) { return std::move(x) + full({4}, 0.5); },
    [](Tensor&& x) {
      return full({3, 1}, 0.5) + std::move(x);
    },
    [](Tensor&& x) {
      return std::move(x) - full({3, 1}, 0.5);
    },
    [](Tensor&& x) { return full({4}, 0.5) - std::move(x); },
};
// These only where none is: backward needs what they were given.
const std::vector<Operation> kSaving = {
    [](Tensor&& x) { return std::move(x) * full({4}, 1.5); },
    [](Tensor&& x) {
      return full({3, 1}, 1.5) * std::move(x);
    },
    [](Tensor&& x) {
      return std::move(x) / full({3, 4}, 1.5);
    },
    [](Tensor&& x) { return full({}, 1.5) / std::move(x); },
};

std::vector<Operation> all() {
  std::vector<Operation> list = kOperations;
  list.insert(list.end(), kSaving.begin(), kSaving.end());
  return list;
}

Tensor values() { return (arange(12.0) - 5.5).reshape({3, 4}).clone(); }

}  // namespace

TEST_CASE("a temporary gives its memory to the result") {
  for (const Operation& operation : all()) {
    const Tensor expected = operation(Tensor(values()).expand({3, 4}));
    Tensor x = values();
    const void* memory = x.raw_data();
    const Tensor y = operation(std::move(x));
    CHECK(y.raw_data() == memory);
    CHECK(differing_bits(y, expected) == "");
    CHECK(!x.defined());
    CHECK(y.version() == 0);
  }
}

TEST_CASE("a temporary within a graph gives its memory, too, unless backward needs it") {
  const std::vector<Operation> operations = all();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    Tensor leaf = values().requires_grad_(), other = values().requires_grad_();
    Tensor x = leaf.neg();
    const void* memory = x.raw_data();
    const Tensor y = operation(std::move(x));
    CHECK((y.raw_data() == memory) == (i < kOperations.size()));
    const Tensor kept = other.neg(), plain = operation(Tensor(kept));
    CHECK(differing_bits(y, plain) == "");
    CHECK(y.grad_fn_name() == plain.grad_fn_name());
    y.sum().backward();
    plain.sum().backward();
    CHECK(differing_bits(leaf.grad(), other.grad()) == "");
  }
}

TEST_CASE("what else is seen stays as it was") {
  const Tensor before = values();
  for (const Operation& operation : all()) {
    Tensor x = values();
    const Tensor handle = x;
    operation(std::move(x));
    CHECK(equal(handle, before));

    const Tensor source = values();
    operation(source.detach());
    operation(source.view({3, 4}));
    operation(source.slice(0, 0, 3));
    operation(source[0].expand({3, 4}));
    CHECK(equal(source, before));

    Tensor y = values();
    const Tensor view = y.view({4, 3});
    operation(std::move(y));
    CHECK(equal(view, before.view({4, 3})));

    const Tensor foreign = values();
    operation(from_blob(foreign.raw_data(), {3, 4}));
    CHECK(equal(foreign, before));

    Tensor leaf = values().requires_grad_();
    const void* memory = leaf.raw_data();
    CHECK(operation(std::move(leaf)).raw_data() != memory);
  }
  for (const bool first : {true, false}) {
    const Tensor kept = values();
    const Tensor sum = first ? kept + values() : values() + kept;
    CHECK(equal(sum, before * 2.0));
    CHECK(equal(kept, before));
  }
}

TEST_CASE("values that backward needs stay as they were") {
  for (const Operation& operation : all()) {
    Tensor x = values().requires_grad_(), z = values().requires_grad_();
    const Tensor kept = z.exp();
    operation(x.exp()).sum().backward();
    operation(Tensor(kept)).sum().backward();
    CHECK(equal(x.grad(), z.grad()));
  }
}

TEST_CASE("memory of another size or type is left alone") {
  Tensor row = full({4}, 1.0);
  const void* memory = row.raw_data();
  CHECK((std::move(row) + values()).raw_data() != memory);
  Tensor whole = zeros({8});
  Tensor part = whole.detach().slice(0, 0, 4).detach();
  whole = Tensor();
  memory = part.raw_data();
  CHECK(relu(std::move(part)).raw_data() != memory);
  Tensor numbers = arange(4);
  memory = numbers.raw_data();
  const Tensor halves = std::move(numbers) / 2.0;
  CHECK(halves.raw_data() != memory);
  CHECK(equal(halves, tensor({0.0, 0.5, 1.0, 1.5})));
  Tensor turned = values().t();
  CHECK(equal(relu(std::move(turned)), relu(values().t().contiguous())));
}

TEST_CASE("the same temporary twice") {
  Tensor y = values(), z = y;
  CHECK(equal(std::move(y) * std::move(z), values().square()));
}

TEST_CASE("undefined operands are refused as ever") {
  const std::string complaint = " expected a defined tensor, got an undefined one";
  CHECK(error_of([] { relu(Tensor()); }).find("[relu]" + complaint) == 0);
  CHECK(error_of([] { Tensor() + values(); }).find("[add]" + complaint) == 0);
  CHECK(error_of([] { values() - Tensor(); }).find("[sub]" + complaint) == 0);
}

TEST_CASE("detect_anomaly tells what a temporary held") {
  const DetectAnomalyGuard guard;
  Tensor y = zeros({2}).requires_grad_();
  // 0 · inf
  CHECK(error_of([&] { (full({2}, INFINITY) + 1.0) * y; }) ==
        "[mul] expected a finite result (detect_anomaly), got 2 of 2 values not finite in shape "
        "[2], the first nan at [0]; input 0 of 2, a tensor outside the graph, was not finite "
        "before: 2 of 2 values not finite in shape [2], the first inf at [0]");
}

TEST_CASE("gradients that others see stay as they were") {
  SECTION("the one given to backward()") {
    const Tensor x = values().requires_grad_(), given = values();
    relu(x * 1.0).backward(given);
    CHECK(equal(given, values()));
    const Tensor y = values().requires_grad_();
    y.sigmoid().backward(given);
    CHECK(equal(given, values()));
  }
  SECTION("one that goes to several operations") {
    const Tensor a = values().requires_grad_(), b = values().requires_grad_();
    const Tensor c = values().requires_grad_();
    (a.relu() + b.sigmoid() + c).backward(values());
    CHECK(equal(c.grad(), values()));
    CHECK(equal(a.grad(), values() * values().gt(0).to(kFloat32)));
    const Tensor s = values().sigmoid();
    CHECK(mismatch(b.grad(), values() * s * (1.0 - s), 1e-6) == "");
    // Every leaf has memory of its own.
    a.grad().zero_();
    CHECK(equal(c.grad(), values()));
  }
  SECTION("a result used twice") {
    const Tensor x = values().requires_grad_();
    const Tensor y = x.relu();
    (y.tanh() + y).sum().backward();
    const Tensor z = values().requires_grad_();
    z.relu().tanh().sum().backward();
    CHECK(mismatch(x.grad(), z.grad() + values().gt(0).to(kFloat32), 1e-6) == "");
  }
  SECTION("a graph that is kept") {
    const Tensor x = values().requires_grad_();
    const Tensor loss = (relu(x * 2.0) * x).sum();
    loss.backward(Tensor(), true);
    const Tensor once = x.grad().clone();
    loss.backward();
    CHECK(equal(x.grad(), once * 2.0));
  }
}
