// Parts, rearranging and joins: derivatives, views that write, and what is refused. Values:
// tests/parity/families/rearranging.py.
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

using Function = std::function<Tensor(const Tensor&)>;

struct Case {
  const char* name;
  Shape sizes;
  Function run;
};

}  // namespace

TEST_CASE("rearranging has first and second derivatives") {
  manual_seed(3);
  const std::vector<Case> cases = {
      {"chunk", {5}, [](const Tensor& x) { return x.chunk(2)[0] * x.chunk(2)[0]; }},
      {"split",
       {5},
       [](const Tensor& x) {
         return x.split({2, 3})[1];
       }},
      {"tensor_split", {2, 5}, [](const Tensor& x) { return x.tensor_split(3, 1)[1]; }},
      {"unbind", {2, 3}, [](const Tensor& x) { return x.unbind(1)[2]; }},
      {"diagonal", {2, 3, 2}, [](const Tensor& x) { return x.diagonal(1, 0, 1); }},
      {"unfold, overlapping", {5}, [](const Tensor& x) { return x.unfold(0, 3, 1); }},
      {"unfold, apart", {7, 2}, [](const Tensor& x) { return x.unfold(0, 2, 3); }},
      {"unfold of 0-d", {}, [](const Tensor& x) { return x.unfold(0, 1, 1); }},
      {"as_strided",
       {2, 3},
       [](const Tensor& x) {
         return (x * 1).as_strided({2, 2, 2}, {1, 1, 0}, 1);
       }},
      {"as_strided of an expanded tensor",
       {1, 2},
       [](const Tensor& x) {
         return (x * 1).expand({3, 2}).as_strided({2, 2}, {1, 0}, 0);
       }},
      {"movedim",
       {2, 3, 4},
       [](const Tensor& x) {
         return x.movedim({0, -1}, {1, 0});
       }},
      {"swapdims", {2, 3, 4}, [](const Tensor& x) { return x.swapdims(0, -1); }},
      {"T", {2, 3}, [](const Tensor& x) { return x.T(); }},
      {"unflatten",
       {2, 6},
       [](const Tensor& x) {
         return x.unflatten(1, {2, -1});
       }},
      {"ravel", {2, 3}, [](const Tensor& x) { return x.t().ravel(); }},
      {"repeat",
       {2, 3},
       [](const Tensor& x) {
         return x.repeat({2, 3, 2});
       }},
      {"tile", {2, 3}, [](const Tensor& x) { return x.tile(2); }},
      {"repeat_interleave", {2, 3}, [](const Tensor& x) { return x.repeat_interleave(2, 1); }},
      {"repeat_interleave each",
       {3},
       [](const Tensor& x) {
         return x.repeat_interleave(tensor({2, 0, 3}));
       }},
      {"flip",
       {2, 3},
       [](const Tensor& x) {
         return x.flip({0, 1});
       }},
      {"roll",
       {2, 3},
       [](const Tensor& x) {
         return x.roll({1, -1}, {0, 1});
       }},
      {"roll, flat", {2, 3}, [](const Tensor& x) { return x.roll(2); }},
      {"rot90", {2, 3}, [](const Tensor& x) { return x.rot90(-1); }},
      {"tril", {2, 3, 3}, [](const Tensor& x) { return x.tril(); }},
      {"triu", {3, 4}, [](const Tensor& x) { return x.triu(1); }},
      {"diag of a vector", {3}, [](const Tensor& x) { return x.diag(-1); }},
      {"diag of a matrix", {3, 4}, [](const Tensor& x) { return x.diag(2); }},
      {"diag_embed", {2, 3}, [](const Tensor& x) { return x.diag_embed(1, 0, -1); }},
      {"meshgrid",
       {3},
       [](const Tensor& x) {
         return meshgrid({x, x * 2}, "xy")[1];
       }},
      {"hstack",
       {3},
       [](const Tensor& x) {
         return hstack({x, x * x});
       }},
      {"vstack",
       {3},
       [](const Tensor& x) {
         return vstack({x, x * x});
       }},
      {"dstack",
       {2, 2},
       [](const Tensor& x) {
         return dstack({x, x * x});
       }},
      {"column_stack",
       {3},
       [](const Tensor& x) {
         return column_stack({x, x * x});
       }},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(gradient_error(
              [&](const std::vector<Tensor>& x) {
                const Tensor y = c.run(x[0]);
                return y * y;
              },
              {random_leaf(c.sizes)}) == "");
  }
}

