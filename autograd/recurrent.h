// What recurrent layers and their cells are made of.
#pragma once
#include <string>
#include <vector>

#include "norma/core/kernels/recurrent_shape.h"
#include "norma/core/tensor.h"

namespace norma::autograd {

using kernels::Cell;

/// What a step needs besides the input's part: `weight` [G, P] of the state h, its `bias` [G] of
/// use for Gru, or undefined, and of an Lstm with projections `projection` [P, H].
struct StepWeights {
  Tensor weight, bias, projection;  ///< see above
};
/// States [B, P], and for Lstm [B, H].
struct States {
  Tensor h, c;  ///< see above
};
/// What the steps of a direction gave.
struct Steps {
  Tensor out;   ///< h of all steps, as the rows of the input's part
  States last;  ///< the states after the last step
};

/// Tanh or Relu, by their names; throws `[op] …` for any other.
Cell cell_of(const char* op, const std::string& nonlinearity);
/// How many sums a step makes for each of its results.
int64_t gates_of(Cell cell);

/// Runs the steps of one direction of one layer over sequences of several lengths, of which
/// `batches[t]`, the first ones, have a time t. Every step takes its rows of `input` [rows, G], x
/// W_ihᵀ and biases. See plain/recurrent.h for what it computes.
Steps recur(Cell cell, const Tensor& input, const States& first, const StepWeights& weights,
            const std::vector<int64_t>& batches, bool reverse);

/// The parameters of one direction of one layer, named as those of nn::RNNBase.
struct LayerWeights {
  Tensor w_ih, w_hh, b_ih, b_hh, projection;  ///< absent ones undefined
};
/// The same from what a layer is given: x [rows, features].
Steps recur_layer(Cell cell, const Tensor& x, const States& first, const LayerWeights& weights,
                  const std::vector<int64_t>& batches, bool reverse);

/// `recur` as a composition of tensor operations: what is recorded for second derivatives, and for
/// projections.
Steps recur_by_operations(Cell cell, const Tensor& input, const States& first,
                          const StepWeights& weights, const std::vector<int64_t>& batches,
                          bool reverse);

}  // namespace norma::autograd
