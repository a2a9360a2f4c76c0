// Golden values in text files: a line is words, and after a '|' numbers.
#pragma once
#include <norma/norma.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct GoldenLine {
  std::vector<std::string> words;
  std::vector<double> numbers;
  bool has_numbers = false;  // the line has a '|'

  /// Words from `first` on as int64.
  std::vector<int64_t> integers(std::size_t first) const {
    std::vector<int64_t> result;
    for (std::size_t i = first; i < words.size(); ++i) result.push_back(std::stoll(words[i]));
    return result;
  }
  norma::Tensor tensor(const norma::Shape& sizes, norma::DType dtype = norma::kFloat64) const {
    return norma::tensor(numbers).reshape(sizes).to(dtype);
  }
};

inline std::vector<GoldenLine> read_golden(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<GoldenLine> lines;
  for (std::string text; std::getline(file, text);) {
    GoldenLine& line = lines.emplace_back();
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      if (word == "|") {
        line.has_numbers = true;
      } else if (line.has_numbers) {
        line.numbers.push_back(std::strtod(word.c_str(), nullptr));
      } else {
        line.words.push_back(word);
      }
    }
  }
  return lines;
}
