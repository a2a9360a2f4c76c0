// Lists of sequences of several lengths as one tensor, and back.
#pragma once
#include <string>
#include <vector>

#include "norma/layers/packed_sequence.h"

namespace norma::nn::utils::rnn {

/// [T, B, *], or [B, T, *] with `batch_first`, of B sequences [L, *]; T is the longest one's
/// length. `padding_side`: "right", behind the sequences, or "left". Errors: another word, no
/// sequence, 0-d tensors, sizes that differ behind the first.
Tensor pad_sequence(const std::vector<Tensor>& sequences, bool batch_first = false,
                    Scalar padding_value = 0, const std::string& padding_side = "right");

/// `pack_padded_sequence` of their `pad_sequence`, with the errors of both.
PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted = true);

/// The sequences that `pad_sequence` made [T, B, *], or [B, T, *], of. Errors: fewer than two
/// dimensions, another number of lengths, one beyond T.
std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths,
                                   bool batch_first = false);
/// The sequences, in the order they were packed from.
std::vector<Tensor> unpack_sequence(const PackedSequence& sequence);

}  // namespace norma::nn::utils::rnn
