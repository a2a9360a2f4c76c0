// Pictures of graphs as files for Graphviz.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "norma/layers/make_dot.h"

namespace norma {

namespace detail {
void write_text(const std::string& path, const std::string& text);
}

namespace autograd {
/// Writes what `make_dot` gives, in one step: `dot -Tsvg loss.dot > loss.svg` draws it. Errors
/// besides those of make_dot: what the system says about the path.
void write_dot(const std::string& path, const Tensor& loss, const DotOptions& options = {});
void write_dot(const std::string& path, const Tensor& loss, const nn::Module& model,
               const DotOptions& options = {});
void write_dot(const std::string& path, const std::function<Tensor()>& loss,
               const nn::Module& model, const DotOptions& options = {});
}  // namespace autograd

namespace nn {
/// The graph of a model from one run on an example of its input, a tensor or several. Errors as
/// above.
template <AnyModule M>
void write_dot(const std::string& path, M&& model, const Tensor& input,
               const DotOptions& options = {}) {
  norma::detail::write_text(path, make_dot(model, input, options));
}
template <AnyModule M>
void write_dot(const std::string& path, M&& model, const std::vector<Tensor>& inputs,
               const DotOptions& options = {}) {
  norma::detail::write_text(path, make_dot(model, inputs, options));
}
}  // namespace nn

}  // namespace norma
