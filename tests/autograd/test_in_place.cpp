// In-place operations, views and their histories: rules, versions, messages. The values of long
// chains of them are checked against PyTorch in test_programs.cpp.
#include <functional>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

Tensor leaf(const NestedList& values) {
  return tensor(values, {.dtype = kFloat64, .requires_grad = true});
}
Tensor plain(const NestedList& values) { return tensor(values, {.dtype = kFloat64}); }

}  // namespace

TEST_CASE("in-place forms of arithmetic keep the values that backward needs") {
  Tensor x = leaf({1, 2}), w = leaf({3, 4});
  SECTION("mul_") {
    Tensor y = x * 2.0;
    y.mul_(w);
    y.sum().backward();
    CHECK(equal(x.grad(), plain({6, 8})));
    CHECK(equal(w.grad(), plain({2, 4})));
  }
  SECTION("div_") {
    Tensor y = x * 12.0;
    y.div_(w);
    y.sum().backward();
    CHECK(equal(x.grad(), plain({4, 3})));
    CHECK(mismatch(w.grad(), plain({-12.0 / 9, -24.0 / 16}), 1e-15) == "");
  }
  SECTION("pow_ and clamp_") {
    Tensor y = x * 3.0;
    y.pow_(2).clamp_(0, 20);
    y.sum().backward();
    CHECK(equal(x.grad(), plain({18, 0})));
  }
  SECTION("a plain tensor takes the history of what is added") {
    Tensor y = zeros({2}, {.dtype = kFloat64});
    y += w;
    y *= 2.0;
    CHECK(y.requires_grad());
    CHECK(!y.is_leaf());
    y.sum().backward();
    CHECK(equal(w.grad(), plain({2, 2})));
  }
  SECTION("copy_ and fill_ cut the old history off") {
    Tensor y = x * 2.0, z = x * 3.0, u = x * 4.0;
    y.copy_(w);
    z.fill_(5);
    u.copy_(plain({7, 8}));
    CHECK(z.requires_grad());
    (y + z + u).sum().backward();
    CHECK(equal(x.grad(), plain({0, 0})));
    CHECK(equal(w.grad(), plain({1, 1})));
  }
  SECTION("copy_ casts and broadcasts the gradient back") {
    Tensor y = zeros({3, 2});
    y.copy_(w);
    y.sum().backward();
    CHECK(equal(w.grad(), plain({3, 3})));
    CHECK(w.grad().dtype() == kFloat64);
    Tensor whole = zeros({2}, {.dtype = kInt64});
    whole.copy_(w);
    CHECK(!whole.requires_grad());
    CHECK(equal(whole, tensor({3, 4})));
  }
  SECTION("copy_ within one memory reads before it writes") {
    Tensor y = arange(6.0).to(kFloat64), same = y;
    y.narrow(0, 1, 5).copy_(y.narrow(0, 0, 5));
    CHECK(equal(y, plain({0, 0, 1, 2, 3, 4})));
    CHECK(&y.copy_(same) == &y);
    y.add_(y);
    CHECK(equal(y, plain({0, 0, 2, 4, 6, 8})));
    Tensor square = plain({{1, 2}, {3, 4}});
    square.sub_(square.t());
    CHECK(equal(square, plain({{0, -1}, {1, 0}})));
    square.add_(square.select(0, 1));
    CHECK(equal(square, plain({{1, -1}, {2, 0}})));
  }
}

