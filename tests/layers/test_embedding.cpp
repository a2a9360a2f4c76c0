#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"

using namespace norma;

TEST_CASE("Embedding: its parameter, and rows by number") {
  manual_seed(1);
  nn::Embedding table(10, 4);
  CHECK(table.num_embeddings() == 10);
  CHECK(table.embedding_dim() == 4);
  CHECK(table.weight.sizes() == Shape{10, 4});
  const NamedTensors named = table.named_parameters();
  REQUIRE(named.size() == 1);
  CHECK(named[0].first == "weight");
  CHECK(named[0].second.is_same(table.weight));
  CHECK(table.weight.requires_grad());
  const Tensor indices = tensor({3, 0, 3, 9}).reshape({2, 2});
  const Tensor y = table(indices);
  CHECK(y.sizes() == Shape{2, 2, 4});
  CHECK(equal(y[1][1], table.weight.detach()[9]));
  y.sum().backward();
  CHECK(equal(table.weight.grad().sum(1),
              tensor({4.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0})));
}

TEST_CASE("Embedding draws its first values from N(0, 1)") {
  manual_seed(2);
  const nn::Embedding table(300, 40);
  const Tensor values = table.weight.detach();
  CHECK(values.mean().item<double>() == Approx(0.0).margin(0.04));
  CHECK(values.std().item<double>() == Approx(1.0).epsilon(0.03));
  CHECK(values.abs().max().item<double>() > 3.0);
  nn::Embedding again(300, 40);
  CHECK_FALSE(equal(again.weight, table.weight));
  manual_seed(2);
  again.reset_parameters();
  CHECK(equal(again.weight, table.weight));
}

TEST_CASE("Embedding's padding row begins as zeros and takes no gradient") {
  for (const int64_t padding_idx : {2, -3}) {
    nn::Embedding table(5, 3, {.padding_idx = padding_idx});
    CHECK(table.options().padding_idx == 2);
    CHECK(table.weight.detach()[2].abs().sum().item<double>() == 0.0);
    CHECK(table.weight.detach()[1].abs().sum().item<double>() > 0.0);
    table(tensor({2, 1, 2})).sum().backward();
    CHECK(equal(table.weight.grad().sum(1), tensor({0.0, 3.0, 0.0, 0.0, 0.0})));
    table.weight.detach().fill_(1.0);
    table.reset_parameters();
    CHECK(table.weight.detach()[2].abs().sum().item<double>() == 0.0);
  }
}

TEST_CASE("Embedding applies its options") {
  manual_seed(3);
  nn::Embedding limited(4, 3, {.max_norm = 0.5, .norm_type = 1.0});
  limited.weight.detach().fill_(1.0);
  CHECK(limited(tensor({1})).abs().sum().item<double>() == Approx(0.5));
  CHECK(limited.weight.detach()[1].sum().item<double>() == Approx(0.5));
  CHECK(limited.weight.detach()[0].sum().item<double>() == Approx(3.0));
  CHECK(limited.weight.is_leaf());

  nn::Embedding scaled(4, 3, {.scale_grad_by_freq = true});
  scaled(tensor({1, 1, 0, 1})).sum().backward();
  CHECK(allclose(scaled.weight.grad().sum(1), tensor({3.0, 3.0, 0.0, 0.0})));
}

