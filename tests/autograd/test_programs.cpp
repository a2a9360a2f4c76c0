// Random programs of views, in-place operations and arithmetic, against what PyTorch computed.
#include <map>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/golden_file.h"
#include "norma/tests/support/tensors.h"

using namespace norma;

namespace {

using Numbers = std::vector<double>;

int64_t whole(double value) { return static_cast<int64_t>(value); }
Shape shape_of(const Numbers& numbers) {
  Shape shape;
  for (double number : numbers) shape.push_back(whole(number));
  return shape;
}

Tensor run_unary(const std::string& op, const Tensor& x, const Numbers& n) {
  if (op == "tanh") return x.tanh();
  if (op == "sigmoid") return x.sigmoid();
  if (op == "square") return x.square();
  if (op == "relu") return x.relu();
  if (op == "clone") return x.clone();
  if (op == "detach") return x.detach();
  if (op == "scale") return x * n[0];
  if (op == "select") return x.select(whole(n[0]), whole(n[1]));
  if (op == "narrow") return x.narrow(whole(n[0]), whole(n[1]), whole(n[2]));
  if (op == "slice") return x.slice(whole(n[0]), whole(n[1]), whole(n[2]), whole(n[3]));
  if (op == "transpose") return x.transpose(whole(n[0]), whole(n[1]));
  if (op == "permute") return x.permute(shape_of(n));
  if (op == "expand") return x.expand(shape_of(n));
  if (op == "flatten") return x.flatten();
  if (op == "unsqueeze") return x.unsqueeze(whole(n[0]));
  if (op == "squeeze") return x.squeeze();
  if (op == "split_view") return x.view({-1, 1});
  if (op == "sum") return x.sum(whole(n[0]));
  if (op == "mean") return x.mean(whole(n[0]), true);
  if (op == "softmax") return x.softmax(whole(n[0]));
  if (op == "max") return x.max(whole(n[0])).first;
  if (op == "std") return x.std(whole(n[0]), false);
  if (op == "norm") return x.norm(2, whole(n[0]));
  if (op == "positive") return x.masked_fill(x < 0, 0.25);
  throw std::runtime_error("unknown operation " + op);
}

bool run_in_place(const std::string& op, Tensor x, const Numbers& n) {
  if (op == "tanh_") return x.tanh_().defined();
  if (op == "sigmoid_") return x.sigmoid_().defined();
  if (op == "relu_") return x.relu_().defined();
  if (op == "neg_") return x.neg_().defined();
  if (op == "exp_") return x.exp_().defined();
  if (op == "zero_") return x.zero_().defined();
  if (op == "pow_") return x.pow_(n[0]).defined();
  if (op == "clamp_") return x.clamp_(n[0], n[1]).defined();
  if (op == "fill_") return x.fill_(n[0]).defined();
  if (op == "scale_") return x.mul_(n[0]).defined();
  if (op == "shift_") return x.add_(n[0]).defined();
  if (op != "nograd_scale_") return false;
  const NoGradGuard no_grad;
  return x.mul_(n[0]).defined();
}

bool run_binary(const std::string& op, const Tensor& x, const Tensor& y, Tensor& result) {
  if (op == "add") result = x + y;
  if (op == "sub") result = x - y;
  if (op == "mul") result = x * y;
  if (op == "maximum") result = x.maximum(y);
  if (op == "matmul") result = x.matmul(y);
  if (op == "cat") result = cat({x, y});
  if (op == "stack") result = stack({x, y}, -1);
  if (op == "where") result = where(x > y, x, y * 2);
  return result.defined();
}

bool run_binary_in_place(const std::string& op, Tensor x, const Tensor& y) {
  if (op == "add_") return x.add_(y).defined();
  if (op == "sub_") return x.sub_(y).defined();
  if (op == "mul_") return x.mul_(y).defined();
  if (op == "copy_") return x.copy_(y).defined();
  return false;
}

/// The word from `first` on as numbers; empty where they are names.
Numbers numbers_of(const GoldenLine& line, std::size_t first) {
  Numbers result;
  for (std::size_t i = first; i < line.words.size(); ++i) {
    if (line.words[i][0] != 't') result.push_back(std::stod(line.words[i]));
  }
  return result;
}

}  // namespace

TEST_CASE("programs of views and in-place operations give PyTorch's values and gradients") {
  int programs = 0;
  const int64_t nodes_before = autograd::live_nodes(), bytes_before = live_storage_bytes();
  {
    std::map<std::string, Tensor> pool;
    std::vector<std::string> outputs;
    std::string title;
    for (const GoldenLine& line : read_golden(NORMA_AUTOGRAD_TESTS "golden_programs.txt")) {
      const std::string& op = line.words[0];
      INFO(title << ": " << op << " " << line.words[1]);
      if (op == "program") {
        title = "program " + line.words[1];
        pool.clear();
        ++programs;
      } else if (op == "leaf" || op == "const") {
        pool[line.words[1]] = line.tensor(line.integers(2)).requires_grad_(op == "leaf");
      } else if (op == "outputs") {
        outputs.assign(line.words.begin() + 1, line.words.end());
        Tensor loss;
        for (const std::string& name : outputs) {
          const Tensor& out = pool.at(name);
          const Tensor w = arange(1, out.numel() + 1).to(kFloat64).sqrt();
          const Tensor part = (out.reshape({-1}) * w).sum();
          loss = loss.defined() ? loss + part : part;
        }
        loss.backward();
      } else if (op == "value") {
        const Tensor& x = pool.at(line.words[1]);
        CHECK(mismatch(x, line.tensor(x.sizes()), 1e-9, 1e-11) == "");
      } else if (op == "grad") {
        const Tensor& x = pool.at(line.words[1]);
        CHECK(mismatch(x.grad(), line.numbers.empty() ? Tensor() : line.tensor(x.sizes()), 1e-9,
                       1e-11) == "");
      } else if (op.back() == '_') {
        if (!run_in_place(op, pool.at(line.words[1]), numbers_of(line, 2))) {
          REQUIRE(run_binary_in_place(op, pool.at(line.words[1]), pool.at(line.words[2])));
        }
      } else {
        const Tensor& x = pool.at(line.words[2]);
        Tensor result;
        if (line.words.size() < 4 ||
            !run_binary(op, x, pool.contains(line.words[3]) ? pool.at(line.words[3]) : x, result)) {
          result = run_unary(op, x, numbers_of(line, 3));
        }
        pool[line.words[1]] = result;
      }
    }
  }
  CHECK(programs >= 100);
  CHECK(autograd::live_nodes() == nodes_before);
  CHECK(live_storage_bytes() == bytes_before);
}
