// trunc_normal_, eye_, dirac_, sparse_ and orthogonal_; and parameters as one vector.
#include <norma/norma.h>

#include <cmath>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

TEST_CASE("trunc_normal_ draws from the part of a normal distribution between a and b") {
  // Mean and variance by numerical integration.
  struct Case {
    double mean, std, a, b, expected_mean, expected_var;
  };
  for (const Case& c : {Case{0, 1, -2, 2, 0, 0.7737413035499232},
                        Case{0, 1, 0, 1e9, 0.7978845608028654, 0.3633802276324187},
                        Case{1, 2, -1, 2, 0.586737563876947, 0.6910930363459729},
                        Case{0, 1, 6, 7, 6.157210903378194, 0.02274838111731725}}) {
    CAPTURE(c.mean, c.a);
    manual_seed(3);
    const Tensor x = zeros({200, 300}, {.dtype = kFloat64});
    const Tensor same = nn::init::trunc_normal_(x, c.mean, c.std, c.a, c.b);
    CHECK(equal(same, x));
    CHECK(x.min().item<double>() >= c.a);
    CHECK(x.max().item<double>() <= c.b);
    CHECK(x.mean().item<double>() == Approx(c.expected_mean).margin(0.01));
    CHECK(x.var().item<double>() == Approx(c.expected_var).epsilon(0.03));
  }
  manual_seed(3);
  const Tensor weight = nn::init::trunc_normal_(zeros({4, 5}, {.requires_grad = true}), 0, 0.02);
  CHECK(weight.requires_grad());
  CHECK(weight.is_leaf());
  CHECK(weight.abs().max().item<double>() < 0.1);
}

TEST_CASE("trunc_normal_ gives the same bits everywhere") {
  manual_seed(7);
  const Tensor x = nn::init::trunc_normal_(zeros({3}, {.dtype = kFloat64}));
  manual_seed(7);
  const Tensor u = rand({3}, {.dtype = kFloat64});
  for (int64_t i = 0; i < 3; ++i) {
    const double low = 0.022750131948179195,
                 z = normal_quantile(low + u[i].item<double>() * (1 - 2 * low));
    CHECK(x[i].item<double>() == Approx(z).epsilon(1e-13));
  }
}

TEST_CASE("orthogonal_ makes rows or columns orthonormal, in every shape") {
  manual_seed(1);
  for (const Shape& sizes :
       {Shape{5, 5}, Shape{3, 8}, Shape{9, 4}, Shape{4, 3, 2, 2}, Shape{1, 1}, Shape{6, 1}}) {
    const Tensor x = zeros(sizes, {.dtype = kFloat64});
    nn::init::orthogonal_(x, 2);
    const Tensor flat = x.reshape({sizes[0], -1});
    const bool wide = flat.size(0) <= flat.size(1);
    const Tensor product =
        wide ? matmul(flat, flat.transpose(0, 1)) : matmul(flat.transpose(0, 1), flat);
    const Tensor identity = nn::init::eye_(zeros(product.sizes(), {.dtype = kFloat64}));
    CHECK(allclose(product, identity * 4.0, 1e-13, 1e-13));
  }
  CHECK(nn::init::orthogonal_(zeros({0, 3})).numel() == 0);
  // No direction is preferred: the mean of squares is 1/n, the mean of values 0.
  const Tensor many = zeros({60, 60}, {.dtype = kFloat64});
  nn::init::orthogonal_(many);
  CHECK(many.mean().item<double>() == Approx(0).margin(0.01));
  CHECK(many.select(1, 0).square().sum().item<double>() == Approx(1).epsilon(1e-12));
}

TEST_CASE("orthogonal_ is the Q of a QR decomposition, with a positive diagonal in R") {
  manual_seed(4);
  const Tensor q = nn::init::orthogonal_(zeros({4, 4}, {.dtype = kFloat64}));
  manual_seed(4);
  const Tensor drawn = randn({4, 4}, {.dtype = kFloat64});
  const Tensor r = matmul(drawn, q.transpose(0, 1));
  for (int64_t i = 0; i < 4; ++i) {
    CHECK(r[i][i].item<double>() > 0);
    for (int64_t j = i + 1; j < 4; ++j) CHECK(std::abs(r[i][j].item<double>()) < 1e-14);
  }
}

