// Parts of a network that are computed again in backward().
#include <array>

#include "norma/core/storage.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
using autograd::checkpoint, autograd::grad;
using Tensors = std::vector<Tensor>;

namespace {

nn::Sequential block(int64_t width) {
  return nn::Sequential(nn::Linear(width, width), nn::BatchNorm1d(width), nn::ReLU(),
                        nn::Dropout(0.3), nn::Linear(width, width), nn::Tanh());
}

/// The gradients of the parameters and of x after two steps that add up.
Tensors gradients_of(std::vector<nn::Sequential>& parts, const Tensor& start, bool checkpointed) {
  const Tensor x = start.detach().clone().requires_grad_();
  manual_seed(7);
  Tensors result;
  for (int step = 0; step < 2; ++step) {
    Tensor y = x;
    for (nn::Sequential& part : parts) y = checkpointed ? checkpoint(part, y) : part(y);
    const Tensor loss = (y * y).sum();
    result.push_back(loss.detach());
    loss.backward();
  }
  for (nn::Sequential& part : parts) {
    for (const Tensor& p : part.parameters()) {
      result.push_back(p.grad());
      p.requires_grad() ? Tensor(p).set_grad(Tensor()) : void();
    }
  }
  result.push_back(x.grad());
  return result;
}

}  // namespace

TEST_CASE("losses and gradients are those without checkpoints, bit for bit") {
  manual_seed(1);
  std::vector<nn::Sequential> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(block(8));
  const Tensor x = randn({16, 8});
  const Tensors plain = gradients_of(parts, x, false), again = gradients_of(parts, x, true);
  REQUIRE(plain.size() == again.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    INFO(i);
    CHECK(differing_bits(again[i], plain[i]) == "");
  }
  // The generator is where it was without: the numbers drawn again are its past ones.
  manual_seed(3);
  const Tensor masks = checkpoint(parts[0], randn({4, 8}, {.requires_grad = true}));
  const Tensor after = rand({3});
  masks.sum().backward();
  const Tensor later = rand({3});
  manual_seed(3);
  parts[0](randn({4, 8}));
  CHECK(equal(rand({3}), after));
  CHECK(equal(rand({3}), later));
}

TEST_CASE("it holds less memory") {
  constexpr int64_t kWidth = 64, kRows = 256;
  manual_seed(1);
  std::vector<nn::Sequential> parts;
  for (int i = 0; i < 8; ++i)
    parts.push_back(nn::Sequential(nn::Linear(kWidth, kWidth), nn::Tanh(),
                                   nn::Linear(kWidth, kWidth), nn::Tanh(),
                                   nn::Linear(kWidth, kWidth), nn::Tanh()));
  const Tensor x = randn({kRows, kWidth});
  const auto held = [&](bool checkpointed) {
    const auto before = live_storage_bytes();
    Tensor y = x;
    for (nn::Sequential& part : parts) y = checkpointed ? checkpoint(part, y) : part(y);
    const auto bytes = live_storage_bytes() - before;
    y.sum().backward();
    y = Tensor();
    return static_cast<double>(bytes) / (kRows * kWidth * sizeof(float));
  };
  held(false);  // the gradients are there from now on
  // In tensors of a layer's size: one per Tanh, or one per part.
  CHECK(held(false) >= 24);
  CHECK(held(true) <= 10);
  CHECK(held(true) == held(true));
}

TEST_CASE("what the function captures gets gradients, whatever it takes and gives") {
  const Tensor x = number_leaf(2), w = number_leaf(5), plain = tensor(3.0, {.dtype = kFloat64});
  const Tensor h = w * w;  // no leaf, and captured by the function
  const auto f = [&](const Tensor& a, const Tensor& b) {
    return std::pair(a * h * b, (a + w).square());
  };
  const auto [p, s] = checkpoint(f, x, plain);
  (p + s * 2).backward();
  CHECK(p.grad_fn_name() == "checkpoint");
  CHECK(x.grad().item<double>() == 75 + 4 * 7);
  CHECK(w.grad().item<double>() == 2 * 3 * 10 + 4 * 7);
  CHECK_FALSE(plain.grad().defined());
  // Only one result is used, and not all inputs; grad() instead of backward().
  const Tensor unused = number_leaf(1);
  const auto g = [&](const Tensor& a, const Tensor&, const Tensor& again) {
    return std::array<Tensor, 3>{a * again, a.detach(), a * w};
  };
  const auto three = checkpoint(g, x, unused, x);
  CHECK_FALSE(three[1].requires_grad());
  const Tensors d = grad({three[0]}, {x, unused, w}, {}, {}, false, true);
  CHECK(d[0].item<double>() == 4);
  CHECK_FALSE(d[1].defined());
  CHECK_FALSE(d[2].defined());
  const Tensors list = checkpoint(
      [](const Tensor& a) {
        return Tensors{a * 2, a * 3, Tensor()};
      },
      x);
  CHECK(grad({list[0] + list[1]}, {x})[0].item<double>() == 5);
  // An input handed on as it is, and a captured one.
  const auto [same, other] = checkpoint([&](const Tensor& a) { return std::pair(a, w); }, x);
  CHECK(grad({same * 3 + other * 4}, {x, w})[1].item<double>() == 4);
  // Twice in one another, and one after the other.
  const auto inner = [&](const Tensor& a) { return a * w * a; };
  const auto outer = [&](const Tensor& a) { return checkpoint(inner, a * 2) + a; };
  CHECK(grad({checkpoint(outer, checkpoint(inner, x))}, {x})[0].item<double>() ==
        (2 * 20 * 20 + 1) * 20);
}

