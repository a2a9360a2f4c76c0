// The printed form of a summary: torchinfo's.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "norma/core/error.h"
#include "norma/core/text.h"
#include "norma/core/utf8.h"
#include "norma/layers/summary_table.h"

namespace norma::nn {

namespace {

constexpr int64_t kMostWidth = 1000;

struct Column {
  const char* name;
  const char* title;
};
constexpr std::array<Column, 7> kColumns = {{{"input_size", "Input Shape"},
                                             {"output_size", "Output Shape"},
                                             {"num_params", "Param #"},
                                             {"params_percent", "Param %"},
                                             {"buffers", "Buffer #"},
                                             {"mult_adds", "Mult-Adds"},
                                             {"trainable", "Trainable"}}};

/// Its place in kColumns, or their number.
std::size_t column_of(const std::string& name) {
  std::size_t i = 0;
  while (i < kColumns.size() && name != kColumns[i].name) ++i;
  return i;
}

std::string printed(const char* format, double value) {
  std::array<char, 400> out{};
  const int size = std::snprintf(out.data(), out.size(), format, value);
  return {out.data(), static_cast<std::size_t>(size)};
}

/// "1,234,567.89"
std::string with_commas(std::string number) {
  const std::size_t point = std::min(number.find('.'), number.size());
  for (std::size_t at = point; at > 3 && number[at - 4] != '-';) number.insert(at -= 3, 1, ',');
  return number;
}
std::string with_commas(int64_t number) { return with_commas(std::to_string(number)); }

std::string megabytes(int64_t bytes) { return printed("%.2f", static_cast<double>(bytes) / 1e6); }

/// " (M): 1.23"
std::string scaled(int64_t count) {
  const double number = static_cast<double>(count);
  const bool tera = number >= 1e12, giga = number >= 1e9;
  const double value = number / (tera ? 1e12 : giga ? 1e9 : 1e6);
  const bool is_whole = value == static_cast<double>(static_cast<int64_t>(value));
  return text(" (",
              tera   ? 'T'
              : giga ? 'G'
                     : 'M',
              "): ", with_commas(printed(is_whole ? "%.0f" : "%.2f", value)));
}

/// How many characters of UTF-8.
int64_t width_of(const std::string& line) { return static_cast<int64_t>(utf8_length(line)); }

/// The cell and a blank behind it.
std::string padded(const std::string& cell, int64_t width) {
  const int64_t missing = std::max<int64_t>(width - width_of(cell), 0);
  return cell + std::string(static_cast<std::size_t>(missing) + 1, ' ');
}

std::string shapes(const std::vector<Shape>& list) {
  std::string out;
  for (const Shape& shape : list) out += text(out.empty() ? "" : ", ", shape);
  return out.empty() ? "--" : out;
}

std::string title(const Summary::Row& row, bool with_name) {
  std::string out = row.type;
  const std::string name = row.path.substr(row.path.rfind('.') + 1);
  if (with_name && !name.empty()) out += text(" (", name, ")");
  if (row.depth > 0) out += text(": ", row.depth, "-", row.index);
  return out;
}

std::string start(int64_t depth) {
  if (depth == 0) return "";
  std::string out;
  for (int64_t level = 1; level < depth; ++level) out += "│    ";
  return out + (depth == 1 ? "├─" : "└─");
}

class Table {
 public:
  explicit Table(const Summary& summary) : all_(summary) {
    detail::check_options(summary.options);
    for (const std::string& name : options().columns) columns_.push_back(column_of(name));
    if (columns_.empty()) {
      for (const char* name : {"input_size", "output_size", "num_params", "mult_adds"})
        columns_.push_back(column_of(name));
    }
    for (std::size_t i = 0; i < all_.rows.size(); ++i) {
      if (all_.rows[i].depth <= options().depth) shown_.push_back(i);
    }
  }

  std::string str() const {
    std::vector<std::vector<std::string>> lines = {header()};
    for (const std::size_t i : shown_) lines.push_back(cells(i));
    std::vector<int64_t> widths = {name_width()};
    int64_t total = widths[0];
    for (std::size_t c = 1; c <= columns_.size(); ++c) {
      int64_t& width = widths.emplace_back(options().width);
      for (const auto& line : lines) {
        if (options().width == 0) width = std::max(width, width_of(line[c]) + 1);
      }
      total += width;
    }
    const std::string rule(static_cast<std::size_t>(total), '=');
    std::string out = rule + "\n";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string line;
      for (std::size_t c = 0; c < widths.size(); ++c) line += padded(lines[i][c], widths[c]);
      out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
      if (i == 0) out += rule + "\n";
    }
    return out + rule + "\n" + totals(rule) + rule;
  }