TEST_CASE("parts are views: what is written there reaches the whole and its gradient") {
  const std::vector<Case> views = {
      {"chunk", {4, 3}, [](const Tensor& x) { return x.chunk(2)[1]; }},
      {"split", {4, 3}, [](const Tensor& x) { return x.split(2, 1)[0]; }},
      {"split_with_sizes",
       {4, 3},
       [](const Tensor& x) {
         return x.split_with_sizes({1, 3})[1];
       }},
      {"tensor_split",
       {4, 3},
       [](const Tensor& x) {
         return x.tensor_split({1, 3})[1];
       }},
      {"unbind", {4, 3}, [](const Tensor& x) { return x.unbind(1)[1]; }},
      {"diagonal", {4, 3}, [](const Tensor& x) { return x.diagonal(-1); }},
      {"unfold", {4, 3}, [](const Tensor& x) { return x.unfold(0, 2, 2); }},
      {"as_strided",
       {4, 3},
       [](const Tensor& x) {
         return x.as_strided({2, 2}, {5, 2}, 1);
       }},
      {"mT", {4, 3}, [](const Tensor& x) { return x.mT(); }},
      {"swapaxes", {4, 3}, [](const Tensor& x) { return x.swapaxes(0, 1); }},
      {"unflatten",
       {4, 3},
       [](const Tensor& x) {
         return x.unflatten(0, {2, 2})[1];
       }},
      {"movedim", {4, 3}, [](const Tensor& x) { return x.movedim(0, 1); }},
      {"view_as",
       {4, 3},
       [](const Tensor& x) {
         return x.view_as(zeros({3, 4}))[1];
       }},
      {"ravel", {4, 3}, [](const Tensor& x) { return x.ravel().slice(0, 2, 5); }},
  };
  for (const Case& c : views) {
    INFO(c.name);
    const Tensor mask = zeros(c.sizes, {.dtype = kFloat64});
    c.run(mask).fill_(1);
    CHECK(mask.sum().item<int64_t>() == c.run(mask).numel());
    // 3 x where the part is, x elsewhere.
    Tensor x = random_leaf(c.sizes), y = x * 1;
    Tensor part = c.run(y);
    const Tensor other = c.run(y);
    part.mul_(3);
    CHECK(mismatch(y, x * (1 + 2 * mask), 1e-15) == "");
    (y * y).sum().backward({}, true);
    CHECK(mismatch(x.grad(), 2 * x * (1 + 2 * mask) * (1 + 2 * mask), 1e-14) == "");
    CHECK(mismatch(other, part) == "");
    x.set_grad({});
    (other * 2).sum().backward();  // another view knows of it
    CHECK(mismatch(x.grad(), 6 * mask, 1e-14) == "");
  }
  // What is not there twice may not be written through what shows it twice.
  CHECK(error_of([] { zeros({3}).expand_as(zeros({2, 3})).add_(1); }).find("[add_] ") == 0);
}

