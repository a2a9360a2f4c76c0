#include <autograd.h>

#include <norma/norma.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

using norma::Tensor;

// Says what was expected, what came, and the idea that is missing.
void expect(const std::string& what, double got, double expected, const char* idea) {
  if (std::abs(got - expected) <= 1e-9 * (1 + std::abs(expected))) return;
  norma::fail(what, "expected ", expected, ", got ", got, ": ", idea);
}

// Value and Norma's Tensor compute the same, from 2 and 0.5.
struct Operation {
  std::string name;
  std::function<Value(Value, Value)> yours;
  std::function<Tensor(Tensor, Tensor)> norma;
  const char* slopes;
};

template <class F>
Operation operation(const char* name, F f, const char* slopes) {
  return {name, f, f, slopes};
}

const std::vector<Operation> kOperations = {
    operation(
        "a + b", [](auto a, auto b) { return a + b; }, "the slopes of a + b are 1 and 1"),
    operation(
        "a - b", [](auto a, auto b) { return a - b; }, "the slopes of a - b are 1 and -1"),
    operation(
        "a * b", [](auto a, auto b) { return a * b; }, "the slopes of a * b are b and a"),
    operation(
        "a / b", [](auto a, auto b) { return a / b; }, "the slopes of a / b are 1 / b and -a / b²"),
    operation(
        "exp(a)", [](auto a, auto) { return exp(a); }, "exp is its own derivative"),
    operation(
        "log(a)", [](auto a, auto) { return log(a); }, "the slope of log(a) is 1 / a"),
    operation(
        "tanh(a)", [](auto a, auto) { return tanh(a); }, "the slope of tanh(a) is 1 - tanh(a)²"),
    operation(
        "log(exp(a) + exp(b))", [](auto a, auto b) { return log(exp(a) + exp(b)); },
        "each operation is right alone; in a chain, each slope counts times the gradient of the "
        "result"),
};

void numbers() {
  for (const Operation& op : kOperations) {
    const Tensor a = norma::tensor(2.0, {.dtype = norma::kFloat64});
    const Tensor b = norma::tensor(0.5, {.dtype = norma::kFloat64});
    expect("the number of " + op.name, op.yours(2.0, 0.5).number(), op.norma(a, b).item<double>(),
           "it is the plain C++ arithmetic on number()");
  }
}

void first_gradient() {
  const Value a = 3;
  a.backward();
  expect("a.backward(), the gradient of a itself", a.grad(), 1,
         "d(a) / d(a) is 1, and backward() begins with it");
}

void slopes() {
  for (const Operation& op : kOperations) {
    const Value x = 2.0, y = 0.5;
    const Tensor a = norma::tensor(2.0, {.dtype = norma::kFloat64, .requires_grad = true});
    const Tensor b = norma::tensor(0.5, {.dtype = norma::kFloat64, .requires_grad = true});
    op.yours(x, y).backward();
    (op.norma(a, b) + 0.0 * b).backward();  // so that both have a gradient
    const std::string of = " of y = " + op.name + " at a = 2, b = 0.5";
    expect("d(y) / d(a)" + of, x.grad(), a.grad().item<double>(), op.slopes);
    expect("d(y) / d(b)" + of, y.grad(), b.grad().item<double>(), op.slopes);
  }
}

void used_twice() {
  const Value a = 3;
  (a + a).backward();
  expect("d(a + a) / d(a)", a.grad(), 2,
         "a is used twice, and gets a gradient from each use: add them up with +=, "
         "where = keeps only the last");
}

void in_order() {
  const Value a = 1, b = 2.0 * a;
  const Value c = 3.0 * b;
  (b * c).backward();  // 12 a²
  expect("d(b * c) / d(a) where b = 2a, c = 3b", a.grad(), 24,
         "b is used by b * c and by c. It may pass its gradient on only once both have given "
         "theirs, and then once: order the nodes so that each comes behind all that use it");
}

void added() {
  const Value a = 3;
  (a * a).backward();
  (5.0 * a).backward();
  expect("the gradient of a after (a * a).backward() and (5 * a).backward()", a.grad(), 11,
         "backward() adds to the gradients that are there, 6 and 5: it does not set them to 0 "
         "first, since a may be part of other results");
}

int main() try {
  numbers();
  first_gradient();
  used_twice();
  slopes();
  in_order();
  added();
  std::puts("Passed: your engine has the numbers and gradients that Norma has.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
