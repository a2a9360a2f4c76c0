// The inputs that BatchNorm refuses.
#include "norma/layers/batch_norm.h"

namespace norma::nn {

void BatchNorm::check_input(const Tensor& input, bool batch_statistics) const {
  if (!input.defined()) fail(name_, "expected a tensor, got an undefined one");
  const Shape& sizes = input.sizes();
  const int64_t rank = sizes.size();
  if (rank < min_dim_ || rank > max_dim_) {
    const bool flat = min_dim_ == 2, deep = min_dim_ == 5;
    fail(name_, "expected ",
         flat   ? "2D or 3D"
         : deep ? "5D"
                : "4D",
         " input (got ", rank, "D input), ",
         flat   ? "[N, C] or [N, C, L]"
         : deep ? "[N, C, D, H, W]"
                : "[N, C, H, W]",
         ", got input size ", sizes,
         (rank == min_dim_ - 1 && sizes[0] == num_features_
              ? "; unsqueeze(0) makes a batch of one sample"
          : rank == 5 ? "; BatchNorm3d takes [N, C, D, H, W]"
          : rank == 4 ? "; BatchNorm2d takes images [N, C, H, W]"
                      : "; BatchNorm1d takes [N, C] and [N, C, L]"));
  }
  if (sizes[1] != num_features_) {
    std::string hint;
    if ((rank == 3 || rank == 4) && sizes.back() == num_features_) {
      hint = text("; its last axis has ", num_features_, ": write ",
                  rank == 3 ? "bn(x.transpose(1, 2)).transpose(1, 2)"
                            : "bn(x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1})");
    }
    fail(name_, "expected ", num_features_, " channels on axis 1, got input size ", sizes, " with ",
         sizes[1], hint);
  }
  int64_t values = sizes[0];
  for (int64_t i = 2; i < rank; ++i) values *= sizes[i];
  if (batch_statistics && values == 1) {
    fail(name_, "Expected more than 1 value per channel when training, got input size ", sizes,
         (running_mean.defined()
              ? "; call eval() to use the running statistics, or give the DataLoader "
                "drop_last = true so that no batch of one is left over"
              : "; a layer with track_running_stats = false has only the statistics of "
                "the batch: give it a larger one"));
  }
}

}  // namespace norma::nn
