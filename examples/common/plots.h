// The pictures that --plot asks for, by the component norma::plot.
#pragma once
#include <norma/norma.h>

#include <memory>
#include <string>
#include <vector>

#include "options.h"

namespace example {

/// Without --plot, none of these draws anything, and the history is in memory alone.
class Plots {
 public:
  /// Makes the folder. Refuses --plot in a program that was built without the component.
  explicit Plots(const Options& options);
  bool wanted() const { return !folder_.empty(); }
  /// The numbers of the run, in DIR/history.csv.
  norma::History& history();

  /// loss.svg and accuracy.svg, where the history has such names.
  void curves() const;
  /// These and confusion.svg; and images.png, the first that were read wrong, then some that were
  /// not. `answers` [N, C] are the model's for the images of `test`.
  void classifier(const norma::Tensor& answers, const norma::data::Dataset& test,
                  const std::vector<std::string>& class_names = {}) const;
  /// Of images [N, C, H, W], each under its title.
  void images(const std::string& name, const norma::Tensor& images,
              const std::vector<std::string>& titles) const;
  void filters(const std::string& name, const norma::Tensor& weight) const;
  void histogram(const std::string& name, const norma::Tensor& values,
                 const std::string& title) const;
  void boundary(const std::string& name, norma::nn::Module& model,
                const norma::data::Dataset& points) const;

 private:
  std::string folder_;
  std::unique_ptr<norma::History> history_;
};

}  // namespace example
