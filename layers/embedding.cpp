#include "norma/layers/embedding.h"

#include "norma/autograd/grad_mode.h"
#include "norma/core/factory.h"
#include "norma/layers/check.h"
#include "norma/layers/init.h"

namespace norma::nn {

namespace {

EmbeddingOptions checked(EmbeddingOptions options, int64_t num_embeddings, int64_t embedding_dim) {
  check_at_least("Embedding", "num_embeddings", num_embeddings, 0);
  check_at_least("Embedding", "embedding_dim", embedding_dim, 0);
  options.check("Embedding", num_embeddings);
  if (options.padding_idx && *options.padding_idx < 0) *options.padding_idx += num_embeddings;
  return options;
}

const Tensor& checked_table(const Tensor& table) {
  if (!table.defined() || table.dim() != 2) {
    fail("Embedding", "Embeddings parameter is expected to be 2-dimensional, got ",
         table.defined() ? table.sizes().str() : "an undefined tensor");
  }
  if (!is_floating(table.dtype())) {
    fail("Embedding", "expected floating embeddings, got ", table.dtype(),
         "; convert them with to(kFloat32)");
  }
  return table;
}

}  // namespace

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, const EmbeddingOptions& options)
    : num_embeddings_(num_embeddings),
      embedding_dim_(embedding_dim),
      options_(checked(options, num_embeddings, embedding_dim)) {
  weight = register_parameter("weight", empty({num_embeddings, embedding_dim}));
  reset_parameters();
}

Embedding::Embedding(const Tensor& table, const EmbeddingOptions& options, bool freeze)
    : num_embeddings_(checked_table(table).size(0)),
      embedding_dim_(table.size(1)),
      options_(checked(options, num_embeddings_, embedding_dim_)) {
  weight = register_parameter("weight", table.detach(), !freeze);
}

Embedding Embedding::from_pretrained(const Tensor& embeddings,
                                     const EmbeddingFromPretrainedOptions& options) {
  return Embedding(embeddings,
                   {.padding_idx = options.padding_idx,
                    .max_norm = options.max_norm,
                    .norm_type = options.norm_type,
                    .scale_grad_by_freq = options.scale_grad_by_freq},
                   options.freeze);
}

void Embedding::reset_parameters() {
  init::normal_(weight);
  if (!options_.padding_idx) return;
  const NoGradGuard no_grad;
  weight.select(0, *options_.padding_idx).zero_();
}

Tensor Embedding::forward(const Tensor& indices) {
  return functional::embedding(indices, weight, options_);
}

std::string Embedding::extra_repr() const {
  std::string line = text(num_embeddings_, ", ", embedding_dim_);
  if (options_.padding_idx) line += text(", padding_idx=", *options_.padding_idx);
  if (options_.max_norm) line += text(", max_norm=", *options_.max_norm);
  if (options_.norm_type != 2.0) line += text(", norm_type=", options_.norm_type);
  if (options_.scale_grad_by_freq) line += ", scale_grad_by_freq=True";
  return line;
}

}  // namespace norma::nn
