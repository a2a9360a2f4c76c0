// Times single layers and operations, those of operations.txt or of another list:
//
//   norma_operations [--threads N] [--list FILE] [word ...]
//
// prints `LINE FORWARD BOTH` for every line of the list that contains one of the words, separated
// by tabs: milliseconds of the forward pass without recording (layers in `eval()`), and of forward
// and backward together (in `train()`), `-` where there is no gradient. `--list -` reads from the
// standard input and answers every line at once.
#include <norma/norma.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "operations.h"
#include "options.h"

namespace {

using norma::Tensor;

double time_forward(const bench::Operation& operation, const bench::Timing& timing) {
  const norma::NoGradGuard no_grad;
  if (operation.layer) operation.layer->eval();
  return bench::milliseconds(timing, [&] { operation.call(); });
}

/// "-" for an operation without gradient.
std::string time_both(bench::Operation& operation, const bench::Timing& timing) {
  if (operation.layer) operation.layer->train();
  for (Tensor& leaf : operation.leaves) leaf.requires_grad_();
  const Tensor y = operation.call();
  if (!y.requires_grad()) return "-";
  const Tensor gradient = norma::randn(y.sizes(), {.dtype = y.dtype()});
  const double ms = bench::milliseconds(timing, [&] {
    for (Tensor& leaf : operation.leaves) leaf.set_grad(Tensor());
    operation.call().backward(gradient);
  });
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.5f", ms);
  return digits;
}

bool wanted(const std::string& line, const std::vector<std::string>& words) {
  if (line.empty() || line[0] == '#') return false;
  return words.empty() || std::any_of(words.begin(), words.end(), [&](const std::string& word) {
           return line.find(word) != std::string::npos;
         });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times single layers and operations");
  int threads = 0;
  bench::Timing timing{.blocks = 3, .seconds = 0.03};
  bool sizes = false;
  std::string list = NORMA_OPERATIONS_LIST;
  std::vector<std::string> words;
  bench::add_timing_options(app, threads, timing);
  app.add_option("--list", list, "The list of operations, - for the standard input");
  app.add_flag("--sizes", sizes, "Sizes of the results instead of times");
  app.add_option("word", words, "Only lines that contain one of these words");
  CLI11_PARSE(app, argc, argv);
  try {
    if (threads > 0) norma::set_num_threads(threads);
    std::ifstream file(list);
    std::istream& lines = list == "-" ? std::cin : file;
    if (!lines) throw norma::Error("norma_operations", "expected a list, got '" + list + "'");
    for (std::string line; std::getline(lines, line);) {
      if (!wanted(line, words)) continue;
      bench::Operation operation = bench::make_operation(line);
      if (sizes) {
        std::printf("%s\t%s\n", line.c_str(), operation.call().sizes().str().c_str());
      } else {
        const double forward = time_forward(operation, timing);
        std::printf("%s\t%.5f\t%s\n", line.c_str(), forward, time_both(operation, timing).c_str());
      }
      std::fflush(stdout);
    }
  } catch (const norma::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
