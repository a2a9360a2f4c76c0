// Order, counts, and making tensors.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

LikeOptions like(Hostile& h) {
  const auto dtype = h.flag() ? std::nullopt : std::optional<DType>(h.dtype());
  return {.dtype = dtype, .requires_grad = h.flag()};
}

const std::vector<Row> kTable = {
    {"TensorMethods::sort",
     [](Hostile& h) {
       use(h.tensor({2, 3}).sort(h.whole(1), h.flag(), h.flag()));
     }},
    {"TensorMethods::argsort",
     [](Hostile& h) {
       use(h.tensor({2, 3}).argsort(h.whole(1), h.flag(), h.flag()));
     }},
    {"TensorMethods::topk",
     [](Hostile& h) {
       use(h.tensor({2, 5}).topk(h.whole(2), h.whole(1), h.flag(), h.flag()));
     }},
    {"TensorMethods::kthvalue",
     [](Hostile& h) {
       use(h.tensor({2, 5}).kthvalue(h.whole(2), h.whole(1), h.flag()));
     }},
    {"TensorMethods::unique",
     [](Hostile& h) {
       use(h.tensor({2, 3}).unique());
     }},
    {"TensorMethods::unique",
     [](Hostile& h) {
       use(std::get<1>(h.tensor({2, 3}).unique(h.flag(), h.flag(), h.flag())));
     }},
    {"TensorMethods::unique_consecutive",
     [](Hostile& h) {
       use(h.tensor({2, 3}).unique_consecutive());
     }},
    {"TensorMethods::unique_consecutive",
     [](Hostile& h) {
       use(std::get<1>(h.tensor({2, 3}).unique_consecutive(h.flag(), h.flag())));
     }},
    {"TensorMethods::bincount",
     [](Hostile& h) { use(h.tensor({3}, kInt64).bincount(h.whole(2))); }},
    {"TensorMethods::bincount",
     [](Hostile& h) { use(h.tensor({3}, kInt64).bincount(h.tensor({3}), h.whole(2))); }},
    {"TensorMethods::histc",
     [](Hostile& h) {
       use(h.tensor({2, 3}).histc(h.whole(4), h.scalar(0), h.scalar(2)));
     }},
    {"TensorMethods::new_empty",
     [](Hostile& h) {
       use(h.tensor({2, 3}).new_empty(h.shape({2}), like(h)));
     }},
    {"TensorMethods::new_zeros",
     [](Hostile& h) {
       use(h.tensor({2, 3}).new_zeros(h.shape({2}), like(h)));
     }},
    {"TensorMethods::new_ones",
     [](Hostile& h) {
       use(h.tensor({2, 3}).new_ones(h.shape({2}), like(h)));
     }},
    {"TensorMethods::new_full",
     [](Hostile& h) {
       use(h.tensor({2, 3}).new_full(h.shape({2}), h.scalar(2), like(h)));
     }},
    {"TensorMethods::bernoulli",
     [](Hostile& h) {
       use(h.tensor({2, 3}).mul(0.1).abs().bernoulli());
     }},
    {"TensorMethods::multinomial",
     [](Hostile& h) {
       use(h.tensor({2, 3}).abs().multinomial(h.whole(2), h.flag()));
     }},
    {"TensorMethods::uniform_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.uniform_(h.real(0), h.real(1)));
     }},
    {"TensorMethods::normal_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.normal_(h.real(0), h.real(1)));
     }},
    {"TensorMethods::bernoulli_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.bernoulli_(h.real(0.5)));
     }},
    {"TensorMethods::bernoulli_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.bernoulli_(h.tensor({2, 3}).mul(0.1).abs()));
     }},
    {"TensorMethods::exponential_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.exponential_(h.real(1)));
     }},
    {"TensorMethods::random_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.random_());
     }},
    {"TensorMethods::random_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.random_(h.whole(5)));
     }},
    {"TensorMethods::random_",
     [](Hostile& h) {
       Tensor x = h.tensor({2, 3}).detach();
       use(x.random_(h.whole(0), h.whole(5)));
     }},
    {"searchsorted",
     [](Hostile& h) {
       use(searchsorted(h.tensor({3}), h.tensor({2, 3}), h.flag()));
     }},
    {"searchsorted", [](Hostile& h) { use(searchsorted(h.tensor({3}), h.scalar(2), h.flag())); }},
    {"bucketize",
     [](Hostile& h) {
       use(bucketize(h.tensor({2, 3}), h.tensor({3}), h.flag()));
     }},
    {"sort",
     [](Hostile& h) {
       use(norma::sort(h.tensor({2, 3}), h.whole(1), h.flag()));
     }},
    {"argsort",
     [](Hostile& h) {
       use(norma::argsort(h.tensor({2, 3}), h.whole(1), h.flag()));
     }},
    {"topk",
     [](Hostile& h) {
       use(norma::topk(h.tensor({2, 3}), h.whole(2), h.whole(1), h.flag(), h.flag()));
     }},
    {"unique",
     [](Hostile& h) {
       use(norma::unique(h.tensor({2, 3})));
     }},
    {"bincount", [](Hostile& h) { use(norma::bincount(h.tensor({3}, kInt64))); }},
    {"multinomial",
     [](Hostile& h) { use(norma::multinomial(h.tensor({3}).abs(), h.whole(2), h.flag())); }},
    {"bernoulli", [](Hostile& h) { use(norma::bernoulli(h.tensor({3}).abs().mul(0.1))); }},
    {"normal",
     [](Hostile& h) {
       use(normal(h.tensor({2, 3}), h.tensor({3}).abs()));
     }},
    {"normal",
     [](Hostile& h) {
       use(normal(h.tensor({2, 3}), h.real(1)));
     }},
    {"normal",
     [](Hostile& h) {
       use(normal(h.real(1), h.tensor({2, 3}).abs()));
     }},
    {"normal",
     [](Hostile& h) {
       use(normal(h.real(1), h.real(1), h.shape({2, 3}), h.options()));
     }},
    {"exponential_",
     [](Hostile& h) {
       use(exponential_(h.tensor({2, 3}), h.real(1)));
     }},
    {"randint_like",
     [](Hostile& h) {
       use(randint_like(h.tensor({2, 3}), h.whole(0), h.whole(5), like(h)));
     }},
    {"randint_like",
     [](Hostile& h) {
       use(randint_like(h.tensor({2, 3}), h.whole(5), like(h)));
     }},
    {"rand_like",
     [](Hostile& h) {
       use(rand_like(h.tensor({2, 3}), like(h)));
     }},
    {"randn_like",
     [](Hostile& h) {
       use(randn_like(h.tensor({2, 3}), like(h)));
     }},
    {"zeros_like",
     [](Hostile& h) {
       use(zeros_like(h.tensor({2, 3}), like(h)));
     }},
    {"ones_like",
     [](Hostile& h) {
       use(ones_like(h.tensor({2, 3}), like(h)));
     }},
    {"empty_like",
     [](Hostile& h) {
       use(empty_like(h.tensor({2, 3}), like(h)));
     }},
    {"full_like",
     [](Hostile& h) {
       use(full_like(h.tensor({2, 3}), h.scalar(2), like(h)));
     }},
    {"logspace",
     [](Hostile& h) { use(logspace(h.real(0), h.real(2), h.whole(5), h.real(10), h.options())); }},
    {"tril_indices", [](Hostile& h) { use(tril_indices(h.whole(3), h.whole(4), h.whole(1))); }},
    {"triu_indices", [](Hostile& h) { use(triu_indices(h.whole(3), h.whole(4), h.whole(1))); }},
    {"functional::one_hot",
     [](Hostile& h) { use(functional::one_hot(h.tensor({3}, kInt64), h.whole(5))); }},
};

}  // namespace

TEST_CASE("order, counts and making take absurd arguments") {
  CHECK(surface::complaints(kTable) == "");
}
