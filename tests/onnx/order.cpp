// The order of elements, running results, diagonals, windows, and what is made of other operations.
#include <cmath>

#include "cases.h"

namespace cases {

using namespace norma;

namespace {

/// A third of the values NaN.
Tensor with_nan(const Tensor& x) { return (x + 0.5).sqrt(); }

void add_scans(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"cumprod", [](Tensor x) { return x.cumprod(2); }},
      {"cumprod_integers", [](Tensor x) { return (x * 3).to(kInt64).cumprod(1); }},
      {"cummax", [](Tensor x) { return x.cummax(1).first; }},
      {"cummax_positions", [](Tensor x) { return (x * 2).trunc().cummax(2).second; }},
      {"cummin", [](Tensor x) { return with_nan(x).cummin(2).first; }},
      {"cummin_positions", [](Tensor x) { return with_nan(x).cummin(1).second; }},
      {"logcumsumexp", [](Tensor x) { return x.logcumsumexp(2); }},
      {"logcumsumexp_infinite", [](Tensor x) { return x.relu().log().logcumsumexp(2); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 5}, f));
}

void add_order(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"median", [](Tensor x) { return x.median(1).first; }},
      {"median_position", [](Tensor x) { return with_nan(x).median(2, true).second; }},
      {"median_of_batch", [](Tensor x) { return x.median(0).first; }},
      {"median_all", [](Tensor x) { return x.median(); }},
      {"median_nan", [](Tensor x) { return with_nan(x).median() + with_nan(x).median(2).first; }},
      {"median_integers", [](Tensor x) { return (x * 9).to(kInt64).median(2).first; }},
      {"kthvalue", [](Tensor x) { return x.kthvalue(2, 2).first; }},
      {"kthvalue_keep", [](Tensor x) { return x.kthvalue(3, 1, true).second; }},
      {"quantile", [](Tensor x) { return x.quantile(0.3, 2, true); }},
      {"quantiles",
       [](Tensor x) {
         return x.quantile(tensor({0.1F, 0.5F, 0.9F}), 1);
       }},
      {"quantile_nan", [](Tensor x) { return with_nan(x).quantile(0.75, 2); }},
      {"topk_bytes", [](Tensor x) { return (x.abs() * 50).to(kUInt8).topk(2, 2).first; }},
      {"searchsorted",
       [](Tensor x) {
         return searchsorted(tensor({-1.0F, 0.0F, 0.5F}), x) +
                searchsorted(x.sort(2).first, x, true);
       }},
      {"bucketize",
       [](Tensor x) {
         return bucketize((x * 3).trunc(), tensor({-2.0F, 0.0F, 2.0F}), true);
       }},
      {"histc", [](Tensor x) { return x.histc(4, -1, 1); }},
      {"nanmean",
       [](Tensor x) {
         return with_nan(x).nanmean({1, 2}, true);
       }},
      {"nansum_all", [](Tensor x) { return with_nan(x).nansum(); }},
      {"var_mean", [](Tensor x) { return x.var_mean({1}).first + x.std_mean({1}).second; }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 5}, f));
}