TEST_CASE("what rearranging returns without need of a copy") {
  const Tensor x = arange(6).reshape({2, 3});
  CHECK(x.ravel().raw_data() == x.raw_data());
  CHECK(x.t().ravel().raw_data() != x.raw_data());
  CHECK(x.repeat({1, 1}).raw_data() != x.raw_data());
  CHECK(x.repeat_interleave(1).raw_data() != x.raw_data());
  CHECK(x.rot90(0).raw_data() != x.raw_data());
  CHECK(equal(x.broadcast_to({2, 2, 3}), x.repeat({2, 1, 1})));
  CHECK(equal(x.reshape_as(zeros({6})), arange(6)));
  CHECK(x.as_strided({2}, {1}).storage_offset() == 0);
  CHECK(x[1].as_strided({2}, {1}).storage_offset() == 3);
  CHECK(atleast_1d(zeros({})).sizes() == Shape{1});
  CHECK(atleast_2d(zeros({3})).sizes() == Shape{1, 3});
  CHECK(atleast_3d(zeros({2, 3})).sizes() == Shape{2, 3, 1});
  CHECK(atleast_3d(zeros({3})).sizes() == Shape{1, 3, 1});
  const int64_t far = INT64_MAX;
  CHECK(equal(x.tril(far), x));
  CHECK(equal(x.triu(-far), x));
  CHECK(x.diagonal(far).numel() == 0);
  CHECK(equal(x.roll(-far - 1), x.roll(-2)));
  CHECK(norma::chunk(x, 2, 1)[0].sizes() == Shape{2, 2});
  CHECK(norma::split(x, std::vector<int64_t>{1, 2}, 1)[1].sizes() == Shape{2, 2});
  CHECK(norma::split(x, 2, 1)[1].sizes() == Shape{2, 1});
  CHECK(norma::unbind(x).size() == 2);
  CHECK(equal(norma::movedim(x, 0, 1), x.t()));
  CHECK(equal(norma::tile(x, 2), x.tile(2)));
  CHECK(equal(norma::flip(norma::flip(x, 0), 0), x));
  CHECK(equal(norma::roll(x, 1, 1), x.roll(1, 1)));
  CHECK(equal(norma::tril(x) + norma::triu(x, 1), x));
  CHECK(equal(norma::diag(norma::diag(x)), tensor({{0, 0}, {0, 4}})));
  CHECK(equal(norma::repeat_interleave(x, 2, 0), norma::repeat_interleave(x, tensor({2, 2}), 0)));
}

TEST_CASE("tensors of up to twelve dimensions take part in everything") {
  const Shape sizes = {2, 1, 2, 1, 2, 1, 2, 1, 1, 2};
  const Tensor x = randn(sizes, {.dtype = kFloat64, .requires_grad = true});
  const Tensor y = x.transpose(0, 9).contiguous().transpose(0, 9) * x.sum({0, 4}, true);
  CHECK(y.sizes() == sizes);
  CHECK(x.flatten().numel() == 32);
  CHECK(x.flip({0, 9}).sum(Shape{1, 3, 5}).dim() == 7);
  CHECK(x.repeat({1, 2, 1, 1, 1, 1, 1, 1, 1, 1}).size(1) == 2);
  CHECK(gradient_error(
            [](const std::vector<Tensor>& v) {
              return v[0].square().sum({2, 9});
            },
            {x}) == "");
  CHECK(x.unsqueeze(0).unsqueeze(0).permute({11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}).dim() == 12);
}

TEST_CASE("backward runs twice through what keeps no values, as in PyTorch") {
  Tensor x = randn({2, 3}, {.requires_grad = true});
  const Tensor none = zeros({0});
  const std::vector<Case> cases = {
      {"cat",
       {},
       [&](const Tensor& v) {
         return cat({v, none, v}, 1);
       }},
      {"stack",
       {},
       [](const Tensor& v) {
         return stack({v, v});
       }},
      {"hstack",
       {},
       [](const Tensor& v) {
         return hstack({v, v});
       }},
      {"chunk", {}, [](const Tensor& v) { return v.chunk(2)[0]; }},
      {"unbind", {}, [](const Tensor& v) { return v.unbind()[1]; }},
      {"sum", {}, [](const Tensor& v) { return v.sum(0) + v.mean(0); }},
      {"roll", {}, [](const Tensor& v) { return v.roll(1, 0); }},
      {"flip", {}, [](const Tensor& v) { return v.flip(0); }},
      {"tril", {}, [](const Tensor& v) { return v.tril(); }},
      {"repeat",
       {},
       [](const Tensor& v) {
         return v.repeat({2, 2});
       }},
      {"diagonal", {}, [](const Tensor& v) { return v.diagonal(); }},
      {"diag_embed", {}, [](const Tensor& v) { return v.diag_embed(); }},
      {"unfold", {}, [](const Tensor& v) { return v.unfold(1, 2, 1); }},
      {"cumsum", {}, [](const Tensor& v) { return v.cumsum(0); }},
      {"pad",
       {},
       [](const Tensor& v) {
         return functional::pad1d(v, {1, 1});
       }},
      {"nothing else", {}, [](const Tensor& v) { return v.neg() + v - v * 2; }},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    x.set_grad({});
    const Tensor y = c.run(x).sum();
    y.backward();
    const Tensor once = x.grad().clone();
    y.backward();
    CHECK(equal(x.grad(), once * 2));
  }
}

