// check_module: what every layer should do, asked of a layer of one's own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/autograd/gradcheck.h"
#include "norma/core/error.h"
#include "norma/layers/call_with.h"
#include "norma/layers/module.h"

namespace norma::testing {

struct CheckModuleOptions {
  /// Along which dimension of the first input the samples lie, two at least. Inputs of another size
  /// there are given to every sample whole; of the results, those of that size are compared.
  /// `std::nullopt`: samples depend on each other, or there are none.
  std::optional<int64_t> batch_dim = 0;
  bool gradients = true;  ///< whether derivatives are compared with central differences
  bool clone = true;      ///< whether a class that has `clone()` is asked for one
  /// Whether a parameter that needs a gradient may get none in training.
  bool allow_unused = false;
  /// A parameter or input of more elements is checked along one drawn direction, a number in all,
  /// instead of element by element, each of which costs two calls.
  int64_t max_elements = 32;
  GradcheckOptions gradcheck = {};  ///< tolerances of the gradients
};

namespace detail {
/// A call of a module whose class is known: the tensors among its results.
using ModuleCall =
    std::function<std::vector<Tensor>(nn::Module&, const std::vector<Tensor>& inputs)>;
/// What the compiler knows of `clone()`: there is none, that of a base class, its own, or (of a
/// `Module&`) nothing.
enum class Clone : uint8_t { None, OfBase, Own, Unknown };

std::vector<std::string> module_faults(nn::Module& module, const ModuleCall& call, Clone clone,
                                       const std::vector<Tensor>& inputs,
                                       const CheckModuleOptions& options);
[[noreturn]] void wrong_number_of_inputs(const nn::Module& module, std::size_t count);

template <class M>
constexpr Clone clone_of() {
  if constexpr (std::is_same_v<M, nn::Module>) return Clone::Unknown;
  using Result = decltype(std::declval<const M&>().clone());
  if constexpr (std::is_void_v<Result>) return Clone::None;
  return std::is_same_v<Result, M> ? Clone::Own : Clone::OfBase;
}

template <class M, std::size_t... I>
bool call_with(M& module, const std::vector<Tensor>& inputs, std::vector<Tensor>& results,
               std::index_sequence<I...>) {
  if (inputs.size() != sizeof...(I)) return false;
  if constexpr (requires { nn::detail::all_tensors(module(inputs[I]...)); }) {
    results = nn::detail::all_tensors(module(inputs[I]...));
    return true;
  } else if constexpr (requires { nn::detail::all_tensors(module.forward(inputs[I]...)); }) {
    results = nn::detail::all_tensors(module.forward(inputs[I]...));  // not Callable
    return true;
  }
  return false;
}

template <class M>
std::vector<Tensor> call_module(nn::Module& module, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> results;
  const auto try_all = [&]<std::size_t... N>(std::index_sequence<N...>) {
    return (call_with(static_cast<M&>(module), inputs, results, std::make_index_sequence<N>()) ||
            ...);
  };
  if (!try_all(std::make_index_sequence<9>())) wrong_number_of_inputs(module, inputs.size());
  return results;
}
}  // namespace detail

/// What is wrong with a module, a sentence each; none for a module that
///
/// - registers every parameter and module that forward uses;
/// - obeys `train()` and `eval()`, in every module below;
/// - answers the same twice: in `eval()`, and in `train()` from the same seed and state. No call
///   changes parameters, inputs, modes or the recording of gradients, none in `eval()` buffers;
/// - has the gradients that central differences have, in float64, in both modes, by every parameter
///   and floating input, buffers and random numbers being the same each time;
/// - in training, uses every parameter;
/// - computes in the dtype of its parameters and inputs, and takes inputs with gaps in memory;
/// - in `eval()`, answers each sample alone as in its batch;
/// - is the same after its state was saved, all of it changed, and loaded, in memory;
/// - has a `clone()`, if any, that answers the same in both modes and shares nothing.
///
/// The module is called as `module(inputs...)`, up to 8 tensors; results may be a tensor, or a
/// tuple, a vector, … of them. Afterwards its parameters, buffers, gradients and modes are what and
/// where they were, the inputs and the random numbers as well, also when forward throws. What a
/// class holds beside its registered state is not taken back. Not for a graph that is still to run
/// backward: take the module before or after a step.
///
/// Inputs should be small, two or three samples, and away from kinks and ties.
/// Errors: no inputs, a first one without two samples, a negative batch_dim. Another number of them
/// than the module takes is a fault.
template <nn::AnyModule M>
std::vector<std::string> module_faults(M&& module, const std::vector<Tensor>& example_inputs,
                                       const CheckModuleOptions& options = {}) {
  using Class = std::remove_cvref_t<M>;
  return detail::module_faults(module, detail::call_module<Class>, detail::clone_of<Class>(),
                               example_inputs, options);
}
/// The same for a call of another kind: `forward(module, inputs)` gives its results.
template <nn::AnyModule M, class Forward>
requires std::is_invocable_v < const Forward&, std::remove_cvref_t<M>
&, const std::vector<Tensor>& >
       std::vector<std::string> module_faults(M&& module, const Forward& forward,
                                              const std::vector<Tensor>& example_inputs,
                                              const CheckModuleOptions& options = {}) {
  using Class = std::remove_cvref_t<M>;
  const auto call = [&](nn::Module& any, const std::vector<Tensor>& inputs) {
    return nn::detail::all_tensors(forward(static_cast<Class&>(any), inputs));
  };
  return detail::module_faults(module, call, detail::clone_of<Class>(), example_inputs, options);
}

/// Throws one Error with all `faults`, a line each; nothing if there are none.
void require_no_faults(const nn::Module& module, const std::vector<std::string>& faults);

/// Throws an Error that lists all `module_faults`, if there are any:
/// ```cpp
/// norma::testing::check_module(Swish(4), {norma::randn({3, 4})});
/// ```
template <nn::AnyModule M>
void check_module(M&& module, const std::vector<Tensor>& example_inputs,
                  const CheckModuleOptions& options = {}) {
  require_no_faults(module, module_faults(module, example_inputs, options));
}
template <nn::AnyModule M, class Forward>
requires std::is_invocable_v < const Forward&, std::remove_cvref_t<M>
&, const std::vector<Tensor>& > void check_module(M&& module, const Forward& forward,
                                                  const std::vector<Tensor>& example_inputs,
                                                  const CheckModuleOptions& options = {}) {
  require_no_faults(module, module_faults(module, forward, example_inputs, options));
}

}  // namespace norma::testing