void add_parts(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"diagonal", [](Tensor x) { return x.diagonal(1, 1, 2); }},
      {"diagonal_below", [](Tensor x) { return x.unsqueeze(1).diagonal(-1, 3, 2); }},
      {"diagonal_beyond", [](Tensor x) { return x.diagonal(7, 1, 2); }},
      {"diagonal_far_below", [](Tensor x) { return x.diagonal(INT64_MIN, 1, 2); }},
      {"diag", [](Tensor x) { return x[0].diag() + x[0].diag(1).diag(-1).select(1, 0).sum(); }},
      {"diag_embed", [](Tensor x) { return x.diag_embed(); }},
      {"diag_embed_apart", [](Tensor x) { return x.diag_embed(-2, 2, 0); }},
      {"trace", [](Tensor x) { return x[0].trace(); }},
      {"einsum_diagonal",
       [](Tensor x) {
         return einsum("bii->bi", {x.slice(2, 0, 3)}) +
                einsum("bii->b", {x.slice(2, 0, 3)}).unsqueeze(1);
       }},
      {"unfold_windows", [](Tensor x) { return x.unfold(2, 3, 2); }},
      {"unfold_first", [](Tensor x) { return x.unfold(1, 2, 1); }},
      {"det", [](Tensor x) { return x.slice(2, 0, 3).det(); }},
      {"slogdet",
       [](Tensor x) {
         const auto [sign, log] = x.slice(2, 0, 3).slogdet();
         return sign * 2 + log;
       }},
      {"matrix_power", [](Tensor x) { return linalg::matrix_power(x.slice(2, 0, 3), 3); }},
      {"kron", [](Tensor x) { return x[0].kron(x[1]); }},
      {"cdist_many",
       [](Tensor x) {
         return cdist(x.repeat({1, 9, 1}), x + 3);
       }},
      {"cdist_1", [](Tensor x) { return cdist(x, x * 2, 1); }},
      {"cdist_0", [](Tensor x) { return cdist(x.trunc(), x.flip(1).trunc(), 0); }},
      {"cdist_infinite", [](Tensor x) { return cdist(x, x * 2, INFINITY); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 5}, f));
}