 private:
  const SummaryOptions& options() const { return all_.options; }

  std::vector<std::string> header() const {
    std::vector<std::string> line = {
        text("Layer (type", options().var_names ? " (var_name)" : "", ":depth-idx)")};
    for (const std::size_t column : columns_) line.emplace_back(kColumns[column].title);
    return line;
  }

  /// 40, or what the longest name needs, in steps of 5.
  int64_t name_width() const {
    int64_t longest = 0;
    for (const std::size_t i : shown_) {
      const Summary::Row& row = all_.rows[i];
      longest = std::max(longest, width_of(title(row, options().var_names)) + 5 * row.depth + 1);
    }
    return longest < 40 ? 40 : (longest + 4) / 5 * 5;
  }

  std::vector<std::string> cells(std::size_t i) const {
    const Summary::Row& row = all_.rows[i];
    std::vector<std::string> line = {start(row.depth) + title(row, options().var_names)};
    for (const std::size_t column : columns_) line.push_back(cell(i, kColumns[column].name));
    return line;
  }

  std::string cell(std::size_t i, std::string_view column) const {
    const Summary::Row& row = all_.rows[i];
    // What stands below the last rows counts in them.
    const bool holds_all = row.is_layer || row.depth == options().depth;
    const int64_t params = holds_all ? row.params : row.own_params;
    if (column == "input_size") return shapes(row.inputs);
    if (column == "output_size") return shapes(row.outputs);
    if (column == "trainable") return row.trainable;
    if (column == "mult_adds") {
      const int64_t sum = holds_all ? mult_adds_in(i) : row.mult_adds;
      return sum > 0 ? with_commas(sum) : "--";
    }
    if (column == "buffers") {
      const int64_t buffers = holds_all ? row.buffers : row.own_buffers;
      if (buffers == 0) return "--";
      return row.is_recursive ? "(recursive)" : with_commas(buffers);
    }
    if (row.is_shared) return "(shared)";
    if (column == "params_percent") {
      if (all_.total_params > 0 && row.is_recursive) return "(recursive)";
      if (params == 0) return "     --";
      const double share = static_cast<double>(params) / static_cast<double>(all_.total_params);
      return printed("%6.2f%%", 100 * share);
    }
    if (row.params == 0 || (params == 0 && !row.is_recursive)) return "--";
    if (row.is_recursive) return "(recursive)";
    const std::string count = with_commas(params);
    return holds_all && row.trainable_params == 0 ? "(" + count + ")" : count;
  }

  int64_t mult_adds_in(std::size_t i) const {
    const int64_t depth = all_.rows[i].depth;
    int64_t sum = all_.rows[i].mult_adds;
    for (++i; i < all_.rows.size() && all_.rows[i].depth > depth; ++i) {
      if (__builtin_add_overflow(sum, all_.rows[i].mult_adds, &sum)) return all_.total_mult_adds;
    }
    return sum;
  }

  std::string totals(const std::string& rule) const {
    const Summary& s = all_;
    return text("Total params: ", with_commas(s.total_params),
                "\nTrainable params: ", with_commas(s.trainable_params),
                "\nNon-trainable params: ", with_commas(s.total_params - s.trainable_params),
                "\nBuffers: ", with_commas(s.total_buffers), "\nTotal mult-adds",
                scaled(s.total_mult_adds), "\n", rule,
                "\nInput size (MB): ", megabytes(s.input_bytes),
                "\nForward/backward pass size (MB): ", megabytes(s.forward_backward_bytes),
                "\nParams size (MB): ", megabytes(s.param_bytes), "\nEstimated Total Size (MB): ",
                megabytes(s.input_bytes + s.forward_backward_bytes + s.param_bytes),
                "\nTraining step (MB): ", megabytes(s.training_step_bytes), "\n");
  }

  const Summary& all_;
  std::vector<std::size_t> columns_, shown_;
};

}  // namespace

void detail::check_options(const SummaryOptions& options) {
  for (const std::string& name : options.columns) {
    if (column_of(name) < kColumns.size()) continue;
    std::string known;
    for (const Column& column : kColumns) known += text(known.empty() ? "" : ", ", column.name);
    fail("summary", "expected columns among ", known, ", got ", in_quotes(name));
  }
  if (options.depth < 0) fail("summary", "expected a depth of 0 or more, got ", options.depth);
  if (options.width < 0 || options.width > kMostWidth) {
    fail("summary", "expected a width of 1 to ", kMostWidth, ", or 0 for as wide as needed, got ",
         options.width);
  }
}

std::string Summary::str() const {
  return with_memory(0, [&] { return Table(*this).str(); });
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) { return out << summary.str(); }

}  // namespace norma::nn
