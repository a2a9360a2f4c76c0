#include "norma/layers/pad_sequence.h"

#include <algorithm>

#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/tensor_impl.h"

namespace norma::nn::utils::rnn {

Tensor pad_sequence(const std::vector<Tensor>& sequences, bool batch_first, Scalar padding_value,
                    const std::string& padding_side) {
  return with_memory(0, [&]() -> Tensor {
    constexpr char kOp[] = "pad_sequence";
    if (sequences.empty()) fail(kOp, "expected one or more sequences, got none");
    if (padding_side != "left" && padding_side != "right")
      fail(kOp, "expected padding_side \"left\" or \"right\", got \"", padding_side, '"');
    int64_t longest = 0;
    for (const Tensor& sequence : sequences) {
      const Shape& sizes = defined_impl(sequence, kOp)->sizes;
      if (sizes.empty()) fail(kOp, "expected sequences of 1 or more dimensions, got a number");
      longest = std::max(longest, sizes[0]);
    }
    std::vector<Tensor> padded;
    padded.reserve(sequences.size());
    for (const Tensor& sequence : sequences) {
      Shape missing = sequence.sizes();
      missing[0] = longest - sequence.size(0);
      const Tensor rest = full(missing, padding_value, {.dtype = sequence.dtype()});
      padded.push_back(missing[0] == 0           ? sequence
                       : padding_side == "right" ? cat({sequence, rest})
                                                 : cat({rest, sequence}));
    }
    return stack(padded, batch_first ? 0 : 1);
  });
}

PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted) {
  return with_memory(0, [&]() -> PackedSequence {
    const Tensor padded = pad_sequence(sequences);
    std::vector<int64_t> lengths;
    lengths.reserve(sequences.size());
    for (const Tensor& sequence : sequences) lengths.push_back(sequence.size(0));
    return pack_padded_sequence(padded, tensor(lengths), false, enforce_sorted);
  });
}

std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths, bool batch_first) {
  return with_memory(0, [&]() -> std::vector<Tensor> {
    constexpr char kOp[] = "unpad_sequence";
    const Shape& sizes = defined_impl(padded, kOp)->sizes;
    if (sizes.size() < 2) fail(kOp, "expected an input of 2 or more dimensions, got ", sizes);
    const int64_t time = sizes[batch_first ? 1 : 0];
    const int64_t batch = sizes[batch_first ? 0 : 1];
    if (defined_impl(lengths, kOp)->sizes != Shape{batch})
      fail(kOp, "expected a length for each of ", batch, " sequences, got ", lengths.sizes());
    std::vector<Tensor> sequences;
    for (int64_t b = 0; b < batch; ++b) {
      const auto length = lengths[b].item<int64_t>();
      if (length < 0 || length > time)
        fail(kOp, "expected lengths between 0 and ", time, ", got ", length);
      sequences.push_back(padded.select(batch_first ? 0 : 1, b).narrow(0, 0, length));
    }
    return sequences;
  });
}

std::vector<Tensor> unpack_sequence(const PackedSequence& sequence) {
  return with_memory(0, [&]() -> std::vector<Tensor> {
    const auto padded = pad_packed_sequence(sequence, true);
    return unpad_sequence(std::get<0>(padded), std::get<1>(padded), true);
  });
}

}  // namespace norma::nn::utils::rnn