void add_composed(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"T", [](Tensor x) { return x.T() + x.mT().movedim(0, 2); }},
      {"swapped", [](Tensor x) { return x.swapaxes(1, 2) + x.swapdims(2, 1); }},
      {"t", [](Tensor x) { return x.select(1, 0).t(); }},
      {"like_another",
       [](Tensor x) { return x[0].expand_as(x).reshape_as(x).view_as(x).type_as(x); }},
      {"broadcast_to",
       [](Tensor x) {
         return x.broadcast_to({2, -1, -1, -1}).ravel().toType(kFloat64);
       }},
      {"flatten_all", [](Tensor x) { return x.flatten().cpu(); }},
      {"unflatten",
       [](Tensor x) {
         return x.unflatten(2, {2, -1});
       }},
      {"tile",
       [](Tensor x) {
         return x.tile({2, 1});
       }},
      {"repeat_interleave",
       [](Tensor x) {
         return x.repeat_interleave(2, 1).repeat_interleave(tensor({1, 0, 2, 1}), 2);
       }},
      {"rot90",
       [](Tensor x) {
         return x.rot90(1, {1, 2}) + x.rot90(3, {1, 2}) + x.fliplr().flipud().transpose(1, 2);
       }},
      {"tensor_split",
       [](Tensor x) {
         return x.tensor_split(3, 2)[1] + x.tensor_split({1, 3}, 2)[2].sum(2, true);
       }},
      {"split_with_sizes",
       [](Tensor x) {
         return x.split_with_sizes({1, 3}, 2)[1];
       }},
      {"stacks",
       [](Tensor x) {
         return hstack({x, x}).sum(1) + vstack({x, x})[0].sum(0) +
                dstack({x, x}).sum(2).sum(1, true);
       }},
      {"column_stack",
       [](Tensor x) {
         return column_stack({x.select(1, 0).select(1, 0), x.select(2, 1)});
       }},
      {"at_least",
       [](Tensor x) {
         return atleast_1d(x.sum()) + atleast_2d(x[0][0]) + atleast_3d(x[0]).squeeze(2);
       }},
      {"meshgrid",
       [](Tensor x) {
         const auto grids = meshgrid({x[0][0], arange(3).to(kFloat32)}, "xy");
         return grids[0] * grids[1];
       }},
      {"isclose", [](Tensor x) { return x.isclose(x + 1e-9); }},
      {"isinf", [](Tensor x) { return x.relu().log().isinf(); }},
      {"sgn", [](Tensor x) { return x.sgn(); }},
      {"hypot", [](Tensor x) { return x.hypot(x + 1) + x.absolute().reciprocal().clip(0, 5); }},
      {"hypot_extremes",
       [](Tensor x) {
         const Tensor wide = x.trunc() * 1e30, infinite = x.relu().log();
         return stack({wide.hypot(wide.flip(2)), wide.hypot(x.trunc()), infinite.hypot(x),
                       infinite.hypot(with_nan(x)), (x * 1e-30).hypot(x.flip(2) * 1e-30) * 1e30},
                      1);
       }},
      {"other_names",
       [](Tensor x) {
         const Tensor y = x.multiply(2).subtract(x).divide(3);
         return y.where(x.greater(0), 7) + y.where(x.less(1), x);
       }},
      {"inner", [](Tensor x) { return x.inner(x[0]) + x.dist(x * 2); }},
      {"products",
       [](Tensor x) {
         return x[0].mm(x[1].t()).mv(x[0].select(1, 0)) + x[0][0].dot(x[1][0]) +
                x[0].select(1, 0).outer(x[1].select(1, 0)).sum(0);
       }},
      {"addmm", [](Tensor x) { return x[0].select(1, 0).addmm(x[0], x[1].t(), 0.5, 2); }},
      {"baddbmm",
       [](Tensor x) {
         return ones({3, 3}).baddbmm(x, x.transpose(1, 2), 0.5, 2);
       }},
      {"tensordot",
       [](Tensor x) {
         return tensordot(x, x, {1, 2}, {1, 2});
       }},
      {"new_like",
       [](Tensor x) {
         return x + x.new_ones({3, 1}) + x.new_full({4}, 2) + x.new_zeros({1});
       }},
      {"erfinv",
       [](Tensor x) { return (x * 2).erf().erfinv() + x.tanh().erfinv() + x.sign().erfinv(); }},
      {"data_of", [](Tensor x) { return x.data() + x.variable_data(); }},
      {"methods",
       [](Tensor x) { return x.sub(x.div(2)).neg() + x.gt(0) * x.le(1) + x.lt(0) * x.ge(-1); }},
      {"operators",
       [](Tensor x) { return (x == x) * (x >= 0) + (x < 1) * (x <= 2) + (x != 0) * (x > -3); }},
      {"resize_",
       [](Tensor x) {
         return x.detach().clone().resize_({x.size(0), 2, 6});
       }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

void add_functionals(Cases& all) {
  namespace F = functional;
  const std::pair<const char*, Function> some[] = {
      {"functional_pool",
       [](Tensor x) {
         const auto [y, at] = F::max_pool2d_with_indices(x, 2);
         return F::max_unpool2d(y * 2, at, 2) + F::max_unpool2d(y, at, 2, {.output_size = {6, 6}});
       }},
      {"functional_pool_indices",
       [](Tensor x) {
         return F::max_pool2d_with_indices(x, {3, 2},
                                           {.stride = 2, .padding = 1, .ceil_mode = true})
             .second;
       }},
      {"functional_pool_single",
       [](Tensor x) {
         const auto [y, at] = F::max_pool2d_with_indices(x[0], 2);
         return F::max_unpool2d(y, at, 2) + x;
       }},
      {"functional_pad",
       [](Tensor x) {
         return F::pad(x, {1, 2, 0, 1}, PaddingMode::Reflect) +
                F::pad(x, {1, 2, 0, 1}, PaddingMode::Zeros, 2);
       }},
      {"functional_norm",
       [](Tensor x) {
         return F::instance_norm(x) + F::local_response_norm(x, 3) + F::rms_norm(x, {6}) +
                F::normalize(x, 1, 2);
       }},
      {"functional_activation",
       [](Tensor x) {
         return F::softmin(x, 1) + F::glu(x.repeat({1, 2, 1, 1}), 1) + F::leaky_relu(x);
       }},
      {"max_pool_integers",
       [](Tensor x) { return F::max_pool2d((x * 9).to(kInt64), 2).to(kFloat32); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {2, 6, 6}, f));
  all.push_back(function(
      "max_unpool2d",
      [](int64_t n) {
        return List{randn({n, 2, 6, 8})};
      },
      [](const List& in) {
        const auto [y, at] = F::max_pool2d_with_indices(in[0], {2, 4});
        return List{nn::MaxUnpool2d({2, 4})(y, at)};
      }));
}

}  // namespace

Cases order() {
  Cases all;
  for (const auto add : {add_scans, add_order, add_parts, add_composed, add_functionals}) add(all);
  return all;
}

}  // namespace cases
