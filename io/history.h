// History: the numbers of a run, kept while it trains.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"

namespace norma {

/// A value of a history: any number, or a tensor of one element (another one throws). Kept as a
/// double.
class HistoryNumber {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> HistoryNumber(T value) : value_(static_cast<double>(value)) {}
  HistoryNumber(const Tensor& tensor);
  double value() const { return value_; }

 private:
  double value_;
};

/// A value of a row.
struct NamedNumber {
  std::string name;      ///< of its column
  HistoryNumber number;  ///< the value
};

/// Where in the run a row belongs: either of the two, both, or none.
struct HistoryPosition {
  std::optional<int64_t> epoch = {}, step = {};  ///< counted by the loop, as it likes
};

/// A value of one name, and where it belongs.
struct HistoryPoint {
  std::optional<int64_t> epoch, step;  ///< those of the row
  double value;                        ///< NaN and infinities, too
};

/// The numbers of a run, logged by its own loop, for curves and for reading back:
/// ```cpp
/// norma::History history("run.csv");
/// for (int64_t epoch = 0; epoch < epochs; ++epoch) {
///   // …
///   history.log({{"loss", loss}, {"accuracy", right / total}}, {.epoch = epoch});
/// }
/// std::vector<double> losses = history.values("loss");
/// ```
/// A row is in the file when `log` returns, so that others can read it while the program runs, and
/// nothing is lost when it is killed. Rows may have different names.
///
/// - "….csv": a table with columns `epoch`, `step` and one for each name, in the order in which
///   they first came; empty where a row has no such value. For a name that is new, the table is
///   written anew, with one column more, and takes the file's place in one step.
/// - "….jsonl": JSON Lines, an object for each row, with what it has. Numbers that JSON does not
///   have are "NaN", "Infinity" and "-Infinity".
///
/// Numbers are written so that they read back the same, whatever the locale. A file that is there
/// is gone on with: its rows are read, and a last line that a killed program left without its end
/// is dropped. One that was removed meanwhile is written anew. One History at a time has a file; it
/// is used by one thread at a time.
///
/// Errors name the path and the system's reason; what failed is then neither in the file nor in the
/// history.
class [[gnu::visibility("default")]] History {
 public:
  /// In memory alone.
  History();
  /// Also throws for files that are no history, or that another History has open.
  explicit History(const std::string& path);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  /// Appends a row. Names are any text on one line but "epoch" and "step". Errors: no value,
  /// another name or one twice, an epoch or step that is negative or smaller than one before.
  void log(std::initializer_list<NamedNumber> values, const HistoryPosition& position = {});
  void log(std::span<const NamedNumber> values, const HistoryPosition& position = {});
  /// The run goes on with the row at `position`, which a checkpoint may have taken back: rows from
  /// there on are dropped. Say what the rows say: those before are told by their step, or by their
  /// epoch where they have no step or `position` has none. Of a run that begins anew, all go:
  /// ```cpp
  /// history.resume({.epoch = info.epoch});  // of load_checkpoint; 0 where there was none
  /// ```
  /// Errors: neither of the two, or a negative one.
  void resume(const HistoryPosition& position);

  int64_t rows() const;  ///< how many there are
  /// In the order in which they first came.
  std::vector<std::string> names() const;
  /// All values of one name, oldest first. Throws where no row has it.
  std::vector<double> values(const std::string& name) const;
  /// The same with epochs and steps, and throws likewise.
  std::vector<HistoryPoint> points(const std::string& name) const;
  /// "" in memory.
  const std::string& path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace norma