TEST_CASE("leaves, views of leaves and shared memory are not changed in place") {
  Tensor x = leaf({{1, 2}, {3, 4}});
  CHECK(error_of([&] { x.add_(1); }) ==
        "[add_] expected a tensor that may change in place, got a leaf that requires_grad, of "
        "shape [2, 2]; "
        "change it under NoGradGuard, or use the out-of-place operation");
  CHECK(error_of([&] {
          x.select(0, 1).mul_(plain({1, 1}));
        }) ==
        "[mul_] expected a tensor that may change in place, got a view of a leaf that "
        "requires_grad, of shape "
        "[2]; change it under NoGradGuard, or use the out-of-place operation");
  for (const auto& change : std::vector<std::function<void(Tensor)>>{
           [](Tensor t) { t.sub_(1); }, [](Tensor t) { t.mul_(1); }, [](Tensor t) { t.div_(1); },
           [](Tensor t) { t.sub_(ones({})); }, [](Tensor t) { t.div_(ones({})); },
           [](Tensor t) { t.pow_(1); }, [](Tensor t) { t.neg_(); }, [](Tensor t) { t.exp_(); },
           [](Tensor t) { t.sqrt_(); }, [](Tensor t) { t.relu_(); }, [](Tensor t) { t.sigmoid_(); },
           [](Tensor t) { t.tanh_(); }, [](Tensor t) { t.clamp_(0, 1); },
           [](Tensor t) { t.fill_(0); }, [](Tensor t) { t.zero_(); },
           [](Tensor t) {
             t.copy_(ones({2, 2}));
           },
           [](Tensor t) { t += 1.0; }}) {
    CHECK(error_of([&] { change(x); }).find("got a leaf that requires_grad") != std::string::npos);
    CHECK(error_of([&] { change(x.t()); }).find("got a view of a leaf that") != std::string::npos);
  }
  CHECK(equal(x, plain({{1, 2}, {3, 4}})));
  CHECK(x.version() == 0);
  {
    const NoGradGuard no_grad;
    x.add_(1);
    x.select(0, 0).zero_();
  }
  CHECK(equal(x, plain({{0, 0}, {4, 5}})));
  CHECK(x.version() == 2);
  CHECK(x.is_leaf());
  x.detach().mul_(2);
  CHECK(equal(x, plain({{0, 0}, {8, 10}})));

  Tensor repeated = plain({1, 2}).expand({3, 2});
  CHECK(error_of([&] { repeated.add_(1); }) ==
        "[add_] expected a tensor whose elements have memory of their own, got an expanded one of "
        "shape "
        "[3, 2]; clone() it first");
  CHECK(error_of([&] { repeated.copy_(ones({3, 2})); }).find("[copy_] ") == 0);
  CHECK(error_of([&] { repeated.zero_(); }).find("[fill_] ") == 0);
  Tensor alias_of_repeated = repeated.detach();
  CHECK(error_of([&] { alias_of_repeated.select(0, 1).mul_(2); }).find("an expanded one") !=
        std::string::npos);
  CHECK(equal(repeated, plain({{1, 2}, {1, 2}, {1, 2}})));
}

TEST_CASE("an in-place result must fit the shape and the kind of dtype") {
  Tensor row = ones({3}), number = ones({});
  CHECK(error_of([&] {
          row.add_(ones({2, 3}));
        }) ==
        "[add_] expected an operand that broadcasts to the shape [3] that changes in place, got a "
        "result of "
        "shape [2, 3]");
  CHECK(error_of([&] { number.mul_(ones({1})); }).find("the shape [] that changes") !=
        std::string::npos);
  CHECK(error_of([&] { row.sub_(ones({2})); }).find("[sub_] expected shapes that broadcast") == 0);
  CHECK(error_of([&] {
          row.copy_(ones({2, 3}));
        }) == "[copy_] expected values that broadcast to [3], got [2, 3]");
  Tensor whole = tensor({1, 2, 3}), flag = tensor({true, false}),
         byte = tensor({1}, {.dtype = kUInt8});
  CHECK(error_of([&] { whole.add_(0.5); }) ==
        "[add_] expected a result that fits the dtype int64 that changes in place, got float32");
  CHECK(error_of([&] { whole.div_(2); }).find("got float32") != std::string::npos);
  CHECK(error_of([&] { flag.add_(1); }) ==
        "[add_] expected a result that fits the dtype bool that changes in place, got int64");
  CHECK(equal(flag, tensor({true, false})));
  byte.add_(tensor({300}));
  CHECK(byte.item<int>() == 45);  // modulo 256, as in PyTorch
  whole.mul_(2).sub_(tensor({1, 1, 1})).clamp_(0, 4);
  CHECK(equal(whole, tensor({1, 3, 4})));
  row.add_(ones({3}, {.dtype = kFloat64}));
  CHECK(equal(row, full({3}, 2.0)));
  CHECK(row.dtype() == kFloat32);
}

TEST_CASE("a value that backward needs and that changed is refused with name, shape and versions") {
  Tensor x = leaf({1, 2, 3});
  Tensor y = x.exp(), z = y * 2.0;
  y.add_(1);
  y.add_(1);
  CHECK(error_of([&] { (y.sum() + z.sum()).backward(); }) ==
        "[exp] expected the values that backward needs as they were, got a tensor of shape [3] "
        "that was "
        "changed in place since: it is at version 2, expected version 0; use an out-of-place "
        "operation or "
        "clone()");
  Tensor w = leaf({2, 2, 2});
  Tensor u = x * w;
  {
    const NoGradGuard no_grad;
    w.select(0, 1).zero_();  // through a view
  }
  const std::string message = error_of([&] { u.sum().backward(); });
  CHECK(message.find("[mul] ") == 0);
  CHECK(message.find("shape [3]") != std::string::npos);
  CHECK(message.find("at version 1, expected version 0; parameters may change, as by an "
                     "optimiser's step(), only after the last backward() that needs them") !=
        std::string::npos);
  SECTION("only where the value is needed") {
    Tensor a = x * 2.0, b = a + 1.0;
    a.zero_();
    b.sum().backward();
    CHECK(equal(x.grad(), plain({2, 2, 2})));
  }
}

