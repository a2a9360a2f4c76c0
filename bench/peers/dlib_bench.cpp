// The workloads of norma_bench in dlib, those that its layers express: the MLPs and the CNN.
//
//   dlib_bench [--blocks N] [--seconds S] [workload ...]
#include <dlib/dnn.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "../timing.h"

namespace {

const std::vector<std::string> kNames = {"mlp_tiny", "mlp_small", "mlp_large", "cnn"};

// Batch normalisation and dropout have other types in inference: `Norm` and `Drop` are those.
template <unsigned long hidden, unsigned long out, template <typename> class Norm>
using Mlp = dlib::loss_multiclass_log<dlib::fc<
    out, dlib::relu<Norm<dlib::fc<
             hidden, dlib::relu<Norm<dlib::fc<hidden, dlib::input<dlib::matrix<float>>>>>>>>>>;

template <long out, template <typename> class Norm, typename Below>
using ConvBlock = dlib::relu<Norm<dlib::con<out, 3, 3, 1, 1, Below>>>;

template <template <typename> class Norm, template <typename> class Drop>
using Cnn = dlib::loss_multiclass_log<dlib::fc<
    10, Drop<dlib::max_pool<
            2, 2, 2, 2,
            ConvBlock<64, Norm,
                      dlib::max_pool<2, 2, 2, 2,
                                     ConvBlock<32, Norm, dlib::input<dlib::matrix<float>>>>>>>>>;

/// The CNN's convolutions have no bias: the layer above them has one.
struct WithoutConvolutionBias {
  template <typename Layer>
  void operator()(Layer&) const {}
  template <long filters, long rows, long columns, int sy, int sx, int py, int px>
  void operator()(dlib::con_<filters, rows, columns, sy, sx, py, px>& layer) const {
    layer.disable_bias();
  }
};

template <class TrainNet, class InferNet>
void run(const std::string& name, TrainNet net, long batch, long rows, long columns,
         unsigned long classes, const bench::Timing& timing) {
  std::mt19937 random(0);
  std::normal_distribution<float> normal;
  std::vector<dlib::matrix<float>> images(static_cast<size_t>(batch));
  for (auto& image : images) {
    image.set_size(rows, columns);
    for (float& value : image) value = normal(random);
  }
  std::vector<std::vector<unsigned long>> labels(bench::kLabelSets);
  for (auto& set : labels) {
    for (long i = 0; i < batch; ++i) set.push_back(random() % classes);
  }
  std::size_t step = 0;
  dlib::visit_computational_layers(net, WithoutConvolutionBias());
  dlib::resizable_tensor inputs;
  net.to_tensor(images.begin(), images.end(), inputs);
  std::vector<dlib::sgd> solvers(TrainNet::num_computational_layers, dlib::sgd(1e-4f, 0.9f));

  const auto train = [&] {
    net.compute_parameter_gradients(inputs, labels[step++ % labels.size()].begin());
    net.update_parameters(solvers, 0.01);
  };
  std::printf("%s.train %.5f\n", name.c_str(), bench::milliseconds(timing, train));
  InferNet trained = net;
  trained.to_tensor(images.begin(), images.end(), inputs);
  const auto infer = [&] { trained.forward(inputs); };
  std::printf("%s.infer %.5f\n", name.c_str(), bench::milliseconds(timing, infer));
  trained.to_tensor(images.begin(), images.begin() + 1, inputs);
  bench::print_one_sample(name, timing, infer);
  std::fflush(stdout);
}

template <unsigned long hidden, unsigned long out>
void run_mlp(const std::string& name, long batch, long in, const bench::Timing& timing) {
  using Net = Mlp<hidden, out, dlib::bn_fc>;
  run<Net, Mlp<hidden, out, dlib::affine>>(name, Net(), batch, in, 1, out, timing);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times training steps and inference of small models in dlib");
  bench::Timing timing;
  std::vector<std::string> names;
  app.add_option("--blocks", timing.blocks, "Timed blocks; the median counts")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seconds", timing.seconds, "Length of a block")->check(CLI::PositiveNumber);
  app.add_option("workload", names, "Workloads (default: all)")->check(CLI::IsMember(kNames));
  CLI11_PARSE(app, argc, argv);
  for (const std::string& name : names.empty() ? kNames : names) {
    if (name == "mlp_tiny") run_mlp<16, 2>(name, 32, 2, timing);
    if (name == "mlp_small") run_mlp<128, 10>(name, 64, 784, timing);
    if (name == "mlp_large") run_mlp<1024, 10>(name, 256, 784, timing);
    if (name == "cnn") {
      using Net = Cnn<dlib::bn_con, dlib::dropout>;
      Net net(dlib::num_fc_outputs(10), dlib::dropout_(0.25f));
      run<Net, Cnn<dlib::affine, dlib::multiply>>(name, net, 64, 28, 28, 10, timing);
    }
  }
  return 0;
}
