// Products by name: what they refuse, and derivatives. Their values: parity/families/matmul.py.
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/gradients.h"

using namespace norma;
using Tensors = std::vector<Tensor>;

TEST_CASE("products by name refuse tensors of other dimensions") {
  const Tensor matrix = ones({2, 3}), row = ones({3}), batch = ones({2, 2, 3});
  const auto words = [](const char* op, const char* dims, const char* got) {
    return std::string("[") + op + "] expected tensors of " + dims + " dimensions, got " + got +
           "; matmul takes any";
  };
  CHECK(error_of([&] { matrix.mm(row); }) == words("mm", "2 and 2", "[2, 3] and [3]"));
  CHECK(error_of([&] { batch.bmm(matrix); }) == words("bmm", "3 and 3", "[2, 2, 3] and [2, 3]"));
  CHECK(error_of([&] { row.mv(matrix); }) == words("mv", "2 and 1", "[3] and [2, 3]"));
  CHECK(error_of([&] { matrix.dot(row); }) == words("dot", "1 and 1", "[2, 3] and [3]"));
  CHECK(error_of([&] { row.outer(matrix); }) == words("outer", "1 and 1", "[3] and [2, 3]"));
  CHECK(error_of([&] { row.addmm(matrix, row); }) == words("addmm", "2 and 2", "[2, 3] and [3]"));
  CHECK(error_of([&] { row.baddbmm(matrix, batch); }) ==
        words("baddbmm", "3 and 3", "[2, 3] and [2, 2, 3]"));
  CHECK(error_of([&] {
          batch.bmm(ones({1, 3, 2}));
        }) == "[bmm] expected batches of one length, got [2, 2, 3] and [1, 3, 2]");
  CHECK(error_of([&] {
          batch.addmm(matrix, ones({3, 3}));
        }) ==
        "[addmm] expected a tensor that is broadcast to the product's shape [2, 3], got [2, 2, 3]");
}

TEST_CASE("a start that counts for nothing is not read") {
  const Tensor start = full({2, 2}, NAN);
  CHECK(equal(start.addmm(ones({2, 3}), ones({3, 2}), 0), full({2, 2}, 3.0)));
}

TEST_CASE("products by name have derivatives") {
  const Tensor a = random_leaf({2, 3}), b = random_leaf({3, 4}), start = random_leaf({4});
  CHECK(gradient_error([](const Tensors& x) { return x[2].addmm(x[0], x[1], 0.5, -2); },
                       {a, b, start}) == "");
  CHECK(gradient_error([](const Tensors& x) { return x[0].outer(x[1]); },
                       {random_leaf({3}), random_leaf({2})}) == "");
  CHECK(gradient_error([](const Tensors& x) { return x[2].baddbmm(x[0], x[1], 2, 3); },
                       {random_leaf({2, 2, 3}), random_leaf({2, 3, 2}), random_leaf({2, 2, 2})}) ==
        "");
}
