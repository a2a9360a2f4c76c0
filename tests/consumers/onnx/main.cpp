// A model as an ONNX file, by an installed norma::onnx.
#include <norma/onnx.h>

#include <fstream>
#include <iterator>
#include <string>

namespace nn = norma::nn;

int main() {
  nn::Sequential net(nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 3));
  norma::onnx::export_model(net, norma::zeros({1, 4}), "net.onnx", {.input_names = {"features"}});
  std::ifstream file("net.onnx", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (const char* text : {"features", "0.weight", "2.bias", "Gemm", "Relu", "output"}) {
    if (bytes.find(text) == std::string::npos) return 1;
  }
  return 0;
}
