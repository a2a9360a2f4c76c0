// Hooks, operations of several results, calls with several arguments.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;
using Tensors = std::vector<Tensor>;

namespace {

struct Two : nn::Callable<Two> {
  using Module::forward;
  std::pair<Tensor, Tensor> forward(const Tensor& a, const Tensor& b) { return {a + b, a * b}; }
};

/// A call and its backward, after `hook` was registered on the module.
template <class Register>
void run(Hostile& h, Register register_on) {
  Two two;
  HookHandle handle = register_on(two);
  const auto [sum, product] = two(h.tensor({2, 3}), h.tensor({3}));
  (sum.sum() + product.sum()).backward();
  handle.remove();
}

const std::vector<Row> kTable = {
    {"TensorMethods::register_hook",
     [](Hostile& h) {
       const Tensor x = h.tensor({2, 3});
       x.register_hook([&](const Tensor&) { return h.tensor({2, 3}); });
       x.sum().backward();
     }},
    {"TensorMethods::register_post_accumulate_grad_hook",
     [](Hostile& h) {
       const Tensor x = h.tensor({2, 3});
       x.register_post_accumulate_grad_hook([](const Tensor& leaf) { use(leaf.grad()); });
       x.sum().backward();
     }},
    {"nn::Module::register_forward_pre_hook",
     [](Hostile& h) {
       run(h, [&](Two& two) {
         return two.register_forward_pre_hook([&](const nn::HookedCall&, const Tensors&) {
           return Tensors{h.tensor({2, 3}), h.tensor({3})};
         });
       });
     }},
    {"nn::Module::register_forward_hook",
     [](Hostile& h) {
       run(h, [&](Two& two) {
         return two.register_forward_hook(
             [&](const nn::HookedCall& call, const Tensors&, const Tensors&) {
               static_cast<void>(call.path() + call.type() + call.module().str());
               return Tensors{h.tensor({2, 3}), h.tensor({2, 3})};
             });
       });
     }},
    {"nn::Module::register_full_backward_pre_hook",
     [](Hostile& h) {
       run(h, [&](Two& two) {
         return two.register_full_backward_pre_hook([&](const nn::HookedCall&, const Tensors&) {
           return Tensors{h.tensor({2, 3}), {}};
         });
       });
     }},
    {"nn::Module::register_full_backward_hook",
     [](Hostile& h) {
       run(h, [&](Two& two) {
         return two.register_full_backward_hook(
             [&](const nn::HookedCall&, const Tensors&, const Tensors&) {
               return Tensors{h.tensor({2, 3}), h.tensor({3})};
             });
       });
     }},
    {"HookHandle::*",
     [](Hostile& h) {
       HookHandle handle;
       handle.remove();
       handle = HookHandle(std::weak_ptr<norma::detail::HookTable>(), 7);
       handle.remove();
       handle = h.tensor({2}).register_hook([&](const Tensor&) {});
       handle.remove();
     }},
    {"nn::HookedCall::*",
     [](Hostile& h) {
       Two two;
       two.register_forward_hook([](const nn::HookedCall& call, const Tensors&, const Tensors&) {
         static_cast<void>(call.path() + call.type() + call.module().str());
       });
       use(two(h.tensor({2, 3}), h.tensor({3})).first);
     }},
    {"nn::Callable::*",
     [](Hostile& h) { use(Two()->forward(h.tensor({2}), h.tensor({2})).first); }},
    {"nn::Functional::*",
     [](Hostile& h) {
       nn::Functional shifted([](const Tensor& x, double by) { return x + by; }, h.real(1));
       use(shifted.clone()(h.tensor({2, 3})));
     }},
    {"autograd::checkpoint",
     [](Hostile& h) {
       const auto f = [&](const Tensor& a, const Tensor& b) {
         return std::pair(a * b, h.tensor({2}));
       };
       const auto [product, other] = autograd::checkpoint(f, h.tensor({2, 3}), h.tensor({3}));
       (product.sum() + other.sum()).backward();
     }},
    {"autograd::record_many",
     [](Hostile& h) {
       const Tensor x = h.tensor({2, 3});
       const Tensors out =
           autograd::record_many("mine", {h.tensor({2}).detach() * 1, h.tensor({3}).detach() * 1},
                                 {&x}, [&](const Tensors&, autograd::InputGrads& d) {
                                   d[0] = h.tensor({2, 3});
                                 });
       out[0].sum().backward();
     }},
};

}  // namespace

TEST_CASE("hooks take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
