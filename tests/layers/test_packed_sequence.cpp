#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
using namespace norma::nn::utils::rnn;

TEST_CASE("sequences are packed and padded as in PyTorch's examples") {
  const Tensor seq = tensor({{1, 2, 0}, {3, 0, 0}, {4, 5, 6}});
  const PackedSequence packed = pack_padded_sequence(seq, tensor({2, 1, 3}), true, false);
  CHECK(equal(packed.data(), tensor({4, 1, 3, 5, 2, 6})));
  CHECK(equal(packed.batch_sizes(), tensor({3, 2, 1})));
  CHECK(equal(packed.sorted_indices(), tensor({2, 0, 1})));
  CHECK(equal(packed.unsorted_indices(), tensor({1, 2, 0})));
  CHECK(packed.batches() == std::vector<int64_t>{3, 2, 1});
  const auto [padded, lengths] = pad_packed_sequence(packed, true);
  CHECK(equal(padded, seq));
  CHECK(equal(lengths, tensor({2, 1, 3})));
  const auto [longer, same] = pad_packed_sequence(packed, false, -1, 4);
  CHECK(equal(longer, tensor({{1, 3, 4}, {2, -1, 5}, {-1, -1, 6}, {-1, -1, -1}})));
  CHECK(packed.to(kFloat64).data().dtype() == kFloat64);
  CHECK(equal(packed.with_data(-packed.data()).data(), -packed.data()));

  const std::vector<Tensor> parts = {tensor({1, 2, 3}), tensor({4, 5}), tensor({6})};
  const PackedSequence sorted = pack_sequence(parts);
  CHECK(equal(sorted.data(), tensor({1, 4, 6, 2, 5, 3})));
  CHECK_FALSE(sorted.sorted_indices().defined());
  CHECK_FALSE(sorted.unsorted_indices().defined());
  const std::vector<Tensor> back = unpack_sequence(sorted);
  REQUIRE(back.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(equal(back[i], parts[i]));
  CHECK(equal(pad_sequence(parts), tensor({{1, 4, 6}, {2, 5, 0}, {3, 0, 0}})));
  CHECK(equal(pad_sequence(parts, true, 9, "left"), tensor({{1, 2, 3}, {9, 4, 5}, {9, 9, 6}})));
  CHECK(equal(unpad_sequence(pad_sequence(parts, true), tensor({3, 2, 1}), true)[1], parts[1]));
  CHECK(equal(unpad_sequence(pad_sequence(parts), tensor({3, 2, 0}))[2], empty({0}).to(kInt64)));
  const PackedSequence any = pack_sequence({tensor({1}), tensor({2, 3})}, false);
  CHECK(equal(any.data(), tensor({2, 1, 3})));
}

TEST_CASE("packing and padding have derivatives") {
  manual_seed(1);
  const auto function = [](const std::vector<Tensor>& x) {
    const PackedSequence packed = pack_padded_sequence(x[0], tensor({1, 3}), false, false);
    const PackedSequence curved = packed.with_data(packed.data().square());
    return std::get<0>(pad_packed_sequence(curved, true, 2));
  };
  CHECK(gradient_error(function, {random_leaf({3, 2, 2})}) == "");
  const auto padded = [](const std::vector<Tensor>& x) {
    return pad_sequence({x[0], x[1].square()});
  };
  CHECK(gradient_error(padded, {random_leaf({3, 2}), random_leaf({1, 2})}) == "");
}

TEST_CASE("packing and padding refuse what cannot be") {
  const Tensor x = zeros({3, 2, 1});
  const auto pack = [](const Tensor& input, const Tensor& lengths, bool sorted = true) {
    return error_of([&] { pack_padded_sequence(input, lengths, false, sorted); });
  };
  CHECK(pack(zeros({3}), tensor({1})) ==
        "[pack_padded_sequence] expected an input of 2 or more dimensions, got [3]");
  CHECK(pack(x, tensor({1})) ==
        "[pack_padded_sequence] expected a length for each of 2 sequences, one or more, got 1");
  CHECK(pack(zeros({3, 0}), empty({0}).to(kInt64)) ==
        "[pack_padded_sequence] expected a length for each of 0 sequences, one or more, got 0");
  CHECK(pack(x, tensor({4, 1})) ==
        "[pack_padded_sequence] expected lengths between 1 and 3, got 4");
  CHECK(pack(x, tensor({1, 0})) ==
        "[pack_padded_sequence] expected lengths between 1 and 3, got 0");
  CHECK(pack(x, tensor({1.0, 1.0})) ==
        "[pack_padded_sequence] expected lengths as one dimension of int64, got [2] of float32");
  CHECK(
      pack(x, tensor({1, 2})) ==
      "[pack_padded_sequence] expected lengths sorted in decreasing order, got tensor([1, 2]); or "
      "pass enforce_sorted = false");
  CHECK(pack(x, tensor({1, 2}), false) == "no error");
  CHECK(error_of([&] { pad_packed_sequence(pack_sequence({x}), false, 0, 2); }) ==
        "[pad_packed_sequence] expected total_length of at least 3, the longest sequence's, got 2");
  CHECK(error_of([] { pad_sequence({}); }) ==
        "[pad_sequence] expected one or more sequences, got none");
  CHECK(error_of([] { pad_sequence({tensor(1)}); }) ==
        "[pad_sequence] expected sequences of 1 or more dimensions, got a number");
  CHECK(error_of([&] { pad_sequence({x}, false, 0, "up"); }) ==
        "[pad_sequence] expected padding_side \"left\" or \"right\", got \"up\"");
  CHECK(error_of([&] { unpad_sequence(zeros({3}), tensor({1})); }) ==
        "[unpad_sequence] expected an input of 2 or more dimensions, got [3]");
  CHECK(error_of([&] { unpad_sequence(x, tensor({1})); }) ==
        "[unpad_sequence] expected a length for each of 2 sequences, got [1]");
  CHECK(error_of([&] {
          unpad_sequence(x, tensor({1, 4}));
        }) == "[unpad_sequence] expected lengths between 0 and 3, got 4");
  CHECK(error_of([] {
          PackedSequence(zeros({3}), tensor({1, 2}));
        }) ==
        "[PackedSequence] expected batch_sizes of at least 1 that never grow, got tensor([1, 2])");
  CHECK(error_of([] {
          PackedSequence(zeros({3}), tensor({2, 0}));
        }) ==
        "[PackedSequence] expected batch_sizes of at least 1 that never grow, got tensor([2, 0])");
  CHECK(error_of([] {
          PackedSequence(zeros({4}), tensor({2, 1}));
        }) == "[PackedSequence] expected data of 3 rows, the sum of batch_sizes, got [4]");
  CHECK(error_of([] {
          PackedSequence(zeros({2}), tensor({2}), tensor({2, 0}));
        }) == "[PackedSequence] expected sorted_indices in [0, 2), got 2");
}

TEST_CASE("PackedSequence refuses indices that are no permutation of its sequences") {
  const Tensor x = randn({5, 2}), sizes = tensor({3, 2});
  CHECK(error_of([&] { PackedSequence(x, sizes, tensor({0})); }) ==
        "[PackedSequence] expected sorted_indices with each of the numbers from 0 to 2 once, got "
        "tensor([0])");
  CHECK(error_of([&] {
          PackedSequence(x, sizes, Tensor(), tensor({0, 1, 1}));
        }) ==
        "[PackedSequence] expected unsorted_indices with each of the numbers from 0 to 2 once, got "
        "tensor([0, 1, 1])");
  const Tensor order = tensor({2, 0, 1});
  CHECK(error_of([&] { PackedSequence(x, sizes, order, tensor({0, 1, 7})); }) != "no error");
  CHECK(error_of([&] { PackedSequence(x, sizes, order); }) == "no error");
}
