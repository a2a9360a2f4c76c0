// Embedding: a table of vectors, looked up by number.
#pragma once
#include "norma/autograd/functional.h"
#include "norma/layers/cloneable.h"

namespace norma::nn {

using EmbeddingOptions = functional::EmbeddingOptions;

struct EmbeddingFromPretrainedOptions {
  bool freeze = true;                       ///< the table takes no gradient
  std::optional<int64_t> padding_idx = {};  ///< a row without gradient; negative: from the end
  std::optional<double> max_norm = {};      ///< rows looked up are scaled down to this norm
  double norm_type = 2.0;                   ///< the p of that norm
  bool scale_grad_by_freq = false;          ///< divides a row's gradient by its uses
};

/// y[…] = weight[indices[…]]: a vector for each index, such as a word's or a class's. indices [*]
/// of kInt64 or kInt32, in [0, num_embeddings); y [*, embedding_dim].
///
/// Parameter: `weight` [num_embeddings, embedding_dim], drawn from N(0, 1). Its gradient sums over
/// the indices in their order, whatever the number of threads, and is dense: there are no sparse
/// tensors, and hence no `sparse` option.
///
/// Options: `padding_idx`, negative ones counted from the end: this row is initially zero and takes
/// no gradient. `max_norm`: forward scales every row that it looks up, and whose p-norm with
/// p = `norm_type` is larger, down to it, in place and outside the graph; use a clone() of `weight`
/// for what the same graph computes from it before. `scale_grad_by_freq`: divides the gradient of
/// each row by how often it is looked up.
///
/// Errors: a padding_idx outside the table, negative sizes or max_norm; in forward, indices of
/// another type or outside the table. Behaves as PyTorch's Embedding.
class Embedding : public Cloneable<Embedding> {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim, const EmbeddingOptions& options = {});

  /// A layer with this table [num_embeddings, embedding_dim], whose memory it shares and whose
  /// values it keeps, those of the row `padding_idx` included. Errors: a table that is no matrix or
  /// not floating, and those of the options.
  static Embedding from_pretrained(const Tensor& embeddings,
                                   const EmbeddingFromPretrainedOptions& options = {});

  Tensor forward(const Tensor& indices) override;
  /// Draws new initial values.
  void reset_parameters();

  int64_t num_embeddings() const { return num_embeddings_; }
  int64_t embedding_dim() const { return embedding_dim_; }
  /// With a `padding_idx` that is not negative.
  const EmbeddingOptions& options() const { return options_; }
  std::string extra_repr() const override;
  Embedding fresh() const { return Embedding(num_embeddings_, embedding_dim_, options_); }

  Tensor weight;  ///< [num_embeddings, embedding_dim]

 private:
  Embedding(const Tensor& table, const EmbeddingOptions& options, bool freeze);

  int64_t num_embeddings_, embedding_dim_;
  EmbeddingOptions options_;
};

}  // namespace norma::nn