TEST_CASE("copy_ of a leaf to itself is a change in place") {
  Tensor x = ones({2}, {.requires_grad = true});
  CHECK(error_of([&] { x.copy_(x); }).find("[copy_] expected a tensor that may change in place") ==
        0);
  {
    const NoGradGuard no_grad;
    CHECK_NOTHROW(x.copy_(x));
  }
  Tensor y = x * 2;
  CHECK_NOTHROW(y.copy_(y));
}

TEST_CASE("0-d tensors in index_select and gather, and empty strided views") {
  const Tensor number = tensor(3.0), row = tensor({1.0, 2.0});
  CHECK(mismatch(number.index_select(-1, tensor({0})), number) == "");
  CHECK(mismatch(number.index_select(0, tensor(0)), number) == "");
  CHECK(mismatch(row.index_select(0, tensor(1)), tensor({2.0})) == "");
  CHECK(mismatch(number.gather(0, tensor({0, 0})), tensor({3.0, 3.0})) == "");
  CHECK(mismatch(row.gather(0, tensor(1)), tensor(2.0)) == "");
  CHECK(ones({0, 4}).slice(1, 0, 4, 2).is_contiguous());
  CHECK(ones({3, 0, 4}).transpose(0, 2).is_contiguous());
  CHECK_FALSE(ones({3, 1, 4}).transpose(0, 2).is_contiguous());
  CHECK(gradient_error(
            [](const std::vector<Tensor>& x) {
              return x[0].index_select(0, tensor({0})) * x[0].gather(0, tensor({0, 0}));
            },
            {number_leaf(2)}) == "");
}