TEST_CASE("views and their base share one history") {
  SECTION("a view changes, the base is used") {
    Tensor x = leaf({{1, 2}, {3, 4}}), w = leaf({5, 6});
    Tensor y = x * 2.0;
    y.select(0, 0).mul_(w);
    (y * plain({{1, 10}, {100, 1000}})).sum().backward();
    CHECK(equal(x.grad(), plain({{10, 120}, {200, 2000}})));
    CHECK(equal(w.grad(), plain({2, 40})));
  }
  SECTION("the base changes, a view is used") {
    Tensor x = leaf({{1, 2}, {3, 4}});
    Tensor y = x * 2.0, v = y.select(1, 1);
    CHECK(v.grad_fn_name() == "select");
    y.mul_(3);
    CHECK(v.requires_grad());
    CHECK(v.grad_fn_name() == "region_of");
    (v * plain({1, 10})).sum().backward();
    CHECK(equal(x.grad(), plain({{0, 6}, {0, 60}})));
  }
  SECTION("the view is the second operand") {
    // Its new history comes up while the operation on it is recorded.
    Tensor a = leaf({1, 1}), x = leaf({1, 2});
    Tensor y = x * 2.0, v = y.view({2});
    y.mul_(3);
    a.add(v).sum().backward();
    CHECK(equal(x.grad(), plain({6, 6})));
    Tensor second = y.view({2});
    y.mul_(1);
    cat({a, second}).sum().backward(Tensor(), true);
    CHECK(equal(a.grad(), plain({2, 2})));
  }
  SECTION("an expanded view of a base that changes") {
    Tensor x = leaf({{1}, {2}});
    Tensor y = x * 2.0, v = y.expand({2, 3});
    y.add_(1);
    (v * plain({{1, 2, 3}, {4, 5, 6}})).sum().backward();
    CHECK(equal(x.grad(), plain({{12}, {30}})));
  }
  SECTION("a base without history gets the view's") {
    Tensor w = leaf({1, 1});
    Tensor buffer = zeros({2, 3}, {.dtype = kFloat64}), other = buffer.t();
    buffer.select(1, 2).add_(w * 2.0);
    CHECK(buffer.requires_grad());
    CHECK(other.requires_grad());
    other.sum().backward();
    CHECK(equal(w.grad(), plain({2, 2})));
  }
  SECTION("a detached part of larger memory as the base") {
    Tensor w = leaf({1, 2, 3, 4});
    Tensor part = ones({4, 6}, {.dtype = kFloat64}).slice(1, 1, 3).detach();
    Tensor turned = part.t();
    part.select(1, 0).mul_(w);
    turned.sum().backward();
    CHECK(equal(w.grad(), plain({1, 1, 1, 1})));
  }
  SECTION("views made under NoGradGuard stay outside, but require a gradient, as in PyTorch") {
    Tensor x = leaf({1, 2, 3}), v;
    {
      const NoGradGuard no_grad;
      v = x.view({3, 1});
      x.add_(1);
    }
    CHECK(v.requires_grad());
    CHECK(v.is_leaf());
    CHECK(equal(v, plain({{2}, {3}, {4}})));
    (v * 2.0).sum().backward();
    CHECK(!x.grad().defined());
    CHECK(error_of([&] { v.mul_(2); }) ==
          "[mul_] expected a tensor that may change in place, got a leaf that requires_grad, of "
          "shape [3, 1]; change it under NoGradGuard, or use the out-of-place operation");
  }
  SECTION("a base that set_data() moved elsewhere is forgotten") {
    Tensor x = zeros({8}, {.dtype = kFloat64}), v = x.narrow(0, 6, 2);
    x.set_data(plain({1}));
    x.requires_grad_();
    {
      const NoGradGuard no_grad;
      v.add_(1);
    }
    CHECK(!v.requires_grad());
    v.mul_(x);
    v.sum().backward();
    CHECK(equal(v, plain({1, 1})));
    CHECK(x.grad().item<double>() == 2);
    CHECK(x.is_leaf());
  }
}

