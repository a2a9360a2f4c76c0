#include <residual_block.h>

#include <norma/norma.h>
#include <norma/testing.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using norma::Tensor;
using norma::testing::difference;

// Says what was expected, what came and, where it is a known mistake, the idea that is missing.
void expect(const std::string& what, const Tensor& got, const Tensor& expected,
            const std::vector<std::pair<Tensor, const char*>>& mistakes = {}) {
  std::string idea = difference(got, expected);
  if (idea.empty()) return;
  for (const auto& [result, missing] : mistakes) {
    if (difference(got, result).empty()) idea = missing;
  }
  norma::fail(what, "expected\n", expected, "\ngot\n", got, "\n", idea);
}

void names() {
  const mine::ResidualBlock block(4, 8, 2);
  const auto children = block.named_children();
  for (const std::string name : {"conv1", "bn1", "conv2", "bn2", "shortcut"}) {
    if (std::none_of(children.begin(), children.end(),
                     [&](const auto& child) { return child.first == name; })) {
      norma::fail("ResidualBlock", "expected register_module(\"", name, "\", ", name,
                  ") in the constructor, got no such name: its parameters would not be trained, "
                  "not saved, and train() and eval() would not reach it");
    }
  }
}

void shortcuts() {
  if (!mine::ResidualBlock(4, 4, 1).shortcut.parameters().empty()) {
    norma::fail("ResidualBlock(4, 4, 1)",
                "expected an empty shortcut, got one with parameters: "
                "where the shapes agree, x goes past as it is");
  }
  const Tensor x = norma::randn({2, 4, 6, 6});
  for (const auto& [out, stride] : {std::pair<int64_t, int64_t>{8, 2}, {8, 1}, {4, 2}}) {
    mine::ResidualBlock block(4, out, stride);
    const norma::Shape expected = {2, out, 6 / stride, 6 / stride};
    if (block.shortcut(x).sizes() != expected) {
      norma::fail(norma::text("the shortcut of ResidualBlock(4, ", out, ", ", stride, ")"),
                  "expected shape ", expected, ", got ", block.shortcut(x).sizes(),
                  ": what is added must have one shape. A 1x1 convolution changes the number of "
                  "channels, and its stride is that of conv1");
    }
  }
}

void sums() {
  norma::manual_seed(0);
  for (const int64_t stride : {1, 2}) {
    mine::ResidualBlock block(2, 2, stride);
    block.eval();
    const norma::NoGradGuard no_grad;
    const Tensor x = norma::randn({1, 2, 2, 2});
    const Tensor inner = block.bn1(block.conv1(x));
    const Tensor branch = block.bn2(block.conv2(norma::relu(inner)));
    const Tensor past = block.shortcut(x);
    expect("ResidualBlock", block.forward(x), norma::relu(branch + past),
           {{norma::relu(branch), "x does not take the shortcut: add shortcut(x)"},
            {branch, "x does not take the shortcut: add shortcut(x), then ReLU"},
            {norma::relu(branch) + past,
             "the second ReLU comes behind the sum: before it, the block could only add"},
            {norma::relu(branch) + norma::relu(past), "first the sum, then the ReLU"},
            {branch + past, "the ReLU behind the sum is missing"},
            {norma::relu(block.bn2(block.conv2(inner)) + past),
             "the ReLU behind bn1 is missing: without it two convolutions are no more than one"}});
  }
}

int main() try {
  names();
  shortcuts();
  sums();
  std::puts("Passed: names, shortcuts and sums.");
} catch (const std::exception& e) {
  std::puts(e.what());
  return 1;
}