TEST_CASE("rearranging refuses what it cannot do") {
  const Tensor row = ones({3}), matrix = ones({2, 3}), number = ones({}), other;
  const std::vector<std::pair<std::string, std::function<void()>>> refusals = {
      {"[chunk] expected 1 chunk or more, got 0", [&] { row.chunk(0); }},
      {"[chunk] expected a tensor with dimensions, got a 0-d tensor", [&] { number.chunk(1); }},
      {"[chunk] expected at most 16777216 parts, got 1099511627776",
       [&] { zeros({0}).chunk(int64_t{1} << 40); }},
      {"[split] expected a size of 1 or more, got 0", [&] { row.split(0); }},
      {"[split] expected sizes that add up to the 3 elements of dimension 0, got 4",
       [&] {
         row.split({1, 3});
       }},
      {"[split_with_sizes] expected sizes of 0 or more, got -1",
       [&] {
         row.split_with_sizes({-1, 4});
       }},
      {"[tensor_split] expected 1 section or more, got 0", [&] { row.tensor_split(0); }},
      {"[unbind] expected a dimension in [-1, 0], got 1", [&] { row.unbind(1); }},
      {"[diagonal] expected a tensor of 2 dimensions or more, got [3]", [&] { row.diagonal(); }},
      {"[diagonal] expected two different dimensions, got 0 and -2",
       [&] { matrix.diagonal(0, 0, -2); }},
      {"[unfold] expected windows of at most the 3 elements of dimension 0, got 4",
       [&] { row.unfold(0, 4, 1); }},
      {"[unfold] expected a step of 1 or more, got 0", [&] { row.unfold(0, 2, 0); }},
      {"[as_strided] expected a stride for every size, got [2] and [1, 1]",
       [&] {
         row.as_strided(2, {1, 1});
       }},
      {"[as_strided] expected sizes of 0 or more, got [-1]", [&] { row.as_strided(-1, 1); }},
      {"[as_strided] expected strides of 0 or more, got [-1]", [&] { row.as_strided(1, -1); }},
      {"[as_strided] expected elements among the 3 of the storage, got sizes [2], strides [3] and "
       "offset 0",
       [&] { row.as_strided(2, 3); }},
      {"[movedim] expected as many destinations as sources, got [0] and [0, 1]",
       [&] {
         matrix.movedim(0, {0, 1});
       }},
      {"[movedim] expected every dimension at most once, got [0, 0]",
       [&] {
         matrix.movedim({0, 0}, {0, 1});
       }},
      {"[mT] expected a tensor of 2 dimensions or more, got [3]", [&] { row.mT(); }},
      {"[unflatten] expected a tensor with dimensions, got a 0-d tensor",
       [&] { number.unflatten(0, 1); }},
      {"[unflatten] expected sizes for the dimension, got none", [&] { row.unflatten(0, {}); }},
      {"[unflatten] expected sizes with the 3 elements of dimension 0, got [2, -1]",
       [&] {
         row.unflatten(0, {2, -1});
       }},
      {"[unflatten] expected sizes of 0 or more with at most one -1, got [-1, -1]",
       [&] {
         row.unflatten(0, {-1, -1});
       }},
      {"[repeat] expected a number for each dimension of [2, 3], got [2]",
       [&] { matrix.repeat(2); }},
      {"[tile] expected to repeat 0 times or more, got [1, -1]", [&] { matrix.tile(-1); }},
      {"[repeat_interleave] expected to repeat 0 times or more, got -1",
       [&] { row.repeat_interleave(-1); }},
      {"[repeat_interleave] expected to repeat 0 times or more, got -2",
       [&] {
         row.repeat_interleave(tensor({1, -2, 1}));
       }},
      {"[repeat_interleave] expected a number for each of the 3 elements, got 2",
       [&] {
         row.repeat_interleave(tensor({1, 2}));
       }},
      {"[repeat_interleave] expected repeats of dtype int64 or int32 and at most one dimension, "
       "got "
       "float32 [3]",
       [&] { row.repeat_interleave(row); }},
      {"[flip] expected every dimension at most once, got [0, -2]",
       [&] {
         matrix.flip({0, -2});
       }},
      {"[fliplr] expected a tensor of 2 dimensions or more, got [3]", [&] { row.fliplr(); }},
      {"[flipud] expected a tensor of 1 dimension or more, got []", [&] { number.flipud(); }},
      {"[roll] expected a shift for each dimension, got [1, 2] and [0]",
       [&] {
         row.roll({1, 2}, 0);
       }},
      {"[roll] expected a tensor with dimensions, got a 0-d tensor", [&] { number.roll(1, 0); }},
      {"[rot90] expected a tensor of 2 dimensions or more, got [3]", [&] { row.rot90(); }},
      {"[rot90] expected two dimensions, got [0]", [&] { matrix.rot90(1, 0); }},
      {"[rot90] expected every dimension at most once, got [0, 0]",
       [&] {
         matrix.rot90(1, {0, 0});
       }},
      {"[tril] expected a tensor of 2 dimensions or more, got [3]", [&] { row.tril(); }},
      {"[triu] expected a tensor of 2 dimensions or more, got []", [&] { number.triu(); }},
      {"[diag] expected a vector or a matrix, got []", [&] { number.diag(); }},
      {"[diag_embed] expected a tensor with dimensions, got a 0-d tensor",
       [&] { number.diag_embed(); }},
      {"[diag_embed] expected two different dimensions, got 1 and -1",
       [&] { row.diag_embed(0, 1, -1); }},
      {"[meshgrid] expected at least one tensor, got none", [] { meshgrid({}); }},
      {"[meshgrid] expected \"ij\" or \"xy\", got \"ji\"", [&] { meshgrid({row}, "ji"); }},
      {"[meshgrid] expected tensors of at most one dimension, got [2, 3]",
       [&] { meshgrid({matrix}); }},
      {"[meshgrid] expected tensors of one dtype, got float32 and int64",
       [&] {
         meshgrid({row, arange(2)});
       }},
      {"[vstack] expected at least one tensor, got none", [] { vstack({}); }},
  };
  for (const auto& [message, use] : refusals) CHECK(error_of(use) == message);
  CHECK(error_of([&] { other.flip(0); }).find("[flip] expected a defined tensor") == 0);
  CHECK(error_of([&] { other.chunk(2); }).find("[chunk] expected a defined tensor") == 0);
  CHECK(error_of([&] { hstack({row, other}); }).find("[hstack] expected a defined tensor") == 0);
}
