// What is exported and run again elsewhere: by name, a model or a function, and inputs for any
// number of samples.
#pragma once
#include <norma/onnx.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cases {

using norma::Shape;
using norma::Tensor;
using List = std::vector<Tensor>;
using Function = Tensor (*)(Tensor);

struct Case {
  std::string name;
  std::function<List(int64_t)> inputs;
  norma::onnx::Forward forward;
  std::shared_ptr<norma::nn::Module> model;
  norma::onnx::ExportOptions options = {};
  int64_t first_opset = 17;
};
using Cases = std::vector<Case>;

/// Random numbers [n, rest …].
std::function<List(int64_t)> numbers(Shape rest);

/// A layer with random statistics and parameters, called with one tensor.
template <class Layer>
Case layer(const std::string& name, Layer module, const Shape& rest,
           const norma::onnx::ExportOptions& options = {}) {
  auto model = std::make_shared<Layer>(std::move(module));
  return {name, numbers(rest), [model](const List& in) { return List{(*model)(in[0])}; }, model,
          options};
}

/// A function of one tensor [n, rest …], with nothing to train.
Case function(const std::string& name, const Shape& rest, std::function<Tensor(Tensor)> f);
Case function(const std::string& name, std::function<List(int64_t)> inputs, norma::onnx::Forward f);

Cases layers();
Cases elements();
Cases operations();
Cases order();
Cases writes();
Cases losses();
Cases models();
Cases examples();

}  // namespace cases
