// How tensors print.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace norma {

/// How tensors print, by PyTorch's names. What is not set stays as it is, but for `sci_mode`.
struct PrintOptions {
  /// Digits behind the point, from 0 to 1000. To begin with 4.
  std::optional<int64_t> precision = {};
  /// Tensors of more elements are summarised; INFINITY: none is. To begin with 1000.
  std::optional<double> threshold = {};
  /// How many elements a summary shows at the beginning and at the end of each dimension; where it
  /// is 0, the shape is printed besides. To begin with 3.
  std::optional<int64_t> edgeitems = {};
  /// Characters in a line, after which rows are broken. To begin with 80.
  std::optional<int64_t> linewidth = {};
  /// "default": all of these as they are to begin with. "short": precision 2, edgeitems 2. "full":
  /// no summaries. What is set besides goes on top of it.
  std::string profile = {};
  /// 1.0000e+03 always or never. Not set: wherever the numbers need it.
  std::optional<bool> sci_mode = {};
};

/// Tensors print like this from now on, as after torch.set_printoptions: in every thread of the
/// process, each text by the options of one moment.
/// ```cpp
/// norma::set_print_options({.precision = 2, .linewidth = 120});
/// norma::set_print_options({.profile = "default"});  // as they were to begin with
/// ```
/// Errors: numbers outside of their limits, and a profile of another name; nothing is changed then.
void set_print_options(const PrintOptions& options);
/// All of them, without a profile: `set_print_options` of these brings them back.
PrintOptions print_options();

/// While it lives, tensors print like this. Then they print as before it was made. Errors: as
/// above.
/// ```cpp
/// const norma::PrintOptionsGuard digits({.precision = 8});
/// std::cout << weights;
/// ```
class PrintOptionsGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] explicit PrintOptionsGuard(
      const PrintOptions& options)
      : before_(print_options()) {
    set_print_options(options);
  }
  ~PrintOptionsGuard() { set_print_options(before_); }
  PrintOptionsGuard(const PrintOptionsGuard&) = delete;
  PrintOptionsGuard& operator=(const PrintOptionsGuard&) = delete;

 private:
  PrintOptions before_;
};

}  // namespace norma