TEST_CASE("detach, set_data, set_grad and requires_grad_") {
  Tensor x = leaf({1, 2});
  SECTION("detach shares values and versions") {
    Tensor d = (x * 2.0).detach();
    CHECK(d.is_leaf());
    CHECK(!d.requires_grad());
    Tensor e = d.detach();
    e.fill_(7);
    CHECK(equal(d, plain({7, 7})));
    CHECK(d.version() == 1);
  }
  SECTION("set_data replaces the values behind every handle") {
    const Tensor handle = x;
    x.sum().backward();
    x.set_data(ones({3}));
    CHECK(handle.sizes() == Shape({3}));
    CHECK(handle.dtype() == kFloat32);
    CHECK(handle.requires_grad());
    CHECK(!handle.grad().defined());
    (x * 2.0).sum().backward();
    CHECK(equal(handle.grad(), full({3}, 2.0)));
    CHECK(error_of([&] { (x * 1.0).set_data(x); }) ==
          "[set_data] expected a leaf, got a view or the result of an operation");
    CHECK(error_of([&] {
            x.view({3, 1}).set_data(x);
          }) == "[set_data] expected a leaf, got a view or the result of an operation");
    const Tensor base = zeros({2, 3});
    Tensor row = base[0];
    row.set_data(ones({5}));  // of what no graph knows, a view may go elsewhere
    CHECK(equal(row, ones({5})));
    row.add_(1);
    CHECK(equal(base, zeros({2, 3})));
    CHECK(error_of([&] { x.set_data(tensor({1})); }) ==
          "[set_data] expected floating values for a tensor that requires_grad, got int64");
  }
  SECTION("a graph made before set_data does not write to the new values' gradient") {
    const Tensor y = (x * 2.0).sum();
    x.set_data(ones({5}));
    y.backward();
    CHECK(!x.grad().defined());
  }
  SECTION("set_grad checks shape and dtype") {
    x.set_grad(plain({5, 6}));
    (x * 1.0).sum().backward();
    CHECK(equal(x.grad(), plain({6, 7})));
    CHECK(error_of([&] { x.set_grad(ones({3})); }) ==
          "[set_grad] expected a gradient of shape [2] and dtype float64, got [3] and float32");
    CHECK(error_of([&] { x.set_grad(x); }) ==
          "[set_grad] expected a tensor of its own, got the tensor itself; clone() it first");
    x.set_grad(Tensor());
    CHECK(!x.grad().defined());
  }
  SECTION("requires_grad_") {
    CHECK(error_of([] { tensor({1}).requires_grad_(); }) ==
          "[requires_grad_] expected a floating tensor, got int64");
    CHECK(error_of([&] { (x * 1.0).requires_grad_(false); }) ==
          "[requires_grad_] expected a leaf, got the result of mul; use detach()");
    CHECK((x * 1.0).requires_grad_().requires_grad());
    const Tensor y = (x * 2.0).sum();
    x.requires_grad_(false);
    y.backward();
    CHECK(!x.grad().defined());
  }
  SECTION("a leaf that turned into a result is let go by older graphs") {
    Tensor y, w = leaf({1, 1});
    {
      Tensor other = leaf({1, 2});
      y = other * 2.0;
      other.requires_grad_(false);
      other.mul_(w);
    }
    y.sum().backward();  // must not write to the tensor that is gone
    CHECK(!w.grad().defined());
  }
}

TEST_CASE("detach_ is for all names of a tensor") {
  Tensor x = leaf({1, 2}), y = x * 2.0, same = y;
  CHECK(y.detach_().is_same(same));
  CHECK(same.is_leaf());
  CHECK_FALSE(same.requires_grad());
  const Tensor z = x * 3.0;
  Tensor other = x;
  other.detach_();
  CHECK_FALSE(x.requires_grad());
  z.sum().backward();  // no longer reaches x
  CHECK(!x.grad().defined());
  Tensor view = y.narrow(0, 1, 1);
  CHECK(
      error_of([&] { view.detach_(); }) ==
      "[detach_] expected a tensor with memory of its own, got a view of shape [1]; use detach()");
}

TEST_CASE("a set_data that throws changes nothing") {
  Tensor base = plain({1, 2}), view = base.narrow(0, 0, 1).requires_grad_();
  CHECK(error_of([&] { view.set_data(tensor({1})); }) ==
        "[set_data] expected floating values for a tensor that requires_grad, got int64");
  CHECK(error_of([&] { view.detach_(); }).starts_with("[detach_]"));  // a view as before
}

TEST_CASE("a name for indexed values is no way to the source") {
  Tensor x = plain({1, 2, 3});
  auto copies = x.index({x.gt(1)});
  copies += 1;
  copies -= plain({2, 2});
  copies *= 4;
  copies /= 2;
  CHECK(equal(copies, plain({2, 4})));
  CHECK(equal(x, plain({1, 2, 3})));
  auto view = x.index({indexing::Slice(1)});
  view += 1;
  CHECK(equal(x, plain({1, 3, 4})));
  x.index({x.gt(1)}) += 1;
  CHECK(equal(x, plain({1, 4, 5})));
}
