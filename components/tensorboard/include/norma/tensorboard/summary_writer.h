// SummaryWriter: event files for TensorBoard. Component norma::tensorboard.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include "norma/norma.h"

namespace norma::tensorboard {

/// Writes numbers, histograms and pictures of a run to an event file, which `tensorboard --logdir
/// FOLDER` shows while it grows. Names, defaults and contents are those of
/// torch.utils.tensorboard.SummaryWriter:
/// ```cpp
/// norma::tensorboard::SummaryWriter writer("runs/digits");
/// writer.add_scalar("loss/train", loss, step);
/// writer.add_histogram("weights/fc", net.at<nn::Linear>(0).weight, step);
/// writer.add_images("digits", images, step);
/// ```
/// An event is in the file when the call returns. `walltime` is in seconds since 1970, now where it
/// is not given. Errors name the path and the system's reason; the file then ends with the event
/// before. Tags and texts are UTF-8. A writer is used by one thread at a time. Errors of all that
/// add: a closed writer, an empty tag, other text than UTF-8.
class SummaryWriter {
 public:
  /// Makes the folder, with those above it, and a new event file in it. "": runs/, the date, the
  /// time and the machine's name, below the current folder.
  explicit SummaryWriter(const std::string& log_dir = "", const std::string& filename_suffix = "");
  ~SummaryWriter();
  SummaryWriter(const SummaryWriter&) = delete;
  SummaryWriter& operator=(const SummaryWriter&) = delete;

  /// A number, or a tensor of one element (another one throws); kept as float32.
  void add_scalar(const std::string& tag, const HistoryNumber& value,
                  std::optional<int64_t> global_step = {}, std::optional<double> walltime = {});
  /// Several curves in one picture. Each has an event file in a folder of its own below `log_dir`,
  /// "MAIN_TAG_NAME":
  /// ```cpp
  /// norma::tensorboard::SummaryWriter writer("runs/digits");
  /// writer.add_scalars("loss", {{"train", train_loss}, {"test", test_loss}}, step);
  /// ```
  void add_scalars(const std::string& main_tag, std::initializer_list<NamedNumber> values,
                   std::optional<int64_t> global_step = {}, std::optional<double> walltime = {});
  /// How often which values occur: in bins whose limits grow by a tenth, from 1e-12 to 1e20 on both
  /// sides of 0; the outermost take what lies beyond. Errors: no value, one that is not
  /// finite.
  void add_histogram(const std::string& tag, const Tensor& values,
                     std::optional<int64_t> global_step = {}, std::optional<double> walltime = {});
  /// A picture of 1, 3 or 4 channels (grey, RGB, RGBA): floats from 0 to 1, or bytes from 0 to 255;
  /// what lies beyond is cut. `dataformats` says what the dimensions are: "CHW", "HWC", "HW", ….
  /// Errors: another format, another shape, more than 65500 rows or columns.
  void add_image(const std::string& tag, const Tensor& image,
                 std::optional<int64_t> global_step = {}, std::optional<double> walltime = {},
                 const std::string& dataformats = "CHW");
  /// Pictures of 1 or 3 channels in a grid, eight in a row. Errors likewise, and no picture.
  void add_images(const std::string& tag, const Tensor& images,
                  std::optional<int64_t> global_step = {}, std::optional<double> walltime = {},
                  const std::string& dataformats = "NCHW");
  /// Text, which TensorBoard reads as Markdown.
  void add_text(const std::string& tag, const std::string& text,
                std::optional<int64_t> global_step = {}, std::optional<double> walltime = {});

  /// Asks the system to bring what was written to the disk: for a power cut, not for readers.
  void flush();
  /// Closes the files; nothing can be added any more. The destructor does the same.
  void close();
  /// What the constructor was given.
  const std::string& log_dir() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace norma::tensorboard
