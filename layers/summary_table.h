// A summary as a value, and its printed form.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "norma/core/shape.h"

namespace norma::nn {

struct SummaryOptions {
  /// Among "input_size", "output_size", "num_params", "params_percent", "buffers", "mult_adds" and
  /// "trainable", in any order. None: input_size, output_size, num_params, mult_adds.
  std::vector<std::string> columns = {};
  int64_t depth = 3;      ///< rows below it are not printed; what stands there counts in the last
  int64_t width = 0;      ///< of a column; 0: as wide as it needs to be
  bool var_names = true;  ///< "Linear (fc)", not "Linear" alone
};

/// A model, row by row, and in all. `std::cout << summary` prints it.
struct Summary {
  /// A call of a module, in the order in which they began, a module that holds those behind it, or
  /// one that never ran. Parameters and buffers are numbers of elements. Each counts once: in the
  /// first module that has it, and in those around that.
  struct Row {
    std::string path;              ///< "features.0"; "" for the model
    std::string type;              ///< the class, without namespaces
    int64_t depth = 0, index = 0;  ///< "2-1": the first of those that stand two levels down
    std::vector<Shape> inputs;     ///< of all tensors among its arguments
    std::vector<Shape> outputs;    ///< of its result, if that is a tensor, or of the first in it
    int64_t params = 0;            ///< of the module and those below it
    int64_t trainable_params = 0;  ///< of these, those that require a gradient
    int64_t buffers = 0;           ///< of the module and those below it
    int64_t own_params = 0;        ///< registered in the module itself
    int64_t own_buffers = 0;       ///< registered in the module itself
    int64_t mult_adds = 0;         ///< of this call, without what modules below it do
    int64_t output_bytes = 0;      ///< memory of the result; 0 for a view
    std::string trainable = "--";  ///< "True", "False", "Partial"; "--" without parameters
    bool is_layer = true;          ///< no module is in it
    bool has_run = false;          ///< else it holds modules that did, or never ran
    bool is_recursive = false;     ///< the module has a row above
    bool is_shared = false;        ///< a layer all of whose parameters count in another one
  };
  std::vector<Row> rows;  ///< of every depth

  /// Sums of the rows.
  int64_t total_params = 0, trainable_params = 0, total_buffers = 0, total_mult_adds = 0;
  int64_t input_bytes = 0;                    ///< of the tensors that the model was called with
  int64_t param_bytes = 0, buffer_bytes = 0;  ///< memory
  int64_t forward_backward_bytes = 0;  ///< twice the results of all layers that have parameters
  int64_t training_step_bytes = 0;     ///< see `summary`
  SummaryOptions options;              ///< of the printed form; may be changed

  /// The table and the totals, without a line break at the end. Errors: as of the options.
  std::string str() const;
};

/// Prints `summary.str()`.
std::ostream& operator<<(std::ostream& out, const Summary& summary);

namespace detail {
/// Throws `[summary] …` for options that cannot be.
void check_options(const SummaryOptions& options);
}  // namespace detail

}  // namespace norma::nn