TEST_CASE("Embedding::from_pretrained shares the table, frozen unless told otherwise") {
  const Tensor given = randn({4, 3});
  nn::Embedding frozen = nn::Embedding::from_pretrained(given);
  CHECK(frozen.num_embeddings() == 4);
  CHECK(frozen.embedding_dim() == 3);
  CHECK_FALSE(frozen.weight.requires_grad());
  CHECK_FALSE(given.requires_grad());
  CHECK(equal(frozen.weight, given));
  given.select(0, 1).fill_(7.0);
  CHECK(equal(frozen(tensor({1})), full({1, 3}, 7.0)));
  CHECK_FALSE(frozen(tensor({1})).requires_grad());
  CHECK_FALSE(frozen.clone().weight.requires_grad());

  nn::Embedding trained = nn::Embedding::from_pretrained(given, {.freeze = false,
                                                                 .padding_idx = -1,
                                                                 .max_norm = 3.0,
                                                                 .norm_type = 1.0,
                                                                 .scale_grad_by_freq = true});
  CHECK(trained.weight.requires_grad());
  CHECK(trained.weight.is_leaf());
  CHECK_FALSE(given.requires_grad());
  CHECK(given[3].abs().sum().item<double>() > 0.0);
  CHECK(trained.str() ==
        "Embedding(4, 3, padding_idx=3, max_norm=3.0, norm_type=1.0, scale_grad_by_freq=True)");
  trained(tensor({1, 3, 1})).sum().backward();
  CHECK(given[1].sum().item<double>() == Approx(3.0));
  CHECK(allclose(trained.weight.grad().sum(1), tensor({0.0, 3.0, 0.0, 0.0})));

  const nn::Embedding doubles = nn::Embedding::from_pretrained(given.to(kFloat64));
  CHECK(doubles.weight.dtype() == kFloat64);
  CHECK(doubles.clone().weight.dtype() == kFloat64);
}

TEST_CASE("Embedding prints as in PyTorch, and clones deeply with its options") {
  CHECK(nn::Embedding(5, 3).str() == "Embedding(5, 3)");
  CHECK(nn::Embedding(5, 3, {.padding_idx = -1}).str() == "Embedding(5, 3, padding_idx=4)");
  const nn::Embedding table(
      5, 3, {.padding_idx = 2, .max_norm = 1.5, .norm_type = 3.0, .scale_grad_by_freq = true});
  CHECK(table.str() ==
        "Embedding(5, 3, padding_idx=2, max_norm=1.5, norm_type=3.0, scale_grad_by_freq=True)");
  const nn::Embedding copy = table.clone();
  CHECK(copy.str() == table.str());
  CHECK(equal(copy.weight, table.weight));
  copy.weight.detach().zero_();
  CHECK(table.weight.abs().sum().item<double>() > 0.0);
}

TEST_CASE("Embedding refuses bad settings") {
  const auto message = [](int64_t rows, int64_t width, const nn::EmbeddingOptions& options = {}) {
    return error_of([&] { nn::Embedding(rows, width, options); });
  };
  CHECK(message(-1, 3) == "[Embedding] expected num_embeddings of at least 0, got -1");
  CHECK(message(5, -3) == "[Embedding] expected embedding_dim of at least 0, got -3");
  CHECK(message(5, 0) == "no error");
  CHECK(message(5, 3, {.padding_idx = 5}) ==
        "[Embedding] Padding_idx must be within num_embeddings, got padding_idx=5 and "
        "num_embeddings=5");
  CHECK(message(5, 3, {.padding_idx = -6}) ==
        "[Embedding] Padding_idx must be within num_embeddings, got padding_idx=-6 and "
        "num_embeddings=5");
  CHECK(message(5, 3, {.max_norm = -1.0}) == "[Embedding] expected max_norm of at least 0, got -1");
  CHECK(error_of([] { nn::Embedding::from_pretrained(zeros({3})); }) ==
        "[Embedding] Embeddings parameter is expected to be 2-dimensional, got [3]");
  CHECK(error_of([] { nn::Embedding::from_pretrained(Tensor()); }) ==
        "[Embedding] Embeddings parameter is expected to be 2-dimensional, got an undefined "
        "tensor");
  CHECK(error_of([] {
          nn::Embedding::from_pretrained(ones({2, 2}).to(kInt64));
        }) ==
        "[Embedding] expected floating embeddings, got int64; convert them with to(kFloat32)");
  nn::Sequential net(nn::Embedding(5, 3), nn::Linear(3, 2));
  CHECK(net(tensor({1, 4})).sizes() == Shape{2, 2});
  CHECK(error_of([&] {
          net(tensor({1, 5}));
        }) ==
        "[embedding] index out of range in self: expected 0 <= index < 5, got 5 at [1] (in 0, an "
        "Embedding)");
}
