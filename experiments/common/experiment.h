// What every experiment has around its training loop: seeds, data, numbers, a picture, a verdict.
#pragma once
#include <norma/norma.h>
#include <norma/plot.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace experiment {

/// What the page says around the numbers, in whole sentences of Markdown.
struct About {
  const char* name;      ///< of its files: "05_bias"
  const char* title;     ///< of its section
  const char* claim;     ///< as such articles make it
  const char* varied;    ///< what was varied, and what was not
  const char* limits;    ///< where the claim is too strong
  const char* source;    ///< who says so
  const char* question;  ///< one to try by changing a line
};

/// Images [N, C, H, W] in 0..1 with labels [N].
struct Split {
  norma::data::Dataset train, test;
};

class Experiment {
 public:
  /// 1 to 5, or to --seeds. A loop over them begins with norma::manual_seed(seed).
  const std::vector<uint64_t>& seeds() const { return seeds_; }

  /// The first digits of MNIST from --data, or digits that Norma draws, 28 by 28 pixels.
  Split digits(int64_t train, int64_t test);
  /// The first pictures of CIFAR-10 from --data, or those digits.
  Split pictures(int64_t train, int64_t test);

  /// A number of one run: every seed adds one under the same name.
  void measure(const std::string& name, double value);
  /// Those added so far.
  const std::vector<double>& measured(const std::string& name) const;
  /// A place of a line of the picture: every seed adds one at the same x.
  void point(const std::string& line, double x, double y);
  /// The picture of all points: the mean of the seeds, and the range around it. `alt` says it to
  /// those who do not see it.
  void draw(const std::string& alt, const norma::plot::LinesOptions& options);

  /// Something that the claim says: it held if every such condition is true.
  void expect(const std::string& what, bool held);

 private:
  friend int run(int argc, char** argv, const About& about,
                 const std::function<void(Experiment&)>& measure);
  struct Row {
    std::string label;
    std::vector<double> values;
  };
  struct Line {
    std::string label;
    std::vector<std::pair<double, std::vector<double>>> points;
  };
  bool held() const;
  void print(const About& about) const;
  void write_page(const About& about) const;

  std::vector<uint64_t> seeds_;
  std::string data_, out_ = ".", name_, drawn_from_, alt_;
  std::vector<Row> rows_;
  std::vector<Line> lines_;
  std::vector<std::pair<std::string, bool>> conditions_;
};

/// The whole program: reads the command line (--seeds, --data, --out), measures, prints, and leaves
/// NAME.svg and NAME.md, its section of the page, in the folder --out. Returns 0 if the claim held,
/// 1 if it did not, 2 at an error.
int run(int argc, char** argv, const About& about, const std::function<void(Experiment&)>& measure);

/// The share of right answers: rows of outputs that are largest at their target.
double accuracy(const norma::Tensor& outputs, const norma::Tensor& targets);

/// The mean, and whether every value of the one list is below that of the other at its place.
double mean(const std::vector<double>& values);
bool all_below(const std::vector<double>& smaller, const std::vector<double>& larger);

}  // namespace experiment