TEST_CASE("eye_ and dirac_ pass their input on") {
  CHECK(to_vector(nn::init::eye_(full({2, 3}, 7.0)).reshape({-1})) ==
        std::vector<double>{1, 0, 0, 0, 1, 0});
  const Tensor x = arange(1, 2 * 4 * 5 * 5 + 1).reshape({2, 4, 5, 5}).to(kFloat32);
  const Tensor kernel = nn::init::dirac_(full({4, 4, 3, 3}, 7.0));
  CHECK(equal(functional::conv2d(x, kernel, Tensor(), {.padding = 1}), x));
  // In two groups each output has two inputs: those of its own group.
  const Tensor grouped = nn::init::dirac_(zeros({4, 2, 3, 3}), 2);
  CHECK(equal(functional::conv2d(x, grouped, Tensor(), {.padding = 1, .groups = 2}), x));
  const Tensor more = nn::init::dirac_(zeros({6, 2, 2}), 2);
  CHECK(to_vector(more.select(2, 1).reshape({-1})) ==
        std::vector<double>{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0});
  CHECK(more.select(2, 0).abs().sum().item<double>() == 0);
  CHECK(nn::init::dirac_(zeros({2, 3, 3, 3, 3})).sum().item<double>() == 2);
  CHECK(nn::init::dirac_(zeros({0, 3, 3})).numel() == 0);
}

TEST_CASE("sparse_ has the same number of zeros in every column") {
  manual_seed(2);
  const Tensor x = nn::init::sparse_(zeros({50, 40}), 0.33, 2.0);
  CHECK(equal(x.eq(0).to(kFloat32).sum(0), full({40}, 17.0)));
  CHECK((x.square().sum() / (33.0 * 40)).item<double>() == Approx(4).epsilon(0.15));
  CHECK(x.select(1, 0).eq(0).ne(x.select(1, 1).eq(0)).any().item<bool>());
}

TEST_CASE("Special initialisers refuse what they cannot do") {
  using namespace nn::init;
  CHECK(error_of([] { trunc_normal_(zeros({2}), 0, 0); }) ==
        "[trunc_normal_] expected a finite std above 0, got 0.0");
  CHECK(error_of([] { trunc_normal_(zeros({2}), std::nan("")); }) ==
        "[trunc_normal_] expected a finite mean, got nan");
  CHECK(error_of([] { trunc_normal_(zeros({2}), 0, 1, 2, 2); }) ==
        "[trunc_normal_] expected a < b, got 2.0 and 2.0");
  CHECK(error_of([] { eye_(zeros({2})); }) ==
        "[eye_] Only tensors with 2 dimensions are supported, got [2]");
  CHECK(error_of([] {
          dirac_(zeros({2, 2}));
        }) == "[dirac_] Only tensors with 3, 4, or 5 dimensions are supported, got [2, 2]");
  CHECK(error_of([] {
          dirac_(zeros({3, 2, 2}), 2);
        }) == "[dirac_] dim 0 must be divisible by groups, got [3, 2, 2] and 2 groups");
  CHECK(has(error_of([] { dirac_(zeros({3, 2, 2}), 0); }), "dim 0 must be divisible by groups"));
  CHECK(error_of([] {
          sparse_(zeros({2, 2, 2}), 0.5);
        }) == "[sparse_] Only tensors with 2 dimensions are supported, got [2, 2, 2]");
  CHECK(error_of([] {
          sparse_(zeros({2, 2}), 1.5);
        }) == "[sparse_] expected a sparsity from 0 to 1, got 1.5");
  CHECK(error_of([] {
          sparse_(zeros({2, 2}), 0.5, -1);
        }) == "[sparse_] expected std of at least 0, got -1.0");
  CHECK(error_of([] { orthogonal_(zeros({2})); }) ==
        "[orthogonal_] Only tensors with 2 or more dimensions are supported, got [2]");
}

TEST_CASE("parameters_to_vector and back") {
  nn::Sequential net(nn::Linear(2, 3), nn::Linear(3, 1));
  const Tensor flat = nn::utils::parameters_to_vector(net.parameters());
  CHECK(flat.sizes() == Shape{13});
  CHECK(equal(flat.narrow(0, 0, 6).detach(), net.parameters()[0].detach().reshape({-1})));
  flat.square().sum().backward();
  CHECK(equal(net.parameters()[1].grad(), net.parameters()[1].detach() * 2.0));
  const Tensor values = arange(13).to(kFloat32);
  nn::utils::vector_to_parameters(values, net.parameters());
  CHECK(equal(nn::utils::parameters_to_vector(net.parameters()).detach(), values));
  CHECK(net.parameters()[0].is_leaf());
  CHECK(error_of([] { nn::utils::parameters_to_vector({}); }) ==
        "[parameters_to_vector] expected at least one parameter, got none");
  CHECK(error_of([&] { nn::utils::vector_to_parameters(zeros({12}), net.parameters()); }) ==
        "[vector_to_parameters] expected a vector of 13 elements, as many as the parameters have, "
        "got "
        "[12]");
  CHECK(has(error_of([&] {
              nn::utils::vector_to_parameters(zeros({13, 1}), net.parameters());
            }),
            "expected a vector of 13 elements"));
}
