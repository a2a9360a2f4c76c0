// Rearranging, running results and reductions.
#include "norma/tests/support/catch.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

std::vector<int64_t> list(Hostile& h) { return {h.whole(1), h.whole(2)}; }
std::optional<int64_t> optional(Hostile& h) {
  return h.flag() ? std::nullopt : std::optional<int64_t>(h.whole(0));
}
std::optional<DType> type(Hostile& h) {
  return h.flag() ? std::nullopt : std::optional<DType>(h.dtype());
}

const std::vector<Row> kTable = {
    {"TensorMethods::chunk",
     [](Hostile& h) {
       use(h.tensor({2, 5}).chunk(h.whole(2), h.whole(1)));
     }},
    {"TensorMethods::split",
     [](Hostile& h) {
       use(h.tensor({2, 5}).split(h.whole(2), h.whole(1)));
     }},
    {"TensorMethods::split",
     [](Hostile& h) {
       use(h.tensor({2, 3}).split(list(h), h.whole(1)));
     }},
    {"TensorMethods::split_with_sizes",
     [](Hostile& h) {
       use(h.tensor({2, 3}).split_with_sizes(list(h), h.whole(1)));
     }},
    {"TensorMethods::tensor_split",
     [](Hostile& h) {
       use(h.tensor({2, 5}).tensor_split(h.whole(2), h.whole(1)));
     }},
    {"TensorMethods::tensor_split",
     [](Hostile& h) {
       use(h.tensor({2, 3}).tensor_split(list(h), h.whole(1)));
     }},
    {"TensorMethods::unbind",
     [](Hostile& h) {
       use(h.tensor({2, 3}).unbind(h.whole(1)));
     }},
    {"TensorMethods::diagonal",
     [](Hostile& h) {
       use(h.tensor({2, 3, 2}).diagonal(h.whole(1), h.whole(0), h.whole(2)));
     }},
    {"TensorMethods::unfold",
     [](Hostile& h) {
       use(h.tensor({2, 7}).unfold(h.whole(1), h.whole(3), h.whole(2)));
     }},
    {"TensorMethods::as_strided",
     [](Hostile& h) {
       use(h.tensor({2, 6}).as_strided(h.shape({2, 3}), h.shape({3, 1}), optional(h)));
     }},
    {"TensorMethods::movedim",
     [](Hostile& h) {
       use(h.tensor({2, 3, 2}).movedim(h.shape({0, 1}), h.shape({1, 2})));
     }},
    {"TensorMethods::swapaxes",
     [](Hostile& h) {
       use(h.tensor({2, 3, 2}).swapaxes(h.whole(0), h.whole(1)));
     }},
    {"TensorMethods::swapdims",
     [](Hostile& h) {
       use(h.tensor({2, 3, 2}).swapdims(h.whole(0), h.whole(1)));
     }},
    {"TensorMethods::T",
     [](Hostile& h) {
       use(h.tensor({2, 3}).T());
     }},
    {"TensorMethods::mT",
     [](Hostile& h) {
       use(h.tensor({2, 3}).mT());
     }},
    {"TensorMethods::view_as",
     [](Hostile& h) {
       use(h.tensor({2, 3}).view_as(h.tensor({3, 2})));
     }},
    {"TensorMethods::reshape_as",
     [](Hostile& h) {
       use(h.tensor({2, 3}).reshape_as(h.tensor({3, 2})));
     }},
    {"TensorMethods::expand_as",
     [](Hostile& h) {
       use(h.tensor({2, 1}).expand_as(h.tensor({2, 3})));
     }},
    {"TensorMethods::broadcast_to",
     [](Hostile& h) {
       use(h.tensor({2, 1}).broadcast_to(h.shape({2, 3})));
     }},
    {"TensorMethods::unflatten",
     [](Hostile& h) {
       use(h.tensor({2, 6}).unflatten(h.whole(1), h.shape({2, 3})));
     }},
    {"TensorMethods::ravel",
     [](Hostile& h) {
       use(h.tensor({2, 3}).ravel());
     }},
    {"TensorMethods::repeat",
     [](Hostile& h) {
       use(h.tensor({2, 3}).repeat(h.shape({2, 1, 2})));
     }},
    {"TensorMethods::tile",
     [](Hostile& h) {
       use(h.tensor({2, 3}).tile(h.shape({2, 2})));
     }},
    {"TensorMethods::repeat_interleave",
     [](Hostile& h) {
       use(h.tensor({2, 3}).repeat_interleave(h.whole(2), optional(h)));
     }},
    {"TensorMethods::repeat_interleave",
     [](Hostile& h) {
       use(h.tensor({2, 3}).repeat_interleave(h.tensor({3}, kInt64), optional(h)));
     }},
    {"TensorMethods::flip",
     [](Hostile& h) {
       use(h.tensor({2, 3}).flip(h.shape({0, 1})));
     }},
    {"TensorMethods::fliplr",
     [](Hostile& h) {
       use(h.tensor({2, 3}).fliplr());
     }},
    {"TensorMethods::flipud",
     [](Hostile& h) {
       use(h.tensor({2, 3}).flipud());
     }},
    {"TensorMethods::roll",
     [](Hostile& h) {
       use(h.tensor({2, 3}).roll(h.shape({1, 2}), h.shape({0, 1})));
     }},
    {"TensorMethods::roll",
     [](Hostile& h) {
       use(h.tensor({2, 3}).roll(h.whole(2)));
     }},
    {"TensorMethods::rot90",
     [](Hostile& h) {
       use(h.tensor({2, 3}).rot90(h.whole(1), h.shape({0, 1})));
     }},
    {"TensorMethods::tril",
     [](Hostile& h) {
       use(h.tensor({3, 3}).tril(h.whole(0)));
     }},
    {"TensorMethods::triu",
     [](Hostile& h) {
       use(h.tensor({3, 3}).triu(h.whole(0)));
     }},
    {"TensorMethods::diag", [](Hostile& h) { use(h.tensor({3}).diag(h.whole(1))); }},
    {"TensorMethods::diag",
     [](Hostile& h) {
       use(h.tensor({3, 4}).diag(h.whole(1)));
     }},
    {"TensorMethods::diag_embed",
     [](Hostile& h) {
       use(h.tensor({2, 3}).diag_embed(h.whole(1), h.whole(0), h.whole(2)));
     }},
    {"TensorMethods::cumsum",
     [](Hostile& h) {
       use(h.tensor({2, 3}).cumsum(h.whole(1), type(h)));
     }},
    {"TensorMethods::cumprod",
     [](Hostile& h) {
       use(h.tensor({2, 3}).cumprod(h.whole(1), type(h)));
     }},
    {"TensorMethods::logcumsumexp",
     [](Hostile& h) {
       use(h.tensor({2, 3}).logcumsumexp(h.whole(1)));
     }},
    {"TensorMethods::cummax",
     [](Hostile& h) {
       use(h.tensor({2, 3}).cummax(h.whole(1)));
     }},
    {"TensorMethods::cummin",
     [](Hostile& h) {
       use(h.tensor({2, 3}).cummin(h.whole(1)));
     }},
    {"TensorMethods::prod",
     [](Hostile& h) {
       use(h.tensor({2, 3}).prod(type(h)));
     }},
    {"TensorMethods::prod",
     [](Hostile& h) {
       use(h.tensor({2, 3}).prod(h.whole(1), h.flag(), type(h)));
     }},
    {"TensorMethods::logsumexp",
     [](Hostile& h) {
       use(h.tensor({2, 3}).logsumexp(h.shape({1}), h.flag()));
     }},
    {"TensorMethods::amax",
     [](Hostile& h) {
       use(h.tensor({2, 3}).amax(h.shape({1}), h.flag()));
     }},
    {"TensorMethods::amin",
     [](Hostile& h) {
       use(h.tensor({2, 3}).amin(h.shape({1}), h.flag()));
     }},
    {"TensorMethods::var_mean",
     [](Hostile& h) {
       use(h.tensor({2, 3}).var_mean(h.shape({1}), h.flag(), h.flag()));
     }},
    {"TensorMethods::std_mean",
     [](Hostile& h) {
       use(h.tensor({2, 3}).std_mean(h.shape({1}), h.flag(), h.flag()));
     }},
    {"TensorMethods::median",
     [](Hostile& h) {
       use(h.tensor({2, 3}).median());
     }},
    {"TensorMethods::median",
     [](Hostile& h) {
       use(h.tensor({2, 3}).median(h.whole(1), h.flag()));
     }},
    {"TensorMethods::quantile",
     [](Hostile& h) {
       use(h.tensor({2, 3}).quantile(h.real(0.5), optional(h), h.flag()));
     }},
    {"TensorMethods::quantile",
     [](Hostile& h) {
       use(h.tensor({2, 3}).quantile(h.tensor({2}).mul(0.1), optional(h), h.flag()));
     }},
    {"TensorMethods::count_nonzero",
     [](Hostile& h) {
       use(h.tensor({2, 3}).count_nonzero(h.shape({1})));
     }},
    {"TensorMethods::nansum",
     [](Hostile& h) {
       use(h.tensor({2, 3}).nansum(h.shape({1}), h.flag()));
     }},
    {"TensorMethods::nanmean",
     [](Hostile& h) {
       use(h.tensor({2, 3}).nanmean(h.shape({1}), h.flag()));
     }},
    {"TensorMethods::trace",
     [](Hostile& h) {
       use(h.tensor({3, 3}).trace());
     }},
    {"Tensor::sum",
     [](Hostile& h) {
       use(h.tensor({2, 3}).sum(h.dtype()));
     }},
    {"Tensor::sum",
     [](Hostile& h) {
       use(h.tensor({2, 3}).sum(h.shape({1}), h.flag(), h.dtype()));
     }},
    {"Tensor::mean",
     [](Hostile& h) {
       use(h.tensor({2, 3}).mean(h.dtype()));
     }},
    {"Tensor::mean",
     [](Hostile& h) {
       use(h.tensor({2, 3}).mean(h.shape({1}), h.flag(), h.dtype()));
     }},
    {"Tensor::softmax",
     [](Hostile& h) {
       use(h.tensor({2, 3}).softmax(h.whole(1), h.dtype()));
     }},
    {"Tensor::log_softmax",
     [](Hostile& h) {
       use(h.tensor({2, 3}).log_softmax(h.whole(1), h.dtype()));
     }},
    {"Tensor::norm",
     [](Hostile& h) {
       use(h.tensor({2, 3}).norm(h.real(-1), h.shape({1}), h.flag()));
     }},
    {"Tensor::index_select",
     [](Hostile& h) { use(h.tensor({}).index_select(h.whole(0), h.tensor({1}, kInt64))); }},
    {"Tensor::gather",
     [](Hostile& h) { use(h.tensor({}).gather(h.whole(0), h.tensor({2}, kInt64))); }},
    {"hstack",
     [](Hostile& h) {
       use(hstack(h.tensors({2, 3})));
     }},
    {"vstack",
     [](Hostile& h) {
       use(vstack(h.tensors({2, 3})));
     }},
    {"dstack",
     [](Hostile& h) {
       use(dstack(h.tensors({2, 3})));
     }},
    {"column_stack",
     [](Hostile& h) {
       use(column_stack(h.tensors({2, 3})));
     }},
    {"atleast_1d", [](Hostile& h) { use(atleast_1d(h.tensor({}))); }},
    {"atleast_2d", [](Hostile& h) { use(atleast_2d(h.tensor({3}))); }},
    {"atleast_3d", [](Hostile& h) { use(atleast_3d(h.tensor({3}))); }},
    {"meshgrid", [](Hostile& h) { use(meshgrid(h.tensors({3}), h.word("xy"))); }},
    {"chunk",
     [](Hostile& h) {
       use(norma::chunk(h.tensor({2, 3}), h.whole(2), h.whole(1)));
     }},
    {"split",
     [](Hostile& h) {
       use(norma::split(h.tensor({2, 3}), h.whole(2), h.whole(1)));
     }},
    {"split",
     [](Hostile& h) {
       use(norma::split(h.tensor({2, 3}), list(h), h.whole(1)));
     }},
    {"unbind",
     [](Hostile& h) {
       use(norma::unbind(h.tensor({2, 3}), h.whole(1)));
     }},
    {"movedim",
     [](Hostile& h) {
       use(norma::movedim(h.tensor({2, 3}), h.shape({0}), h.shape({1})));
     }},
    {"tile",
     [](Hostile& h) {
       use(norma::tile(h.tensor({2, 3}), h.shape({2})));
     }},
    {"repeat_interleave",
     [](Hostile& h) {
       use(norma::repeat_interleave(h.tensor({2, 3}), h.whole(2), optional(h)));
     }},
    {"repeat_interleave",
     [](Hostile& h) {
       use(norma::repeat_interleave(h.tensor({3}), h.tensor({3}, kInt64), optional(h)));
     }},
    {"flip",
     [](Hostile& h) {
       use(norma::flip(h.tensor({2, 3}), h.shape({1})));
     }},
    {"roll",
     [](Hostile& h) {
       use(norma::roll(h.tensor({2, 3}), h.shape({1}), h.shape({1})));
     }},
    {"tril",
     [](Hostile& h) {
       use(norma::tril(h.tensor({3, 3}), h.whole(1)));
     }},
    {"triu",
     [](Hostile& h) {
       use(norma::triu(h.tensor({3, 3}), h.whole(1)));
     }},
    {"diag", [](Hostile& h) { use(norma::diag(h.tensor({3}), h.whole(1))); }},
    {"cumsum",
     [](Hostile& h) {
       use(norma::cumsum(h.tensor({2, 3}), h.whole(1)));
     }},
    {"cumprod",
     [](Hostile& h) {
       use(norma::cumprod(h.tensor({2, 3}), h.whole(1)));
     }},
    {"prod",
     [](Hostile& h) {
       use(norma::prod(h.tensor({2, 3})));
     }},
    {"prod",
     [](Hostile& h) {
       use(norma::prod(h.tensor({2, 3}), h.whole(1), h.flag()));
     }},
    {"logsumexp",
     [](Hostile& h) {
       use(norma::logsumexp(h.tensor({2, 3}), h.shape({1}), h.flag()));
     }},
    {"median",
     [](Hostile& h) {
       use(norma::median(h.tensor({2, 3})));
     }},
    {"quantile",
     [](Hostile& h) {
       use(norma::quantile(h.tensor({2, 3}), h.real(0.5)));
     }},
    {"trace",
     [](Hostile& h) {
       use(norma::trace(h.tensor({3, 3})));
     }},
};

}  // namespace

TEST_CASE("rearranging and reductions take absurd arguments") {
  CHECK(surface::complaints(kTable) == "");
}
