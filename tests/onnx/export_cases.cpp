// export_cases FOLDER: exports every case as NAME.onnx, and what Norma computes from inputs of two
// numbers of samples as NAME.safetensors. check.py compares with what other runtimes compute.
#include <norma/norma.h>

#include <iostream>

#include "cases.h"

namespace cases {

std::function<List(int64_t)> numbers(Shape rest) {
  return [rest](int64_t n) {
    Shape sizes = rest;
    sizes.insert(0, n);
    return List{norma::randn(sizes)};
  };
}

Case function(const std::string& name, const Shape& rest, std::function<Tensor(Tensor)> f) {
  return function(name, numbers(rest), [f](const List& in) { return List{f(in[0])}; });
}

Case function(const std::string& name, std::function<List(int64_t)> inputs,
              norma::onnx::Forward f) {
  return {name, std::move(inputs), std::move(f), std::make_shared<norma::nn::Identity>()};
}

}  // namespace cases

int main(int argc, char** argv) {
  using namespace cases;
  if (argc < 2) return 2;
  const std::string folder = argv[1], only = argc > 2 ? argv[2] : "";
  int failures = 0;
  for (const auto& family :
       {layers(), elements(), operations(), order(), writes(), losses(), models(), examples()}) {
    for (const Case& one : family) {
      if (one.name.find(only) == std::string::npos) continue;
      try {
        norma::manual_seed(1);
        {  // other statistics and parameters than the initial ones, which hide mistakes
          const norma::NoGradGuard no_grad;
          for (auto& [name, buffer] : one.model->named_buffers()) {
            if (is_floating(buffer.dtype())) norma::uniform_(buffer, 0.5, 1.5);
          }
          for (auto& [name, parameter] : one.model->named_parameters()) {
            if (parameter.dim() == 1) norma::uniform_(parameter, -0.5, 1.0);
          }
        }
        const std::string path = folder + "/" + one.name;
        const List example = one.inputs(3);
        for (const int64_t opset : {17, 18, 19, 20}) {
          if (opset < one.first_opset) continue;
          norma::onnx::ExportOptions options = one.options;
          options.opset = opset;
          norma::onnx::export_model(*one.model, example, norma::text(path, ".", opset, ".onnx"),
                                    one.forward, options);
        }
        one.model->eval();
        const norma::NoGradGuard no_grad;
        norma::NamedTensors values;
        for (const int64_t samples : {3, 5}) {
          const int64_t n = one.options.dynamic_batch ? samples : 3;
          const List inputs = one.inputs(n);
          List copies;
          for (const Tensor& input : inputs) copies.push_back(input.clone());
          const List results = one.forward(copies);
          const auto keep = [&](const char* what, const List& list) {
            for (std::size_t i = 0; i < list.size(); ++i)
              values.emplace_back(norma::text(what, i, "@", samples), list[i].contiguous());
          };
          keep("in", inputs);
          keep("out", results);
        }
        norma::save_safetensors(values, path + ".safetensors");
      } catch (const std::exception& error) {
        std::cerr << one.name << ": " << error.what() << "\n";
        ++failures;
      }
    }
  }
  return failures == 0 ? 0 : 1;
}
