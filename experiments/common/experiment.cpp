#include "experiment.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace experiment {

namespace {

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// The row of that name, or a new one at the end.
template <class Rows>
auto& named(Rows& rows, const std::string& name) {
  for (auto& row : rows)
    if (row.label == name) return row;
  rows.push_back({name, {}});
  return rows.back();
}

norma::data::Dataset first(const norma::data::Dataset& all, int64_t n) {
  const norma::data::Dataset part = all.narrow(0, std::min(n, all.size()));
  return {norma::data::convert_image_dtype(part.inputs), part.targets};
}

}  // namespace

double accuracy(const norma::Tensor& outputs, const norma::Tensor& targets) {
  return (outputs.argmax(1) == targets).to(norma::kFloat64).mean().item<double>();
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

bool all_below(const std::vector<double>& smaller, const std::vector<double>& larger) {
  return std::equal(smaller.begin(), smaller.end(), larger.begin(), larger.end(),
                    [](double a, double b) { return a < b; });
}

Split Experiment::digits(int64_t train, int64_t test) {
  if (data_.empty()) {
    drawn_from_ = "digits that Norma draws";
    return {first(norma::data::synthetic_digits(train, 1), train),
            first(norma::data::synthetic_digits(test, 2), test)};
  }
  drawn_from_ = "MNIST";
  const std::string folder = data_ + "/mnist";
  return {first(norma::data::mnist(folder), train), first(norma::data::mnist(folder, false), test)};
}

Split Experiment::pictures(int64_t train, int64_t test) {
  if (data_.empty()) return digits(train, test);
  drawn_from_ = "CIFAR-10";
  const std::string folder = data_ + "/cifar10";
  return {first(norma::data::cifar10(folder), train),
          first(norma::data::cifar10(folder, false), test)};
}

void Experiment::measure(const std::string& name, double value) {
  named(rows_, name).values.push_back(value);
}

const std::vector<double>& Experiment::measured(const std::string& name) const {
  for (const Row& row : rows_)
    if (row.label == name) return row.values;
  throw std::logic_error("nothing is measured under the name " + name);
}

void Experiment::point(const std::string& line, double x, double y) {
  auto& points = named(lines_, line).points;
  for (auto& [there, values] : points)
    if (there == x) return values.push_back(y);
  points.push_back({x, {y}});
}

void Experiment::draw(const std::string& alt, const norma::plot::LinesOptions& options) {
  alt_ = alt;
  std::vector<norma::plot::Line> lines;
  for (const Line& line : lines_) {
    std::vector<double> x, y;
    const std::size_t runs = line.points.front().second.size();
    for (const auto& [place, values] : line.points) {
      if (values.size() != runs)
        throw std::logic_error("not every seed has a point of " + line.label + " at " +
                               rounded(place));
      x.push_back(place);
      y.insert(y.end(), values.begin(), values.end());
    }
    const auto n = static_cast<int64_t>(x.size());
    lines.push_back({line.label, norma::tensor(x),
                     norma::tensor(y).reshape({n, static_cast<int64_t>(runs)}).t()});
  }
  norma::plot::lines(out_ + "/" + name_ + ".svg", lines, options);
}

void Experiment::expect(const std::string& what, bool held) {
  conditions_.emplace_back(what, held);
}

bool Experiment::held() const {
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [](const auto& condition) { return condition.second; });
}

void Experiment::print(const About& about) const {
  std::printf("%s: %s\n%s\n", about.name, about.title, about.claim);
  for (const Row& row : rows_) {
    const auto [low, high] = std::minmax_element(row.values.begin(), row.values.end());
    std::printf("  %s: %s (%s to %s)\n", row.label.c_str(), rounded(mean(row.values)).c_str(),
                rounded(*low).c_str(), rounded(*high).c_str());
  }
  for (const auto& [what, held] : conditions_)
    std::printf("  %s: %s\n", held ? "held" : "did not hold", what.c_str());
  std::printf("the claim %s over %zu seeds\n", held() ? "held" : "did not hold", seeds_.size());
}

void Experiment::write_page(const About& about) const {
  std::ofstream page(out_ + "/" + name_ + ".md");
  page << "## " << std::stoi(about.name) << ". " << about.title << "\n\n> " << about.claim
       << "\n\n";
  if (!alt_.empty()) page << "![" << alt_ << "](images/experiments/" << name_ << ".svg)\n\n";
  page << "| measured with " << seeds_.size()
       << " seeds | mean | lowest | highest |\n|---|---|---|---|\n";
  for (const Row& row : rows_) {
    const auto [low, high] = std::minmax_element(row.values.begin(), row.values.end());
    page << "| " << row.label << " | " << rounded(mean(row.values)) << " | " << rounded(*low)
         << " | " << rounded(*high) << " |\n";
  }
  page << "\n";
  for (const auto& [what, held] : conditions_)
    page << "- " << (held ? "Held" : "**Did not hold**") << ": " << what << ".\n";
  page << "\n- **Varied**, by [`experiments/" << name_ << ".cpp`](../experiments/" << name_
       << ".cpp): " << about.varied;
  if (!drawn_from_.empty()) page << " The data: " << drawn_from_ << ".";
  page << "\n- **Too strong**: " << about.limits << "\n- **Source**: " << about.source
       << "\n- **Try**: " << about.question << "\n";
  if (!page.flush()) throw std::runtime_error("cannot write " + out_ + "/" + name_ + ".md");
}

int run(int argc, char** argv, const About& about,
        const std::function<void(Experiment&)>& measure) {
  Experiment experiment;
  experiment.name_ = about.name;
  int seeds = 5;
  CLI::App app(std::string(about.title) + "\n" + about.claim);
  app.add_option("--seeds", seeds, "how many runs, each with its seed")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--data", experiment.data_,
                 "folder with mnist/ and cifar10/, instead of drawn digits")
      ->check(CLI::ExistingDirectory);
  app.add_option("--out", experiment.out_, "folder for the picture and the section of the page")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (int seed = 1; seed <= seeds; ++seed)
    experiment.seeds_.push_back(static_cast<uint64_t>(seed));
  try {
    std::filesystem::create_directories(experiment.out_);
    measure(experiment);
    if (experiment.conditions_.empty())
      throw std::logic_error("an experiment that expects nothing");
    experiment.print(about);
    experiment.write_page(about);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", about.name, error.what());
    return 2;
  }
  return experiment.held() ? 0 : 1;
}

}  // namespace experiment
