#include "plots.h"

#include <algorithm>
#include <filesystem>

#ifdef NORMA_WITH_PLOT
#include <norma/plot.h>
#endif

namespace example {

namespace data = norma::data;
using norma::Tensor;

Plots::Plots(const Options& options) : folder_(options.plot) {
  if (!wanted()) return;
#ifndef NORMA_WITH_PLOT
  norma::fail("--plot",
              "expected a program built with the component norma::plot; install gnuplot-nox and "
              "configure with -DNORMA_BUILD_PLOT=ON");
#endif
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) norma::fail("--plot", folder_, ": cannot make the folder: ", error.message());
}

norma::History& Plots::history() {
  if (!history_)
    history_ = wanted() ? std::make_unique<norma::History>(folder_ + "/history.csv")
                        : std::make_unique<norma::History>();
  return *history_;
}

#ifdef NORMA_WITH_PLOT

namespace plot = norma::plot;

void Plots::curves() const {
  if (!wanted() || !history_) return;
  const std::vector<std::string> there = history_->names();
  const auto draw = [&](const char* file, const std::vector<std::string>& names,
                        const plot::CurvesOptions& options) {
    plot::CurvesOptions chosen = options;
    for (const std::string& name : names)
      if (std::find(there.begin(), there.end(), name) != there.end()) chosen.names.push_back(name);
    if (!chosen.names.empty()) plot::curves(folder_ + file, *history_, chosen);
  };
  draw("/loss.svg", {"loss/train", "loss/test"}, {.yscale = "log", .smoothing = 0.9});
  draw("/accuracy.svg", {"accuracy/test"}, {});
}

void Plots::classifier(const Tensor& answers, const data::Dataset& test,
                       const std::vector<std::string>& class_names) const {
  if (!wanted()) return;
  curves();
  const int64_t classes = answers.size(1);
  plot::confusion_matrix(folder_ + "/confusion.svg",
                         plot::confusion_matrix(answers, test.targets, classes),
                         {.class_names = class_names});
  // Of all test images: those read wrong before those read right.
  const Tensor right = answers.argmax(1).eq(test.targets);
  const Tensor order = right.to(norma::kInt64).argsort(0);
  const int64_t n = right.numel(), wrong = n - right.sum().item<int64_t>();
  const int64_t first = std::min<int64_t>(wrong, 16),
                rest = std::min<int64_t>(n - wrong, 32 - first);
  const Tensor shown = norma::cat({order.narrow(0, 0, first), order.narrow(0, wrong, rest)});
  plot::images(folder_ + "/images.png", test.inputs.index_select(0, shown),
               {.preds = answers.argmax(1).index_select(0, shown),
                .target = test.targets.index_select(0, shown),
                .class_names = class_names});
}

void Plots::images(const std::string& name, const Tensor& images,
                   const std::vector<std::string>& titles) const {
  if (wanted())
    plot::images(folder_ + "/" + name, images, {.titles = titles, .nrow = 4, .normalize = true});
}

void Plots::filters(const std::string& name, const Tensor& weight) const {
  if (wanted()) plot::filters(folder_ + "/" + name, weight);
}

void Plots::histogram(const std::string& name, const Tensor& values,
                      const std::string& title) const {
  if (wanted()) plot::histogram(folder_ + "/" + name, values, {.title = title});
}

void Plots::boundary(const std::string& name, norma::nn::Module& model,
                     const data::Dataset& points) const {
  if (wanted()) plot::decision_boundary(folder_ + "/" + name, model, points.inputs, points.targets);
}

#else

void Plots::curves() const {}
void Plots::classifier(const Tensor&, const data::Dataset&, const std::vector<std::string>&) const {
}
void Plots::images(const std::string&, const Tensor&, const std::vector<std::string>&) const {}
void Plots::filters(const std::string&, const Tensor&) const {}
void Plots::histogram(const std::string&, const Tensor&, const std::string&) const {}
void Plots::boundary(const std::string&, norma::nn::Module&, const data::Dataset&) const {}

#endif

}  // namespace example
