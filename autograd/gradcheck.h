// Checks derivatives against central differences.
#pragma once
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "norma/core/tensor.h"

namespace norma {

struct GradcheckOptions {
  double eps = 1e-6;   ///< step of the central difference
  double atol = 1e-5;  ///< |analytic - numeric| <= atol + rtol |numeric|
  double rtol = 1e-3;  ///< relative tolerance
};

/// What `gradcheck` found; the fields after `ok` describe the element with the worst error.
struct GradcheckResult {
  bool ok = true;        ///< whether all gradients agree
  int input = -1;        ///< index into the inputs
  Shape index;           ///< position of the element in it
  double analytic = 0;   ///< by backward()
  double numeric = 0;    ///< (f(x + eps) - f(x - eps)) / (2 eps)
  double tolerance = 0;  ///< the largest difference allowed
  std::string message;   ///< all of this in words, also when ok
  explicit operator bool() const { return ok; }
};
/// Its message, for `CHECK(gradcheck(…))`.
std::ostream& operator<<(std::ostream& out, const GradcheckResult& result);

/// Compares `backward()` with central differences for every element of every input that requires a
/// gradient. `function` may return any shape: its elements are weighted with fixed random numbers
/// and summed. Keep the inputs away from kinks and ties. Defaults as PyTorch's. Errors: inputs that
/// require a gradient and are no contiguous kFloat64 leaves, a result that depends on none.
GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

/// The same for second derivatives: `gradcheck` of the gradients of `function`, taken with
/// `create_graph`, as a function of the inputs and of what their gradient starts with, which is
/// drawn. Errors: likewise. PyTorch: `torch.autograd.gradgradcheck`.
GradcheckResult gradgradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
                              const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});

}  // namespace norma
