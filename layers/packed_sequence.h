// Batches of sequences of several lengths, packed.
#pragma once
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"

/// PyTorch's `torch.nn.utils.rnn`.
namespace norma::nn::utils::rnn {

/// Sequences without padding, time by time: `data` [ΣL, *] has the first element of every sequence,
/// then the second of those that have one, …; of time t `batch_sizes[t]` ones. The sequences are
/// sorted by their length, the longest first: `sorted_indices` says where each stood before, and
/// `unsorted_indices` is the inverse; undefined where they were sorted already.
///
/// Made by `pack_padded_sequence` and `pack_sequence`, of pad_sequence.h. Errors: batch sizes below
/// 1 or that grow, another number of rows, indices that are not each of the numbers from 0 once.
class PackedSequence {
 public:
  PackedSequence() = default;
  PackedSequence(Tensor data, Tensor batch_sizes, Tensor sorted_indices = Tensor(),
                 Tensor unsorted_indices = Tensor());
  const Tensor& data() const { return data_; }
  const Tensor& batch_sizes() const { return batch_sizes_; }
  const Tensor& sorted_indices() const { return sorted_indices_; }
  const Tensor& unsorted_indices() const { return unsorted_indices_; }
  /// How many sequences have a time t, for every t.
  std::vector<int64_t> batches() const;
  /// The same sequences in another dtype.
  PackedSequence to(DType dtype) const { return with_data(data_.to(dtype)); }
  /// The same sequences of other values.
  PackedSequence with_data(const Tensor& data) const;

 private:
  Tensor data_, batch_sizes_, sorted_indices_, unsorted_indices_;
};

/// Packs [T, B, *], or [B, T, *] with `batch_first`, of which `lengths` [B] (integers of at least
/// 1) says how long the sequences are; what is behind their ends is not read. With `enforce_sorted`
/// they have to be sorted, the longest first; otherwise they are sorted here. Errors: fewer than
/// two dimensions, lengths that are fewer, below 1, above T or not sorted.
PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths,
                                    bool batch_first = false, bool enforce_sorted = true);

/// The inverse: the sequences in their first order, `padding_value` behind their ends, and their
/// lengths. `total_length`: how long the result is, at least as the longest sequence, or
/// it throws.
std::tuple<Tensor, Tensor> pad_packed_sequence(const PackedSequence& sequence,
                                               bool batch_first = false, Scalar padding_value = 0,
                                               std::optional<int64_t> total_length = {});

}  // namespace norma::nn::utils::rnn
