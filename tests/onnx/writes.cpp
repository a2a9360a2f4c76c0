// Elements written at an index, and tensors changed in place, as a whole and in parts.
#include "cases.h"

namespace cases {

using namespace norma;

namespace {

using indexing::Slice;

void add_scatters(Cases& all) {
  // x [n, 3, 4], indices below 3 [n, 2, 4], of which some are the same, and values.
  using Scatter = Tensor (*)(Tensor, Tensor, Tensor);
  const std::pair<const char*, Scatter> some[] = {
      {"scatter_add", [](Tensor x, Tensor i, Tensor v) { return x.scatter_add(1, i, v); }},
      {"scatter_add_", [](Tensor x, Tensor i, Tensor v) { return (x * 2).scatter_add_(1, i, v); }},
      {"scatter_multiplied",
       [](Tensor x, Tensor i, Tensor v) {
         return x.detach().scatter(1, i, v.detach(), "multiply");
       }},
      {"scatter_number_added",
       [](Tensor x, Tensor i, Tensor) { return x.scatter(1, i, 1.5, "add"); }},
      {"scatter_number_", [](Tensor x, Tensor i, Tensor) { return (x * 2).scatter_(1, i, -1); }},
      {"scatter_reduce_sum",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "sum"); }},
      {"scatter_reduce_sum_others",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "sum", false); }},
      {"scatter_reduce_mean",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "mean"); }},
      {"scatter_reduce_mean_others",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "mean", false); }},
      {"scatter_reduce_prod",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "prod"); }},
      {"scatter_reduce_prod_others",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "prod", false); }},
      {"scatter_integers",
       [](Tensor x, Tensor i, Tensor v) {
         return (x * 5).to(kInt64).scatter_add(1, i, (v * 5).to(kInt64));
       }},
      {"scatter_bytes",
       [](Tensor x, Tensor i, Tensor v) {
         return (x.abs() * 5).to(kUInt8).scatter_add(1, i, (v.abs() * 5).to(kUInt8));
       }},
      {"put",
       [](Tensor x, Tensor, Tensor v) {
         return x.put(tensor({1, 7, 11}), v[0][0].slice(0, 0, 3));
       }},
      {"put_added_",
       [](Tensor x, Tensor, Tensor v) {
         return (x * 2).put_(tensor({1, 1, 5}), v[0][0].slice(0, 0, 3), true);
       }},
  };
  const auto inputs = [](int64_t n) {
    return List{randn({n, 3, 4}), randint(0, 3, {n, 2, 4}), randn({n, 2, 4})};
  };
  for (const auto& [name, f] : some) {
    all.push_back(
        function(name, inputs, [f = f](const List& in) { return List{f(in[0], in[1], in[2])}; }));
  }
  const std::pair<const char*, Scatter> extrema[] = {
      {"scatter_reduce_amax",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "amax"); }},
      {"scatter_reduce_amin_others",
       [](Tensor x, Tensor i, Tensor v) { return x.scatter_reduce(1, i, v, "amin", false); }},
      {"scatter_reduce_no_grad",
       [](Tensor x, Tensor i, Tensor v) {
         const NoGradGuard no_grad;
         return x.scatter_reduce(1, i, v, "amax") + x.scatter_reduce(1, i, v, "prod", false);
       }},
  };
  for (const auto& [name, f] : extrema) {
    all.push_back(
        function(name, inputs, [f = f](const List& in) { return List{f(in[0], in[1], in[2])}; }));
    all.back().first_opset = 18;
  }
  // Every place once: which of several values stays is not said.
  const auto places = [](int64_t n) {
    return List{randn({n, 3, 4}), randn({n, 3, 4}).argsort(2), randn({n, 3, 4})};
  };
  all.push_back(function("scatter", places, [](const List& in) {
    return List{in[0].scatter(2, in[1], in[2]), (in[0] * 2).scatter_(2, in[1], in[2])};
  }));
  all.push_back(function("scatter_number", places, [](const List& in) {
    return List{in[0].scatter(2, in[1].slice(2, 0, 2), 3), scatter(in[0], 2, in[1], in[2])};
  }));
}

