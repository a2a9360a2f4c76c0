// Operations on whole tensors: products, reductions, shapes, indices.
#include <cmath>

#include "cases.h"

namespace cases {

using namespace norma;

namespace {

void add_reductions(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"sum", [](Tensor x) { return x.sum(1); }},
      {"sum_all", [](Tensor x) { return x.sum(); }},
      {"sum_keep",
       [](Tensor x) {
         return x.sum({0, -1}, true);
       }},
      {"mean",
       [](Tensor x) {
         return x.mean({1, 2});
       }},
      {"mean_all", [](Tensor x) { return x.mean(); }},
      {"var", [](Tensor x) { return x.var(1); }},
      {"var_of_batch", [](Tensor x) { return x.var(0, true, true); }},
      {"std_biased",
       [](Tensor x) {
         return x.std({1, 2}, false, true);
       }},
      {"std_all", [](Tensor x) { return x.std(Shape{}); }},
      {"amax",
       [](Tensor x) {
         return x.amax({1, 2}, true);
       }},
      {"amin", [](Tensor x) { return x.amin(2); }},
      {"max", [](Tensor x) { return x.max(); }},
      {"min", [](Tensor x) { return x.min(); }},
      {"max_along", [](Tensor x) { return x.max(1).first; }},
      {"min_along", [](Tensor x) { return x.min(2, true).first; }},
      {"argmax", [](Tensor x) { return x.argmax(1); }},
      {"argmin_keep", [](Tensor x) { return x.argmin(-1, true); }},
      {"argmax_all",
       [](Tensor x) { return x.select(1, 0).narrow(1, 0, 1).argmin() * 0 + x[0].argmax(); }},
      {"prod", [](Tensor x) { return x.prod(1); }},
      {"prod_keep", [](Tensor x) { return x.prod(-1, true); }},
      {"logsumexp",
       [](Tensor x) {
         return x.logsumexp({1, 2});
       }},
      {"norm",
       [](Tensor x) {
         return x.norm(2, {1, 2});
       }},
      {"norm_1", [](Tensor x) { return x.norm(1, Shape{1}, true); }},
      {"norm_3", [](Tensor x) { return x.norm(3, Shape{1}); }},
      {"norm_0", [](Tensor x) { return x.relu().norm(0, Shape{1}); }},
      {"norm_infinite", [](Tensor x) { return x.norm(INFINITY, Shape{1}); }},
      {"any", [](Tensor x) { return (x > 1).any(1); }},
      {"all", [](Tensor x) { return (x > -1).all(2, true); }},
      {"count_nonzero", [](Tensor x) { return x.relu().count_nonzero(1); }},
      {"nansum", [](Tensor x) { return x.log().nansum(1); }},
      {"cumsum", [](Tensor x) { return x.cumsum(1); }},
      {"topk", [](Tensor x) { return x.topk(2, 1).first; }},
      {"topk_least", [](Tensor x) { return x.topk(2, -1, false).second; }},
      {"sort", [](Tensor x) { return x.sort(1, true).first; }},
      {"argsort", [](Tensor x) { return x.argsort(2); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

void add_shapes(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"view",
       [](Tensor x) {
         return x.view({x.size(0), 12});
       }},
      {"view_open",
       [](Tensor x) {
         return x.view({-1, 4});
       }},
      {"reshape",
       [](Tensor x) {
         return x.reshape({2, -1, 3, 2});
       }},
      {"view_fixed",
       [](Tensor x) {
         return x.reshape({x.size(0) * 3, 2, 2});
       }},
      {"transpose", [](Tensor x) { return x.transpose(1, 2); }},
      {"transpose_batch", [](Tensor x) { return x.transpose(0, -1) * 2; }},
      {"permute",
       [](Tensor x) {
         return x.permute({2, 0, 1}).contiguous();
       }},
      {"squeeze", [](Tensor x) { return x.unsqueeze(2).squeeze(); }},
      {"unsqueeze", [](Tensor x) { return x.unsqueeze(-1).unsqueeze(0); }},
      {"slice", [](Tensor x) { return x.slice(1, 1, 3).slice(2, 0, 4, 2); }},
      {"slice_batch", [](Tensor x) { return x.slice(0, 1, x.size(0)); }},
      {"select", [](Tensor x) { return x.select(1, -1); }},
      {"select_batch", [](Tensor x) { return x[0] + x[-1]; }},
      {"expand",
       [](Tensor x) {
         return x.unsqueeze(1).expand({-1, 2, 3, 4});
       }},
      {"expand_batch",
       [](Tensor x) {
         return x[0].expand({x.size(0), 3, 4}) + x;
       }},
      {"repeat",
       [](Tensor x) {
         return x.repeat({1, 2, 1});
       }},
      {"cat",
       [](Tensor x) {
         return cat({x, x * 2}, 1);
       }},
      {"cat_batch",
       [](Tensor x) {
         return cat({x, zeros({2, 3, 4})});
       }},
      {"stack",
       [](Tensor x) {
         return stack({x, -x}, 1);
       }},
      {"chunk", [](Tensor x) { return x.chunk(2, 2)[1]; }},
      {"split", [](Tensor x) { return x.split(2, 1)[0]; }},
      {"unbind", [](Tensor x) { return x.unbind(1)[2]; }},
      {"flip",
       [](Tensor x) {
         return x.flip({0, 2});
       }},
      {"roll", [](Tensor x) { return x.roll(1, 2); }},
      {"tril", [](Tensor x) { return x.tril(); }},
      {"triu", [](Tensor x) { return x.triu(1); }},
      {"zeros_of_batch",
       [](Tensor x) {
         return x + zeros({x.size(0), 3, 4}) + ones({x.size(0), 1, 1});
       }},
      {"arange", [](Tensor x) { return x + arange(4).to(kFloat32); }},
      {"clone", [](Tensor x) { return x.clone(); }},
      {"as_it_is", [](Tensor x) { return x; }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

void add_indices(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"index_select",
       [](Tensor x) {
         return x.index_select(1, tensor({2, 0, 2}));
       }},
      {"gather", [](Tensor x) { return x.gather(2, x.argsort(2)); }},
      {"take_along_dim", [](Tensor x) { return x.take_along_dim(x.argmax(1, true), 1); }},
      {"take",
       [](Tensor x) {
         return x[0].take(tensor({0, 5, 11}));
       }},
      {"index",
       [](Tensor x) {
         return Tensor(x.index({"...", tensor({3, -1})}));
       }},
      {"index_pairs",
       [](Tensor x) {
         return Tensor(x.index({indexing::Slice(), tensor({0, 2}), tensor({-1, 1})}));
       }},
      {"index_apart",
       [](Tensor x) {
         return Tensor(x.index({tensor({0, 1}), indexing::Slice(), tensor({3, 1})}));
       }},
      {"index_by_value",
       [](Tensor x) { return x.transpose(0, 1).index_select(0, x[0].argmax(0)).transpose(0, 1); }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
  all.push_back(function(
      "one_hot", [](int64_t n) { return List{randint(0, 5, {n})}; },
      [](const List& in) { return List{functional::one_hot(in[0], 5)}; }));
}

void add_products(Cases& all) {
  const std::pair<const char*, Function> some[] = {
      {"matmul", [](Tensor x) { return x.matmul(x.transpose(1, 2)); }},
      {"matmul_wide",
       [](Tensor x) {
         return x.matmul(ones({4, 2}));
       }},
      {"matmul_vector", [](Tensor x) { return x.matmul(arange(4).to(kFloat32)); }},
      {"bmm", [](Tensor x) { return x.transpose(1, 2).bmm(x); }},
      {"einsum",
       [](Tensor x) {
         return einsum("bij,bkj->bik", {x, x});
       }},
      {"cdist", [](Tensor x) { return cdist(x, x * 2); }},
      {"cosine_similarity", [](Tensor x) { return functional::cosine_similarity(x, x * x, 2); }},
      {"normalize", [](Tensor x) { return functional::normalize(x, 2, 2); }},
      {"attention", [](Tensor x) { return functional::scaled_dot_product_attention(x, x, x * 2); }},
      {"attention_causal",
       [](Tensor x) {
         return functional::scaled_dot_product_attention(x, x, x, {.is_causal = true});
       }},
  };
  for (const auto& [name, f] : some) all.push_back(function(name, {3, 4}, f));
}

/// One value that several results show, or an input or a constant.
void add_results(Cases& all) {
  const std::pair<const char*, List (*)(Tensor)> some[] = {
      {"result_twice",
       [](Tensor y) {
         return List{y, y};
       }},
      {"result_detached",
       [](Tensor y) {
         return List{y, y.detach()};
       }},
      {"result_of_dropout",
       [](Tensor y) {
         return List{y, functional::dropout(y, 0.5, false)};
       }},
      {"result_used_and_twice",
       [](Tensor y) {
         return List{y.relu(), y, y, y * 2};
       }},
  };
  for (const auto& [name, f] : some) {
    all.push_back(
        function(name, numbers({3}), [f = f](const List& in) { return f(in[0] * in[0]); }));
  }
  all.push_back(function("result_unchanged", numbers({3}), [](const List& in) {
    const Tensor ones = full({2}, 1);
    return List{in[0], in[0] + 1, in[0], ones, ones};
  }));
}

}  // namespace

Cases operations() {
  Cases all;
  for (const auto add : {add_reductions, add_shapes, add_indices, add_products, add_results})
    add(all);
  return all;
}

}  // namespace cases
