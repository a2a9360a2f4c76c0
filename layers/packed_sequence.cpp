#include "norma/layers/packed_sequence.h"

#include <algorithm>
#include <numeric>

#include "norma/autograd/ops.h"
#include "norma/core/factory.h"
#include "norma/core/integers.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/integer_list.h"

namespace norma::nn::utils::rnn {

namespace {

std::vector<int64_t> integers(const char* op, const char* name, const Tensor& tensor) {
  const TensorImpl* impl = defined_impl(tensor, op);
  if ((impl->dtype != kInt64 && impl->dtype != kInt32) || impl->sizes.size() != 1) {
    fail(op, "expected ", name, " as one dimension of int64, got ", impl->sizes, " of ",
         impl->dtype);
  }
  const Tensor own = tensor.to(kInt64).contiguous();
  const int64_t* first = values_of<int64_t>(own);
  return {first, first + own.numel()};
}

std::vector<int64_t> lengths_of(const std::vector<int64_t>& batches) {
  std::vector<int64_t> lengths = integer_list(batches.empty() ? 0 : batches[0], 0);
  for (const int64_t batch : batches) {
    for (int64_t b = 0; b < batch; ++b) ++lengths[static_cast<std::size_t>(b)];
  }
  return lengths;
}

/// The first two sizes become `sizes`.
Tensor with_leading(const Tensor& x, Shape sizes, int64_t from) {
  for (int64_t i = from; i < x.dim(); ++i) sizes.push_back(x.size(i));
  return x.reshape(sizes);
}

Tensor inverted(const Tensor& permutation) {
  if (!permutation.defined()) return Tensor();
  const std::vector<int64_t> places = integers("PackedSequence", "sorted_indices", permutation);
  std::vector<int64_t> result(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] < 0 || places[i] >= static_cast<int64_t>(places.size())) {
      fail("PackedSequence", "expected sorted_indices in [0, ", places.size(), "), got ",
           places[i]);
    }
    result[static_cast<std::size_t>(places[i])] = static_cast<int64_t>(i);
  }
  return tensor(result);
}

void check_permutation(const char* name, const Tensor& indices, int64_t size) {
  if (!indices.defined()) return;
  std::vector<int64_t> places = integers("PackedSequence", name, indices);
  std::sort(places.begin(), places.end());
  bool is_one = static_cast<int64_t>(places.size()) == size;
  for (std::size_t i = 0; is_one && i < places.size(); ++i)
    is_one = places[i] == static_cast<int64_t>(i);
  if (!is_one) {
    fail("PackedSequence", "expected ", name, " with each of the numbers from 0 to ", size - 1,
         " once, got ", indices);
  }
}

}  // namespace

PackedSequence::PackedSequence(Tensor data, Tensor batch_sizes, Tensor sorted_indices,
                               Tensor unsorted_indices)
    : data_(std::move(data)),
      batch_sizes_(std::move(batch_sizes)),
      sorted_indices_(std::move(sorted_indices)),
      unsorted_indices_(unsorted_indices.defined() ? std::move(unsorted_indices)
                                                   : inverted(sorted_indices_)) {
  const std::vector<int64_t> sizes = batches();
  const int64_t rows = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  const bool falls = std::is_sorted(sizes.rbegin(), sizes.rend()) && !sizes.empty();
  if (!falls || sizes.back() < 1) {
    fail("PackedSequence", "expected batch_sizes of at least 1 that never grow, got ",
         batch_sizes_);
  }
  if (defined_impl(data_, "PackedSequence")->sizes.empty() || data_.size(0) != rows) {
    fail("PackedSequence", "expected data of ", rows, " rows, the sum of batch_sizes, got ",
         data_.sizes());
  }
  check_permutation("sorted_indices", sorted_indices_, sizes[0]);
  check_permutation("unsorted_indices", unsorted_indices_, sizes[0]);
}

std::vector<int64_t> PackedSequence::batches() const {
  return integers("PackedSequence", "batch_sizes", batch_sizes_);
}

PackedSequence PackedSequence::with_data(const Tensor& data) const {
  return PackedSequence(data, batch_sizes_, sorted_indices_, unsorted_indices_);
}

PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first,
                                    bool enforce_sorted) {
  return with_memory(0, [&]() -> PackedSequence {
    constexpr char kOp[] = "pack_padded_sequence";
    const Shape& sizes = defined_impl(input, kOp)->sizes;
    if (sizes.size() < 2) fail(kOp, "expected an input of 2 or more dimensions, got ", sizes);
    const int64_t batch = sizes[batch_first ? 0 : 1], time = sizes[batch_first ? 1 : 0];
    std::vector<int64_t> counts = integers(kOp, "lengths", lengths);
    if (static_cast<int64_t>(counts.size()) != batch || batch == 0) {
      fail(kOp, "expected a length for each of ", batch, " sequences, one or more, got ",
           counts.size());
    }
    for (const int64_t count : counts) {
      if (count < 1 || count > time)
        fail(kOp, "expected lengths between 1 and ", time, ", got ", count);
    }
    std::vector<int64_t> order(counts.size());
    std::iota(order.begin(), order.end(), 0);
    const auto length = [&](int64_t b) { return counts[static_cast<std::size_t>(b)]; };
    const auto longer = [&](int64_t a, int64_t b) { return length(a) > length(b); };
    if (enforce_sorted && !std::is_sorted(order.begin(), order.end(), longer)) {
      fail(kOp, "expected lengths sorted in decreasing order, got ", lengths,
           "; or pass enforce_sorted = false");
    }
    std::stable_sort(order.begin(), order.end(), longer);
    std::vector<int64_t> rows, batches;
    for (int64_t t = 0; t < length(order[0]); ++t) {
      const auto end =
          std::find_if(order.begin(), order.end(), [&](int64_t b) { return length(b) <= t; });
      for (auto b = order.begin(); b != end; ++b)
        rows.push_back(batch_first ? *b * time + t : t * batch + *b);
      batches.push_back(end - order.begin());
    }
    const Tensor data = with_leading(input, {batch * time}, 2).index_select(0, tensor(rows));
    return PackedSequence(data, tensor(batches), enforce_sorted ? Tensor() : tensor(order));
  });
}

std::tuple<Tensor, Tensor> pad_packed_sequence(const PackedSequence& sequence, bool batch_first,
                                               Scalar padding_value,
                                               std::optional<int64_t> total_length) {
  return with_memory(0, [&]() -> std::tuple<Tensor, Tensor> {
    const std::vector<int64_t> batches = sequence.batches(), sorted = lengths_of(batches);
    const auto longest = static_cast<int64_t>(batches.size());
    if (total_length.value_or(longest) < longest) {
      fail("pad_packed_sequence", "expected total_length of at least ", longest,
           ", the longest sequence's, got ", *total_length);
    }
    const int64_t time = total_length.value_or(longest), batch = batches[0];
    std::vector<int64_t> order(sorted.size());
    std::iota(order.begin(), order.end(), 0);
    if (sequence.unsorted_indices().defined())
      order = integers("pad_packed_sequence", "unsorted_indices", sequence.unsorted_indices());
    const int64_t cells = checked_product("pad_packed_sequence", "cells", time, batch);
    std::vector<int64_t> rows = integer_list(cells, 0), lengths;
    const int64_t padding = sequence.data().size(0);  // the row behind the last
    for (int64_t b = 0; b < batch; ++b) {
      const int64_t own = order[static_cast<std::size_t>(b)];
      lengths.push_back(sorted[static_cast<std::size_t>(own)]);
      int64_t start = 0;
      for (int64_t t = 0; t < time; ++t) {
        const int64_t at = batch_first ? b * time + t : t * batch + b;
        rows[static_cast<std::size_t>(at)] = t < lengths.back() ? start + own : padding;
        if (t < longest) start += batches[static_cast<std::size_t>(t)];
      }
    }
    Shape one = sequence.data().sizes();
    one[0] = 1;
    const Tensor value = full(one, padding_value, {.dtype = sequence.data().dtype()});
    const Tensor padded = cat({sequence.data(), value}).index_select(0, tensor(rows));
    return {with_leading(padded, batch_first ? Shape{batch, time} : Shape{time, batch}, 1),
            tensor(lengths)};
  });
}

}  // namespace norma::nn::utils::rnn
