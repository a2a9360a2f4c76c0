// The models and batches of the benchmark, the same in every peer's program.
#pragma once
#include <norma/norma.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// A model and one batch of float inputs, with int64 labels of `kLabelSets` steps in turn.
struct Workload {
  std::string name;
  std::shared_ptr<norma::nn::Module> model;
  norma::Tensor inputs;
  std::vector<norma::Tensor> labels;

  const norma::Tensor& labels_of(std::size_t step) const { return labels[step % labels.size()]; }
};

/// mlp_tiny, mlp_small, mlp_large, cnn, resnet20
const std::vector<std::string>& workload_names();

/// `batch` 0 takes the workload's own batch size.
Workload make_workload(const std::string& name, int64_t batch = 0);

}  // namespace bench
