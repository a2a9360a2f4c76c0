#include "norma/io/history.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "norma/io/atomic_file.h"
#include "norma/io/history_text.h"
#include "norma/io/input_file.h"

namespace norma {

namespace {

constexpr const char* kOp = "History";

bool is_before(const std::optional<int64_t>& row, const std::optional<int64_t>& position) {
  return row && position && *row < *position;
}

}  // namespace

struct History::State {
  struct Row {
    std::optional<int64_t> epoch, step;
    std::size_t first_cell;
    uint64_t end;  // of its line in the file
  };
  struct Cell {
    std::size_t column;
    double value;
  };
  enum class Format { None, Csv, Json };

  std::string path;
  std::string full_path;  // wherever the process goes meanwhile
  Format format = Format::None;
  platform::File file;
  uint64_t size = 0;  // of the file
  std::vector<std::string> names;
  std::map<std::string, std::size_t> columns;  // by name
  std::vector<Row> rows;
  std::vector<Cell> cells;
  std::optional<int64_t> last_epoch, last_step;

  std::size_t column_of(const std::string& name) {
    const auto [place, is_new] = columns.emplace(name, names.size());
    if (is_new) names.push_back(name);
    return place->second;
  }
  std::size_t end_of_cells(std::size_t row) const {
    return row + 1 < rows.size() ? rows[row + 1].first_cell : cells.size();
  }
  void add(const HistoryRow& row, uint64_t end) {
    rows.push_back({row.epoch, row.step, cells.size(), end});
    for (const auto& [name, value] : row.values) cells.push_back({column_of(name), value});
    if (row.epoch) last_epoch = row.epoch;
    if (row.step) last_step = row.step;
  }
  /// Keeps so many rows and names.
  void cut(std::size_t row_count, std::size_t name_count) {
    if (row_count < rows.size()) cells.resize(rows[row_count].first_cell);
    rows.resize(row_count);
    names.resize(name_count);
    std::erase_if(columns, [&](const auto& column) { return column.second >= name_count; });
    last_epoch = last_step = {};
    for (const Row& row : rows) {
      if (row.epoch) last_epoch = row.epoch;
      if (row.step) last_step = row.step;
    }
  }

  std::string line_of(std::size_t row) const;
  void open();
  void read();
  void append(const char* op, std::size_t known_names);
  void write_anew(const char* op);
  void truncate(const char* op, uint64_t length);
  [[noreturn]] void refuse(const char* op, const auto&... pieces) const {
    fail(op, shown_path(path), ": ", pieces...);
  }
};

std::string History::State::line_of(std::size_t row) const {
  const Row& place = rows[row];
  if (format == Format::Csv) {
    std::vector<std::optional<double>> line(names.size());
    for (std::size_t i = place.first_cell; i < end_of_cells(row); ++i)
      line[cells[i].column] = cells[i].value;
    return csv_line(place.epoch, place.step, line);
  }
  HistoryRow line{place.epoch, place.step};
  for (std::size_t i = place.first_cell; i < end_of_cells(row); ++i)
    line.values.emplace_back(names[cells[i].column], cells[i].value);
  return json_line(line);
}

void History::State::open() {
  check_path(kOp, path);
  format = path.ends_with(".csv")     ? Format::Csv
           : path.ends_with(".jsonl") ? Format::Json
                                      : Format::None;
  if (format == Format::None) refuse(kOp, "expected a name that ends in .csv or .jsonl");
  for (;;) {
    if (const int error = platform::open_to_change(path, file))
      refuse(kOp, "cannot open: ", std::strerror(error),
             error == ENOENT ? "; make its folder first" : "");
    platform::FileInfo open, named;
    if (platform::look_at(file, open) != 0 || open.kind != platform::FileType::Regular)
      refuse(kOp, "expected a regular file or none, got a device, pipe or socket");
    // The mode counts for root, too, who may write nevertheless.
    if (open.read_only)
      refuse(kOp, "cannot write to a file that is read-only; allow it with chmod u+w");
    if (platform::try_lock(file) == platform::Lock::Others)
      refuse(kOp, "another History has this file open, here or in another process");
    // Before the lock, another History may have written it anew.
    if (platform::look_at(path, named) == 0 && open.is_same(named)) break;
  }
  full_path = platform::full_path(path);
}

void History::State::read() {
  const std::string text = [&] {
    const InputFile input(kOp, path);
    return input.head(input.size());
  }();
  std::size_t line_number = 0;
  try {
    while (size < text.size()) {
      ++line_number;
      std::string_view line = std::string_view(text).substr(size);
      const std::size_t length = line.find('\n');
      const bool is_header = format == Format::Csv && line_number == 1;
      if (length == std::string_view::npos) {
        if (line_number == 1 && !(is_header ? begins_csv(line) : begins_json(line)))
          throw NoHistory{"expected a history, got " + in_quotes(line)};
        break;
      }
      line = line.substr(0, length);
      if (line.ends_with('\r')) line.remove_suffix(1);
      size += length + 1;
      if (is_header) {
        for (const std::string& name : read_csv_header(line)) {
          if (columns.contains(name))
            throw NoHistory{"expected every name once, got " + in_quotes(name) + " twice"};
          column_of(name);
        }
      } else {
        add(format == Format::Csv ? read_csv_line(line, names) : read_json_line(line), size);
      }
    }
  } catch (const NoHistory& error) {
    fail(kOp, shown_path(path), ":", line_number, ": ", error.expected);
  }
  if (size < text.size()) truncate(kOp, size);
}

void History::State::truncate(const char* op, uint64_t length) {
  if (const int error = platform::truncate(file, length))
    refuse(op, "cannot shorten: ", std::strerror(error));
  size = length;
}

/// The last row. In a table, the names from `known_names` on are new.
void History::State::append(const char* op, std::size_t known_names) {
  if (format == Format::None) return;
  const bool is_csv = format == Format::Csv;
  platform::FileInfo now;
  const bool is_removed = !file.is_open() || (platform::look_at(file, now) == 0 && now.removed);
  if (is_removed || (is_csv && names.size() > known_names && size > 0)) return write_anew(op);
  const std::string line =
      (is_csv && size == 0 ? csv_header(names) : "") + line_of(rows.size() - 1);
  if (const int error = platform::write_all(file, line.data(), line.size(), size)) {
    platform::truncate(file, size);
    refuse(op, "cannot write: ", std::strerror(error));
  }
  size += line.size();
  rows.back().end = size;
}

void History::State::write_anew(const char* op) {
  AtomicFile fresh(full_path, op);
  std::string text = format == Format::Csv ? csv_header(names) : "";
  std::vector<uint64_t> ends;
  uint64_t written = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += line_of(i);
    ends.push_back(written + text.size());
    if (text.size() < 1 << 16 && i + 1 < rows.size()) continue;
    fresh.write(text.data(), text.size());
    written += text.size();
    text.clear();
  }
  platform::before_replace(file);
  file = fresh.commit();
  size = written;
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].end = ends[i];
}