void add_rows(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"index_add",
       [](Tensor x) {
         return x.index_add(1, tensor({2, 0, 2}), x * 3);
       }},
      {"index_add_alpha",
       [](Tensor x) {
         return x.index_add(2, tensor({3, 1}), x.slice(2, 0, 2), 0.5);
       }},
      {"index_add_", [](Tensor x) { return (x * 2).index_add_(1, tensor({1}), x.slice(1, 0, 1)); }},
      {"index_add_of_batch",
       [](Tensor x) {
         return x.index_add(0, tensor({1, 0}), x.slice(0, 0, 2));
       }},
      {"index_copy",
       [](Tensor x) {
         return x.index_copy(1, tensor({2, 0}), x.slice(1, 1, 3));
       }},
      {"index_copy_",
       [](Tensor x) { return (x * 2).index_copy_(2, tensor({3}), x.slice(2, 1, 2)); }},
      {"index_fill",
       [](Tensor x) {
         return x.index_fill(1, tensor({0, -1}), 7);
       }},
      {"index_fill_tensor", [](Tensor x) { return x.index_fill(2, tensor({1}), x.sum()); }},
      {"index_fill_",
       [](Tensor x) {
         return (x * 2).index_fill_(1, tensor({0, 2}), 7);
       }},
      {"index_put",
       [](Tensor x) {
         return x.index_put({Slice(), tensor({0, 2}), tensor({3, 1})},
                            x.select(1, 0).slice(1, 0, 2));
       }},
      {"index_put_added",
       [](Tensor x) {
         return x.index_put({Slice(), tensor({1, 1})}, x.slice(1, 0, 2), true);
       }},
      {"index_put_",
       [](Tensor x) {
         Tensor y = x * 2;
         y.index_put_({"...", tensor({1, -1})}, 5);
         y.index_put_({1, Slice(), Slice(0, 4, 2)}, x.select(0, 0).slice(1, 0, 2));
         return y;
       }},
      {"index_put_mask",
       [](Tensor x) {
         Tensor y = x * 2;
         y.index_put_({x > 0.5}, 0);
         y.index_put_({Slice(), x.select(0, 0).sum(1) > 0}, -1, true);
         return y;
       }},
      {"index_put_assigned",
       [](Tensor x) {
         Tensor y = x * 2;
         y.index({Slice(), 0}) = 1;
         y.index({Slice(), tensor({1, 2}), 3}) += 2;
         y[y > 1] = 9;
         return y;
       }},
      {"masked_scatter", [](Tensor x) { return x.masked_scatter(x > 0, x.flip(2) * 3); }},
      {"masked_scatter_",
       [](Tensor x) { return (x * 2).masked_scatter_(x.select(1, 0).unsqueeze(1) > 0, x); }},
      {"masked_fill_", [](Tensor x) { return (x * 2).masked_fill_(x > 0, -7); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

void add_in_place(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"in_place_row",
       [](Tensor x) {
         Tensor y = x * 2;
         y.select(1, 0).fill_(3);
         y.select(2, -1).mul_(x.select(1, 1).sum(1, true));
         return y + 1;
       }},
      {"in_place_slices",
       [](Tensor x) {
         Tensor y = x * 2;
         y.slice(1, 0, 3, 2).copy_(x.slice(1, 1, 3));
         y.narrow(2, 1, 2).transpose(1, 2).add_(x.slice(2, 0, 3).transpose(1, 2).slice(1, 0, 2));
         return y;
       }},
      {"in_place_of_batch",
       [](Tensor x) {
         Tensor y = x * 2;
         y[0].zero_();
         y.slice(0, 1, y.size(0)).sub_(x.slice(0, 0, -1));
         y.select(0, -1).copy_(x[0][0][0]);
         return y;
       }},
      {"in_place_view_before",
       [](Tensor x) {
         Tensor y = x * 2;
         const Tensor row = y.select(1, 1), whole = y.view({-1, 12});
         y.add_(x);
         y.select(1, 1).exp_();
         return row + whole.sum(1, true) + y.select(1, 0);
       }},
      {"in_place_zeros",
       [](Tensor x) {
         Tensor y = zeros({x.size(0), 3, 6});
         y.slice(2, 1, 5).copy_(x);
         y.select(2, 0).copy_(x.select(2, 3));
         return y;
       }},
      {"in_place_no_grad",
       [](Tensor x) {
         const NoGradGuard no_grad;
         Tensor y = zeros({x.size(0), 3, 6});
         y.slice(2, 1, 5).copy_(x);
         y.select(2, 0).add_(x.select(2, 3)).clamp_(0, 1);
         Tensor z = x * 2;
         z.select(1, 0).zero_();
         z.neg_();
         return y.sum(2) + z.sum(2);
       }},
      {"in_place_integers",
       [](Tensor x) {
         Tensor y = (x * 5).to(kInt64);
         y.select(1, 2).fill_(4);
         y.add_(1);
         y.index_put_({Slice(), Slice(), tensor({0, 1})}, 3);
         y.eq_(y.select(2, 0).unsqueeze(2));
         return y;
       }},
      {"in_place_constant_before",
       [](Tensor x) {
         Tensor y = ones({3, 4});
         const Tensor sum = x + y;
         y.select(0, 0).fill_(5);
         return sum * y;
       }},
      {"constants_one_after_the_other",
       [](Tensor x) {
         Tensor y = x + full({4}, 1.0F);
         y = y + full({4}, 2.0F);
         return y;
       }},
      {"in_place_constants",
       [](Tensor x) {
         Tensor y = x + full({3, 4}, 1.0F);
         Tensor part = full({3, 4}, 2.0F);
         part.select(0, 0).fill_(7);
         return y * part;
       }},
      {"in_place_region_repeated",
       [](Tensor x) {
         Tensor y = x * 2;
         const Tensor wide = y.select(1, 0).unsqueeze(1).expand({-1, 3, 4});
         y.neg_();
         return wide + y;
       }},
      {"fill_diagonal_",
       [](Tensor x) {
         Tensor y = x * 2;
         y.select(0, 0).fill_diagonal_(9);
         return y;
       }},
      {"tril_", [](Tensor x) { return (x * 2).tril_() + (x * 3).triu_(1); }},
      {"as_strided",
       [](Tensor x) {
         return (x * 2).as_strided({x.size(0), 2, 2}, {12, 8, 1}, 1);
       }},
      {"in_place_all",
       [](Tensor x) {
         Tensor y = x * 2;
         y.abs_().add_(0.5).sqrt_().log_().exp_().sin_().cos_().square_().sub_(0.25).mul_(3).div_(
             2);
         y.tanh_().sigmoid_().neg_().floor_().add_(x).ceil_().add_(x).round_().add_(x).trunc_();
         y.add_(x).clamp_min_(-1).clamp_max_(1).pow_(2).add_(1).rsqrt_().reciprocal_();
         y.lerp_(x, 0.5).addcmul_(x, x, 0.5).addcdiv_(x, x.abs() + 1, 2).detach_();
         return y.unsqueeze_(1).squeeze_(1).transpose_(1, 2);
       }},
      {"in_place_operators",
       [](Tensor x) {
         Tensor y = x + 1;
         y += x, y -= 2, y *= x, y /= 3;
         return y;
       }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

}  // namespace

Cases writes() {
  Cases all;
  for (const auto add : {add_scatters, add_rows, add_in_place}) add(all);
  return all;
}

}  // namespace cases
