// Indexing, scattering, einsum and linear equations.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

TensorIndex any_index(Hostile& h) {
  switch (h.below(6)) {
    case 0:
      return Slice(h.whole(0), h.whole(2), h.whole(1));
    case 1:
      return h.whole(1);
    case 2:
      return h.flag() ? TensorIndex(None) : TensorIndex(Ellipsis);
    case 3:
      return h.flag();
    case 4:
      return h.tensor({2}, kBool);
    default:
      return h.tensor({2}, kInt64);
  }
}
std::vector<TensorIndex> indices(Hostile& h) {
  std::vector<TensorIndex> out;
  for (int64_t i = h.below(4); i > 0; --i) out.push_back(any_index(h));
  return out;
}
Tensor index(Hostile& h) { return h.tensor({2, 3}, kInt64); }
Tensor row(Hostile& h) { return h.tensor({2}, kInt64); }
Tensor x(Hostile& h) { return h.tensor({2, 3}); }
void use_pair(const std::pair<Tensor, Tensor>& result) {
  use(result.first);
  use(result.second);
}

const std::vector<Row> kTable = {
    {"TensorMethods::index", [](Hostile& h) { use(x(h).index(indices(h))); }},
    {"Tensor::operator[]", [](Hostile& h) { use(x(h)[h.tensor({2}, kBool)]); }},
    {"TensorMethods::index_put",
     [](Hostile& h) { use(x(h).index_put(indices(h), x(h), h.flag())); }},
    {"TensorMethods::index_put_",
     [](Hostile& h) { use(x(h).index_put_(indices(h), x(h), h.flag())); }},
    {"TensorMethods::index_put_",
     [](Hostile& h) { use(x(h).index_put_(indices(h), h.scalar(2), h.flag())); }},
    {"IndexedTensor::operator=",
     [](Hostile& h) {
       const Tensor to = x(h);
       to.index(indices(h)) = x(h);
       to.index(indices(h)) = h.scalar(2);
       to.index(indices(h)) = to.index(indices(h));
       use(to);
     }},
    {"IndexedTensor::IndexedTensor", [](Hostile& h) { use(IndexedTensor(x(h))); }},
    {"IndexedTensor::operator+=",
     [](Hostile& h) {
       const Tensor to = x(h);
       to.index(indices(h)) += x(h);
       use(to);
     }},
    {"IndexedTensor::operator-=",
     [](Hostile& h) {
       const Tensor to = x(h);
       to.index(indices(h)) -= h.scalar(1);
       use(to);
     }},
    {"IndexedTensor::operator*=",
     [](Hostile& h) {
       const Tensor to = x(h);
       to.index(indices(h)) *= h.scalar(2);
       use(to);
     }},
    {"IndexedTensor::operator/=",
     [](Hostile& h) {
       const Tensor to = x(h);
       to.index(indices(h)) /= x(h);
       use(to);
     }},
    {"TensorIndex::*", [](Hostile& h) { use(x(h).index({h.word("...").c_str()})); }},
    {"indexing::Slice::*",
     [](Hostile& h) {
       const Slice slice(h.whole(0), h.whole(2), h.whole(1));
       use(x(h).index({Slice(slice.start(), slice.stop(), slice.step())}));
     }},
    {"TensorMethods::nonzero", [](Hostile& h) { use(x(h).nonzero()); }},
    {"nonzero", [](Hostile& h) { use(nonzero(x(h))); }},
    {"TensorMethods::argwhere", [](Hostile& h) { use(x(h).argwhere()); }},
    {"argwhere", [](Hostile& h) { use(argwhere(x(h))); }},
    {"where",
     [](Hostile& h) {
       for (const Tensor& t : where(x(h))) use(t);
     }},
    {"TensorMethods::masked_select",
     [](Hostile& h) {
       use(x(h).masked_select(h.tensor({2, 3}, kBool)));
     }},
    {"masked_select",
     [](Hostile& h) {
       use(masked_select(x(h), h.tensor({2, 3}, kBool)));
     }},
    {"TensorMethods::masked_scatter",
     [](Hostile& h) {
       use(x(h).masked_scatter(h.tensor({2, 3}, kBool), h.tensor({6})));
     }},
    {"TensorMethods::masked_scatter_",
     [](Hostile& h) {
       use(x(h).masked_scatter_(h.tensor({2, 3}, kBool), h.tensor({6})));
     }},
    {"TensorMethods::take", [](Hostile& h) { use(x(h).take(index(h))); }},
    {"take", [](Hostile& h) { use(take(x(h), index(h))); }},
    {"TensorMethods::put", [](Hostile& h) { use(x(h).put(index(h), x(h), h.flag())); }},
    {"TensorMethods::put_", [](Hostile& h) { use(x(h).put_(index(h), x(h), h.flag())); }},
    {"TensorMethods::take_along_dim",
     [](Hostile& h) { use(x(h).take_along_dim(index(h), h.whole(1))); }},
    {"take_along_dim", [](Hostile& h) { use(take_along_dim(x(h), index(h), h.whole(1))); }},
    {"TensorMethods::take_along_dim", [](Hostile& h) { use(x(h).take_along_dim(index(h))); }},
    {"Tensor::index_select", [](Hostile& h) { use(x(h).index_select(h.whole(0), row(h))); }},
    {"index_select", [](Hostile& h) { use(index_select(x(h), h.whole(0), row(h))); }},
    {"Tensor::gather", [](Hostile& h) { use(x(h).gather(h.whole(1), index(h))); }},
    {"gather", [](Hostile& h) { use(gather(x(h), h.whole(1), index(h))); }},
    {"TensorMethods::scatter", [](Hostile& h) { use(x(h).scatter(h.whole(1), index(h), x(h))); }},
    {"scatter", [](Hostile& h) { use(scatter(x(h), h.whole(1), index(h), x(h))); }},
    {"TensorMethods::scatter",
     [](Hostile& h) { use(x(h).scatter(h.whole(1), index(h), h.scalar(2))); }},
    {"TensorMethods::scatter",
     [](Hostile& h) { use(x(h).scatter(h.whole(1), index(h), x(h), h.word("add"))); }},
    {"TensorMethods::scatter",
     [](Hostile& h) { use(x(h).scatter(h.whole(1), index(h), h.scalar(2), h.word("multiply"))); }},
    {"TensorMethods::scatter_", [](Hostile& h) { use(x(h).scatter_(h.whole(1), index(h), x(h))); }},
    {"TensorMethods::scatter_",
     [](Hostile& h) { use(x(h).scatter_(h.whole(1), index(h), h.scalar(2))); }},
    {"TensorMethods::scatter_",
     [](Hostile& h) { use(x(h).scatter_(h.whole(1), index(h), x(h), h.word("add"))); }},
    {"TensorMethods::scatter_",
     [](Hostile& h) { use(x(h).scatter_(h.whole(1), index(h), h.scalar(2), h.word("add"))); }},
    {"TensorMethods::scatter_add",
     [](Hostile& h) { use(x(h).scatter_add(h.whole(1), index(h), x(h))); }},
    {"scatter_add", [](Hostile& h) { use(scatter_add(x(h), h.whole(1), index(h), x(h))); }},
    {"TensorMethods::scatter_add_",
     [](Hostile& h) { use(x(h).scatter_add_(h.whole(1), index(h), x(h))); }},
    {"TensorMethods::scatter_reduce",
     [](Hostile& h) {
       const char* const names[] = {"sum", "mean", "amax", "amin"};
       use(x(h).scatter_reduce(h.whole(1), index(h), x(h), h.word(names[h.below(4)]), h.flag()));
     }},
    {"TensorMethods::index_add",
     [](Hostile& h) { use(x(h).index_add(h.whole(0), row(h), x(h), h.scalar(2))); }},
    {"TensorMethods::index_add_",
     [](Hostile& h) { use(x(h).index_add_(h.whole(0), row(h), x(h), h.scalar(2))); }},
    {"TensorMethods::index_copy",
     [](Hostile& h) { use(x(h).index_copy(h.whole(0), row(h), x(h))); }},
    {"TensorMethods::index_copy_",
     [](Hostile& h) { use(x(h).index_copy_(h.whole(0), row(h), x(h))); }},
    {"TensorMethods::index_fill",
     [](Hostile& h) { use(x(h).index_fill(h.whole(0), row(h), h.scalar(2))); }},
    {"TensorMethods::index_fill",
     [](Hostile& h) { use(x(h).index_fill(h.whole(0), row(h), h.tensor({}))); }},
    {"TensorMethods::index_fill_",
     [](Hostile& h) { use(x(h).index_fill_(h.whole(0), row(h), h.scalar(2))); }},
    {"TensorMethods::index_fill_",
     [](Hostile& h) { use(x(h).index_fill_(h.whole(0), row(h), h.tensor({}))); }},
    {"einsum",
     [](Hostile& h) {
       use(einsum(h.word("ij,jk->ki"), {x(h), h.tensor({3, 2})}));
     }},
    {"einsum",
     [](Hostile& h) {
       use(einsum(h.word("...ii,...i"), {h.tensor({2, 2}), h.tensor({2})}));
     }},
    {"tensordot",
     [](Hostile& h) {
       use(tensordot(h.tensor({2, 3, 4}), h.tensor({3, 4}), h.whole(2)));
     }},
    {"tensordot",
     [](Hostile& h) {
       use(tensordot(x(h), x(h), h.shape({1, 0}), h.shape({1, 0})));
     }},
    {"cdist", [](Hostile& h) { use(cdist(x(h), x(h), h.real(2))); }},
    {"TensorMethods::kron", [](Hostile& h) { use(x(h).kron(x(h))); }},
    {"kron", [](Hostile& h) { use(kron(x(h), x(h))); }},
    {"TensorMethods::inverse",
     [](Hostile& h) {
       use(h.tensor({2, 2}).inverse());
     }},
    {"inverse",
     [](Hostile& h) {
       use(inverse(h.tensor({2, 2})));
     }},
    {"linalg::inv",
     [](Hostile& h) {
       use(linalg::inv(h.tensor({2, 2, 2})));
     }},
    {"linalg::solve",
     [](Hostile& h) {
       use(linalg::solve(h.tensor({2, 2}), h.tensor({2, 3})));
     }},
    {"TensorMethods::det",
     [](Hostile& h) {
       use(h.tensor({2, 2}).det());
     }},
    {"det",
     [](Hostile& h) {
       use(det(h.tensor({2, 2})));
     }},
    {"linalg::det",
     [](Hostile& h) {
       use(linalg::det(h.tensor({3, 2, 2})));
     }},
    {"TensorMethods::slogdet",
     [](Hostile& h) {
       use_pair(h.tensor({2, 2}).slogdet());
     }},
    {"slogdet",
     [](Hostile& h) {
       use_pair(slogdet(h.tensor({2, 2})));
     }},
    {"linalg::slogdet",
     [](Hostile& h) {
       use_pair(linalg::slogdet(h.tensor({2, 2})));
     }},
    {"linalg::cholesky",
     [](Hostile& h) {
       use(linalg::cholesky(h.tensor({2, 2})));
     }},
    {"TensorMethods::matrix_power",
     [](Hostile& h) {
       use(h.tensor({2, 2}).matrix_power(h.whole(3)));
     }},
    {"linalg::matrix_power",
     [](Hostile& h) {
       use(linalg::matrix_power(h.tensor({2, 2}), h.whole(-2)));
     }},
};

}  // namespace

TEST_CASE("indexing takes any arguments") { CHECK(surface::complaints(kTable) == ""); }
