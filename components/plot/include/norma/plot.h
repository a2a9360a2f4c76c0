// Pictures by gnuplot: curves, confusion matrices, histograms, images, filters, decision
// boundaries. Component norma::plot.
//
// Errors of all: a path of another ending, a width or height outside of 100 to 10000, another
// number of class names than classes, an undefined tensor, what gnuplot or the system refuses.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "norma/norma.h"

/// Each function makes one picture, SVG or PNG as the path's ending says (in small letters or
/// capitals), and is done when it returns. An older file is replaced in one step; where something
/// fails it stays as it was.
///
///     norma::plot::curves("loss.svg", history, {.names = {"loss/train", "loss/test"}});
///
/// The program gnuplot is started for it (Debian's gnuplot-nox), without a shell. Where it is not
/// found or fails, an Error says so and the picture's numbers are kept in "loss.svg.csv", which a
/// later success leaves there. Texts are shown as they are, whatever signs they have; only
/// controls, which have no picture, are shown as `\n` or `\x1b`, what is no UTF-8 as �, and of a
/// longer text the first 500 characters. Numbers that are not finite leave gaps.
///
/// Every option `title`, `xlabel`, `ylabel` is a text, none for "". `width` and `height` are in
/// pixels, 100 to 10000. Colours are Okabe and Ito's, which the colour-blind tell apart.
namespace norma::plot {

/// A run of a comparison: what the legend calls it, and its numbers.
struct Run {
  std::string label;       ///< in the legend
  const History& history;  ///< the numbers of the run
};

/// How `curves` draws.
struct CurvesOptions {
  std::vector<std::string> names = {};  ///< which values of the history; all, if none is named
  /// "step", "epoch" (a point is the mean of its epoch's values), "row" (1, 2, 3, … of the name);
  /// "": the first of these that every value has.
  std::string x = "";
  std::string xscale = "linear";  ///< or "log", where what is not positive is a gap
  std::string yscale = "linear";  ///< or "log"
  /// From 0, not at all, to below 1. As in TensorBoard, the point after n values x is
  /// s / (1 - smoothing^n) with s = smoothing · s + (1 - smoothing) · x, beginning with 0; the line
  /// that was logged stands pale behind. What is not finite is passed over. Values of validation
  /// beside those of training stay as they are.
  double smoothing = 0;
  std::string title = "", xlabel = "", ylabel = "";  ///< "" for labels: said by what is drawn
  int width = 640, height = 400;                     ///< of the picture, in pixels
};

/// The values of a run along its steps or epochs, or several runs in one picture.
///
/// Two names that differ only in a word for training (train, training) and one for validation (val,
/// valid, validation, test, eval, dev), such as "loss/train" and "loss/test" or "loss" and
/// "val_loss", have the same colour, validation dashed. At most 8 colours. Of a curve with more
/// than four points for a pixel column, the first, last, smallest and largest of each are drawn,
/// which gives the same picture (Jugel et al., "M4", VLDB 2014).
///
/// Errors: no run, two of one label, one with none of the names, no value that can be drawn, values
/// for more than 8 colours, another name, another word for an option, smoothing outside of [0, 1).
void curves(const std::string& path, const History& history, const CurvesOptions& options = {});
void curves(const std::string& path, const std::vector<Run>& runs,
            const CurvesOptions& options = {});

/// A line of a picture, or several runs of the same.
struct Line {
  std::string label;  ///< in the legend; none for ""
  Tensor x;           ///< [P], floats or integers
  Tensor y;           ///< [P], or [runs, P]
};

/// How `lines` draws.
struct LinesOptions {
  std::string xscale = "linear";  ///< or "log", where what is not positive is a gap
  std::string yscale = "linear";  ///< or "log"
  std::string title = "", xlabel = "", ylabel = "";  ///< what stands above it, and along the axes
  int width = 640, height = 400;                     ///< of the picture, in pixels
};

/// Lines over any x, at most 8, told apart by colour, dashes and, of at most 40 points, signs. Of
/// several runs, the mean; around it, pale, from the lowest to the highest finite value. The mean
/// of runs of which one is not finite is a gap.
///
///     norma::plot::lines("rates.svg", {{"with", rates, losses}, {"without", rates, others}},
///                        {.xscale = "log", .xlabel = "learning rate", .ylabel = "loss"});
///
/// Errors: no line or more than 8, one that is no [P] and [P] or [runs, P], another word for a
/// scale, no value that can be drawn.
void lines(const std::string& path, const std::vector<Line>& lines,
           const LinesOptions& options = {});

/// How often class `i` (row) was taken for class `j` (column): [num_classes, num_classes] kInt64,
/// as torchmetrics counts it. `preds` are classes [N], or scores [N, num_classes], whose largest
/// counts; `target` classes [N]; each from 0 to num_classes - 1. Others are refused.
Tensor confusion_matrix(const Tensor& preds, const Tensor& target, int64_t num_classes);

/// How `confusion_matrix` draws.
struct ConfusionMatrixOptions {
  std::vector<std::string> class_names = {};  ///< 0, 1, 2, …, if none are given
  /// "true": shares of each row; "pred": of each column; "all"; "": counts.
  std::string normalize = "";
  /// What stands above it, and along the axes.
  std::string title = "", xlabel = "predicted", ylabel = "true";
  int width = 560, height = 520;  ///< of the picture, in pixels
};

/// A matrix of counts [C, C], integers or floats, of at most 1000 classes; the darker a cell, the
/// larger its share of the row. Numbers stand in the cells where there is room; a name that would
/// take more than about a quarter of the picture (18 letters of the usual one) ends in "…".
/// Errors: another shape, a negative count, another `normalize`, another number of names.
void confusion_matrix(const std::string& path, const Tensor& matrix,
                      const ConfusionMatrixOptions& options = {});

/// How `histogram` draws.
struct HistogramOptions {
  int64_t bins = 50;  ///< of equal width; at most 10000
  /// What lies outside is not counted; from the smallest to the largest value, if not given.
  std::optional<std::pair<double, double>> range = {};
  bool density = false;                              ///< the area of all bars is 1
  bool log = false;                                  ///< counts on a logarithmic axis
  std::string title = "", xlabel = "", ylabel = "";  ///< "" for ylabel: "count" or "density"
  int width = 640, height = 400;                     ///< of the picture, in pixels
};

/// How often which values occur in a tensor of any shape and type. Values that are not finite are
/// left out, and their number is said in the picture. Errors: no finite value, none in the range, a
/// range that is not finite or empty, bins out of bounds.
void histogram(const std::string& path, const Tensor& values, const HistogramOptions& options = {});

/// How `images` draws.
struct ImagesOptions {
  Tensor preds = {};  ///< what the model says, [N] or scores [N, C]: the picture's title
  Tensor target =
      {};  ///< what is right, [N]: titles turn green, or orange with the right class added
  std::vector<std::string> class_names = {};  ///< for titles; numbers, if none are given
  std::vector<std::string> titles = {};       ///< N of one's own, instead
  int64_t nrow = 8;                           ///< how many in a row, as in make_grid
  int64_t padding = 2;                        ///< pixels of an image between two of them
  bool normalize = false;                     ///< the smallest value becomes 0, the largest 1
  std::string title = "";                     ///< what stands above the picture
  int width = 640;                            ///< the height follows
};

/// A grid of images [N, C, H, W] of 1 or 3 channels: floats from 0 to 1, bytes from 0 to 255, or
/// bool; what lies beyond is cut. Other integers with `normalize` only. At most 4 million pixels in
/// all; where they are more than the picture has, each of its own is a mean of theirs. Errors:
/// other shapes and types, more pixels, nrow below 1, padding outside of 0 to 1000, another number
/// of titles, preds or target than images.
void images(const std::string& path, const Tensor& images, const ImagesOptions& options = {});

/// How `filters` draws.
struct FiltersOptions {
  int64_t nrow = 8;        ///< filters in a row; of several input channels, each filter has a row
  int64_t padding = 2;     ///< pixels between the images
  std::string title = "";  ///< what stands above the picture
  int width = 640;         ///< the height follows
};

/// The filters of a convolution's weight [out, in, H, W]. Those of three input channels are colour
/// pictures, each stretched from its smallest to its largest value. Others: blue is positive,
/// orange negative, white 0, one scale for all. Errors: no such weight, and as of `images`.
void filters(const std::string& path, const Tensor& weight, const FiltersOptions& options = {});

/// How `decision_boundary` draws.
struct DecisionBoundaryOptions {
  int64_t grid_resolution = 200;  ///< places along each axis at which the model is asked
  double margins = 0.1;           ///< room around the points, a share of their extent
  std::vector<std::string> class_names = {};         ///< 0, 1, 2, …, if none are given
  std::string title = "", xlabel = "", ylabel = "";  ///< what stands above it, and along the axes
  int width = 560, height = 520;                     ///< of the picture, in pixels
};

/// What a model says at every place of the plane, the paler the less certain, and points [N, 2]
/// with their classes `target` [N] before it: at most 1000 of them, evenly picked. Each axis has a
/// scale of its own, as in scikit-learn. The model maps [n, 2] to scores [n, C] of at most 8
/// classes (softmax), or to [n, 1] or [n] (sigmoid). It is run in eval() without recording, and is
/// left as it was. Errors: other shapes, integers as points or some that are not finite, a
/// grid_resolution outside of 2 to 1000, margins outside of 0 to 100.
void decision_boundary(const std::string& path, nn::Module& model, const Tensor& points,
                       const Tensor& target, const DecisionBoundaryOptions& options = {});

}  // namespace norma::plot