HistoryNumber::HistoryNumber(const Tensor& tensor) {
  if (tensor.defined() && tensor.numel() != 1)
    fail("HistoryNumber", "expected a number or a tensor of one element, got ", tensor.sizes(),
         "; log its mean() or sum()");
  value_ = tensor.item<double>();
}

History::History() : state_(with_memory(0, [] { return std::make_unique<State>(); })) {}

History::History(const std::string& path) : History() {
  with_memory(0, [&] {
    state_->path = path;
    state_->open();
    state_->read();
  });
}

History::~History() = default;

void History::log(std::initializer_list<NamedNumber> values, const HistoryPosition& position) {
  log(std::span(values.begin(), values.size()), position);
}

void History::log(std::span<const NamedNumber> values, const HistoryPosition& position) {
  const char* const op = "History::log";
  State& state = *state_;
  const std::string where = state.path.empty() ? "" : shown_path(state.path) + ": ";
  if (values.empty()) fail(op, where, "expected at least one value, got none");
  HistoryRow row{position.epoch, position.step};
  for (const auto& [name, number] : values) {
    if (name == "epoch" || name == "step")
      fail(op, where, "expected a name of a value, got ", in_quotes(name), "; log(…, {.", name,
           " = …}) says where a row belongs");
    if (!is_history_name(name))
      fail(op, where, "expected names of text on one line, got ", in_quotes(name));
    row.values.emplace_back(name, number.value());
  }
  std::vector<std::string> names;
  for (const auto& value : row.values) names.push_back(value.first);
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    fail(op, where, "expected every name once, got ", in_quotes(*twice), " twice");
  const auto check = [&](const char* what, const std::optional<int64_t>& at,
                         const std::optional<int64_t>& last) {
    if (at && *at < 0) fail(op, where, "expected ", what, " of at least 0, got ", *at);
    if (at && last && *at < *last)
      fail(op, where, "expected ", what, " of at least ", *last, ", as in a row before, got ", *at,
           "; resume({.", what, " = ", *at, "}) drops the rows from there on");
  };
  check("epoch", row.epoch, state.last_epoch);
  check("step", row.step, state.last_step);

  const std::size_t old_rows = state.rows.size(), old_names = state.names.size();
  try {
    with_memory(0, [&] {
      state.add(row, 0);
      state.append(op, old_names);
    });
  } catch (...) {
    state.cut(old_rows, old_names);
    throw;
  }
}

void History::resume(const HistoryPosition& position) {
  const char* const op = "History::resume";
  if (!position.epoch && !position.step) fail(op, "expected an epoch, a step or both, got neither");
  for (const std::optional<int64_t>& number : {position.epoch, position.step})
    if (number && *number < 0) fail(op, "expected a position of at least 0, got ", *number);
  State& state = *state_;
  // The last row that lies before: those that tell nothing belong to the one behind them.
  std::size_t kept = state.rows.size();
  for (; kept > 0; --kept) {
    const State::Row& row = state.rows[kept - 1];
    const bool by_step = position.step && row.step;
    if (by_step ? is_before(row.step, position.step) : is_before(row.epoch, position.epoch)) break;
  }
  if (kept == state.rows.size()) return;
  if (state.format != State::Format::None)
    state.truncate(op, kept == 0 ? 0 : state.rows[kept - 1].end);
  state.cut(kept, kept == 0 ? 0 : state.names.size());
}

int64_t History::rows() const { return static_cast<int64_t>(state_->rows.size()); }

std::vector<std::string> History::names() const { return state_->names; }

std::vector<double> History::values(const std::string& name) const {
  std::vector<double> values;
  for (const HistoryPoint& point : points(name)) values.push_back(point.value);
  return values;
}

std::vector<HistoryPoint> History::points(const std::string& name) const {
  const State& state = *state_;
  const auto found = state.columns.find(name);
  if (found == state.columns.end())
    fail("History::values", "expected one of the names ",
         state.names.empty() ? "that were logged" : quoted_list(state.names), ", got ",
         in_quotes(name));
  std::vector<HistoryPoint> points;
  for (std::size_t row = 0; row < state.rows.size(); ++row) {
    const State::Row& place = state.rows[row];
    for (std::size_t i = place.first_cell; i < state.end_of_cells(row); ++i)
      if (state.cells[i].column == found->second)
        points.push_back({place.epoch, place.step, state.cells[i].value});
  }
  return points;
}

const std::string& History::path() const { return state_->path; }

}  // namespace norma