TEST_CASE("inputs without gradients do, and so does no recording at all") {
  manual_seed(1);
  nn::Linear layer(3, 2);
  const Tensor x = randn({4, 3});
  checkpoint(layer, x).sum().backward();
  CHECK(to_vector(layer.bias.grad()) == std::vector<double>{4, 4});
  const auto count = autograd::live_nodes();
  {
    const NoGradGuard no_grad;
    CHECK_FALSE(checkpoint(layer, x).requires_grad());
  }
  const Tensor constant = checkpoint([](const Tensor& a) { return a * 2; }, x);
  CHECK_FALSE(constant.requires_grad());
  CHECK(constant.grad_fn_name().empty());
  CHECK(autograd::live_nodes() == count);
}

TEST_CASE("second derivatives go through it") {
  manual_seed(2);
  const Tensor w = random_leaf({3, 3});
  const auto f = [](const Tensor& a, const Tensor& b) { return a.matmul(b).tanh() * a; };
  CHECK(gradient_error([&](const Tensors& in) { return checkpoint(f, in[0] * 1.0, in[1]) + in[0]; },
                       {random_leaf({2, 3}), w}) == "");
  CHECK(gradient_error(
            [&](const Tensors& in) {
              return checkpoint([&](const Tensor& a) { return f(a, in[1] * in[1]).sigmoid(); },
                                in[0]);
            },
            {random_leaf({2, 3}), w}) == "");
}

TEST_CASE(
    "statistics take the batch in twice, as in PyTorch; hooks are called as often as things "
    "happen") {
  nn::BatchNorm1d bn(2);
  const Tensor x = tensor_of({1, 2, 3, 6}, {2, 2}, kFloat32).requires_grad_();
  int leaf = 0, inside = 0, forward = 0;
  bn.weight.register_hook([&](const Tensor&) { ++leaf; });
  bn.register_forward_hook([&](const nn::HookedCall&, const Tensors&, const Tensors& out) {
    ++forward;
    out[0].register_hook([&](const Tensor&) { ++inside; });
  });
  const Tensor y = checkpoint(bn, x);
  CHECK(bn.num_batches_tracked.item<int>() == 1);
  y.sum().backward();
  CHECK(bn.num_batches_tracked.item<int>() == 2);
  CHECK(bn.running_mean.select(0, 0).item<float>() == Approx(2 * (1 - 0.81)));
  CHECK(leaf == 1);
  CHECK(inside == 1);
  CHECK(forward == 2);
}

TEST_CASE("checkpoint: graphs end, run again where they are kept, and errors reach the caller") {
  const int64_t nodes = autograd::live_nodes();
  {
    const Tensor x = number_leaf(2);
    bool other = false;
    const auto f = [&](const Tensor& a) { return other ? (a * a).reshape({1}) : a * a; };
    Tensor y = checkpoint(f, x);
    y.backward({}, true);
    y.backward();
    CHECK(x.grad().item<double>() == 8);
    CHECK(error_of([&] {
            y.backward();
          }).starts_with("[checkpoint] expected a graph that was not freed"));

    y = checkpoint(f, x);
    other = true;
    const std::string want =
        "[checkpoint] expected a function that computes the same when backward() calls it again, "
        "got other results, or results that depend on other tensors; it must not depend on what "
        "changes between the two calls";
    CHECK(error_of([&] { y.backward(); }) == want);
    other = false;
    Tensor w = number_leaf(3);
    y = checkpoint([&](const Tensor& a) { return a * w; }, x);
    w = number_leaf(4);
    CHECK(error_of([&] { y.backward(); }) == want);

    Tensor h = x * 1;
    y = checkpoint(f, h);
    h.add_(1);
    CHECK(error_of([&] { y.backward(); }).find("was changed in place since") != std::string::npos);

    Tensor z = x;
    for (int i = 0; i < 20000; ++i)  // freed without recursion
      z = checkpoint([](const Tensor& a) { return a + 1; }, z);
    CHECK(z.requires_grad());
  }
  CHECK(autograd::live_nodes() == nodes);
}

TEST_CASE("a checkpointed function may give what index() gives") {
  const Tensor x = tensor({2.0, 3.0}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor y = checkpoint([](const Tensor& u) { return (u * u).index({1}); }, x);
  y.backward();
  CHECK(equal(x.grad(), tensor({0.0, 6.0}, {.dtype = kFloat64})));
}
