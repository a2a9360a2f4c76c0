#include "norma/data/csv.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string_view>

#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/data/csv_header.h"
#include "norma/data/csv_text.h"
#include "norma/data/file_reader.h"

namespace norma::data {

namespace {

using detail::CellKind;
using detail::CellRules;
using detail::CsvText;
using detail::FileReader;
using detail::NumberStatus;
using Names = std::vector<std::string>;
using Row = CsvText::Row;

constexpr uint64_t kMaxBytes = uint64_t{4} << 30;
// Of what a compressed file may hold: times its size, and what is always allowed.
constexpr uint64_t kMostUnfolded = 256, kAlwaysUnfolded = uint64_t{16} << 20;

void check_options(const CsvOptions& options) {
  const char* op = "read_csv";
  const auto in_numbers = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+';
  };
  const auto breaks = [](char c) { return c == '"' || c == '\n' || c == '\r'; };
  const char d = options.delimiter;
  if (breaks(d) || in_numbers(d) || d == '.' || d == '\0') {
    fail(op, "expected a delimiter that no number contains, such as ',', ';' or '\\t', ",
         "got character ", static_cast<unsigned char>(d));
  }
  if (d == options.comment || options.decimal == options.thousands) {
    fail(op, "expected comment to differ from delimiter, and decimal from thousands, got ",
         detail::written(options.comment), " and ", detail::written(d), ", ",
         detail::written(options.decimal), " and ", detail::written(options.thousands));
  }
  for (const char c : {options.decimal, options.thousands}) {
    if (breaks(c) || in_numbers(c)) {
      fail(op, "expected decimal and thousands to be marks such as '.' and ',', got character ",
           static_cast<unsigned char>(c));
    }
  }
  if (!is_floating(options.dtype)) {
    fail(op, "expected the dtype kFloat32 or kFloat64, got ", options.dtype,
         "; convert columns afterwards with to()");
  }
  if (options.skip_rows < 0) fail(op, "expected skip_rows from 0, got ", options.skip_rows);
}

// The number of the column among `width`, which may have names.
int64_t find_column(const CsvColumn& column, const Names& names, int64_t width) {
  const char* op = "read_csv";
  if (!column.named) {
    const int64_t at = column.number + (column.number < 0 ? width : 0);
    if (at < 0 || at >= width) {
      fail(op, "expected a column from 0 to ", width - 1, ", got ", column.number);
    }
    return at;
  }
  const auto found = std::find(names.begin(), names.end(), column.name);
  if (found == names.end()) {
    std::string known;
    for (std::size_t i = 0; i < names.size() && i < 10; ++i)
      known += text(i ? ", " : "", in_quotes(names[i]));
    fail(
        op, "expected the name of a column", text(names.empty() ? "" : ": ", known),
        names.size() > 10 ? ", …" : "", "; got ", in_quotes(column.name),
        names.empty() ? "; the table has no names: give numbers, or .header = CsvHeader::Yes" : "");
  }
  if (std::find(found + 1, names.end(), column.name) != names.end()) {
    fail(op, "expected a name that one column has, got ", in_quotes(column.name),
         ", which several have; give its number");
  }
  return found - names.begin();
}

// The different cells of a column of text, numbered as they come.
struct Classes {
  std::map<std::string, int64_t, std::less<>> numbers;
  bool given = false;

  // -1 for one that is not there and may not be added.
  int64_t number(std::string_view cell) {
    const auto found = numbers.find(cell);
    if (found != numbers.end()) return found->second;
    if (given) return -1;
    const auto next = static_cast<int64_t>(numbers.size());
    numbers.emplace(cell, next);
    return next;
  }
};

struct Column {
  int64_t from = 0;   // its number in the file
  bool text = false;  // whatever it holds
  bool numbers = false;
  bool missing = false;
  bool rounded = false;
  bool odd = true;                 // its words are all numbers in another notation
  const Row* first_row = nullptr;  // where the first word stands
  std::string first_word;
  std::unique_ptr<Classes> classes;

  bool is_given() const { return classes && classes->given; }
};

class TableReader {
 public:
  TableReader(const CsvText& csv, const CellRules& rules, const CsvOptions& options,
              const std::string& path)
      : csv_(csv),
        path_(in_quotes(path)),
        rules_(rules),
        options_(options),
        header_(detail::find_header(csv, rules, options.header)) {
    choose_columns();
  }

  std::size_t rows() const { return csv_.rows().size() - header_.rows; }

  CsvTable read() {
    CsvTable table;
    const auto rows = static_cast<int64_t>(this->rows());
    table.values = new_tensor({rows, static_cast<int64_t>(columns_.size())}, options_.dtype);
    dispatch_floating(options_.dtype, [&]<class T>() {
      T* row = table.values.data_ptr<T>();
      for (std::size_t r = header_.rows; r < csv_.rows().size(); ++r, row += columns_.size()) {
        csv_.for_cells(csv_.rows()[r], [&](int64_t c, std::string_view cell) {
          const int64_t slot = slots_[static_cast<std::size_t>(c)];
          if (slot < 0) return;
          row[slot] = read_cell<T>(columns_[static_cast<std::size_t>(slot)], csv_.rows()[r], cell);
        });
      }
      for (std::size_t s = 0; s < columns_.size(); ++s) {
        table.classes.push_back(finish(columns_[s], table.values.data_ptr<T>() + s, rows));
      }
    });
    for (const Column& column : columns_) {
      const auto c = static_cast<std::size_t>(column.from);
      if (!header_.names.empty()) table.columns.push_back(header_.names[c]);
      if (!header_.units.empty()) table.units.push_back(header_.units[c]);
    }
    table.missing = missing_;
    return table;
  }

 private:
  void choose_columns() {
    const int64_t width = csv_.width();
    const auto find = [&](const CsvColumn& c) { return find_column(c, header_.names, width); };
    std::vector<int64_t> chosen;
    for (const CsvColumn& column : options_.columns) {
      chosen.push_back(find(column));
      if (std::count(chosen.begin(), chosen.end(), chosen.back()) > 1) {
        fail("read_csv", "expected every column once in .columns, got column ", chosen.back(),
             " twice");
      }
    }
    if (options_.columns.empty()) {
      for (int64_t c = 0; c < width; ++c) chosen.push_back(c);
    }
    for (const CsvColumn& column : options_.skip_columns) std::erase(chosen, find(column));
    if (chosen.empty()) fail("read_csv", "expected a column to read, got all of them skipped");

    slots_.assign(static_cast<std::size_t>(width), -1);
    columns_.resize(chosen.size());
    for (std::size_t s = 0; s < chosen.size(); ++s) {
      columns_[s].from = chosen[s];
      slots_[static_cast<std::size_t>(chosen[s])] = static_cast<int64_t>(s);
    }
    for (const CsvColumn& column : options_.text_columns) {
      const int64_t slot = slots_[static_cast<std::size_t>(find(column))];
      if (slot >= 0) columns_[static_cast<std::size_t>(slot)].text = true;
    }
    if (options_.classes.empty()) return;
    if (options_.classes.size() != columns_.size()) {
      fail("read_csv", "expected in .classes a list for each of the ", columns_.size(),
           " columns read, got ", options_.classes.size());
    }
    for (std::size_t s = 0; s < columns_.size(); ++s) {
      if (options_.classes[s].empty()) continue;
      columns_[s].text = true;
      columns_[s].classes = std::make_unique<Classes>();
      auto& numbers = columns_[s].classes->numbers;
      for (const std::string& name : options_.classes[s]) {
        if (!numbers.emplace(name, static_cast<int64_t>(numbers.size())).second) {
          fail("read_csv", "expected different classes in .classes, got ", in_quotes(name),
               " twice in the list of column ", s);
        }
      }
      columns_[s].classes->given = true;
    }
  }

  std::string name_of(const Column& column) const {
    return header_.names.empty() ? "" : header_.names[static_cast<std::size_t>(column.from)];
  }

  [[noreturn]] void refuse(const Column& column, const Row& row, const std::string& expected,
                           std::string_view cell, const std::string& hint) const {
    csv_.refuse(
        text("expected ", expected, ", got ", cell.empty() ? "an empty cell" : in_quotes(cell)),
        row.line, column.from, name_of(column), hint);
  }

  [[noreturn]] void refuse_word(const Column& column, const Row& row, std::string_view cell) const {
    std::string hint = rules_.other_notation(cell);
    if (hint.empty()) {
      const std::string name = name_of(column);
      hint = text("if it marks a missing value: .na_values = {", in_quotes(cell),
                  "}; if the column is text: .text_columns = {",
                  name.empty() ? std::to_string(column.from) : in_quotes(name), "}");
      if (&row == &csv_.rows().front()) {
        hint = "if the line names the columns: .header = CsvHeader::Yes; " + hint;
      }
    }
    refuse(column, row, "a number", cell, hint);
  }

  // Two numbers of orders, or two times in seconds, may have become one.
  void warn_rounded(Column& column, const Row& row, std::string_view cell) const {
    column.rounded = true;
    const std::string name = name_of(column);
    const std::string shown = name.empty() ? std::to_string(column.from) : in_quotes(name);
    warn("read_csv", "expected integers that ", options_.dtype, " has a place for, got ",
         in_quotes(cell), CsvText::place(row.line, column.from, name), " in ", path_,
         ", and rounded it; ",
         options_.dtype == kFloat32 ? "{.dtype = kFloat64} reaches to 2^53, " : "",
         ".skip_columns = {", shown, "} leaves the column out, .text_columns = {", shown,
         "} tells its texts apart");
  }

  // The number, or that of the class as yet; NaN where the value is missing.
  template <class T>
  T read_cell(Column& column, const Row& row, std::string_view cell) {
    if (column.text) {
      if (const std::string both = csv_.with_comment(cell); !both.empty()) {
        csv_.refuse(text("expected a cell of text without a comment behind it, got ", both),
                    row.line, column.from, name_of(column), "if it is text: .comment = '\\0'");
      }
    }
    // A class that is given may be spelled as missing values are.
    if (rules_.missing(cell) && !(column.is_given() && column.classes->number(cell) >= 0)) {
      if (!options_.missing) {
        refuse(column, row, "a value", cell, "{.missing = NAN} lets values be missing");
      }
      ++missing_;
      column.missing = true;
      return std::numeric_limits<T>::quiet_NaN();
    }
    if (!column.text) {
      T value{};
      const NumberStatus status = rules_.number(cell, value);
      if (status == NumberStatus::OutOfRange) {
        refuse(column, row, text("a number in the range of ", options_.dtype), cell,
               options_.dtype == kFloat32 ? "{.dtype = kFloat64} reaches further" : "");
      }
      if (status == NumberStatus::Good) {
        if (column.classes) refuse_word(column, *column.first_row, column.first_word);
        column.numbers = true;
        if (!column.rounded && rules_.rounds(cell, value)) warn_rounded(column, row, cell);
        return value;
      }
      if (column.numbers) refuse_word(column, row, cell);
      column.odd = column.odd && !rules_.other_notation(cell).empty();
    }
    if (!column.classes) {
      column.classes = std::make_unique<Classes>();
      column.first_row = &row;
      column.first_word = cell;
    }
    const int64_t number = column.classes->number(cell);
    if (number < 0) {
      refuse(column, row, text("one of the ", column.classes->numbers.size(), " classes given"),
             cell, "");
    }
    if (number >= kMostClasses) {
      refuse(column, row, text("at most ", kMostClasses, " different texts"), cell,
             ".skip_columns leaves the column out");
    }
    return static_cast<T>(number);
  }

  // What can be said only when the whole column, at `values`, is there. Returns its classes.
  template <class T>
  Names finish(Column& column, T* values, int64_t rows) const {
    const auto stride = static_cast<int64_t>(columns_.size());
    if (!column.classes) {
      if (column.text || !column.missing || std::isnan(*options_.missing)) return {};
      for (int64_t r = 0; r < rows; ++r) {
        if (std::isnan(values[r * stride])) values[r * stride] = static_cast<T>(*options_.missing);
      }
      return {};
    }
    if (!column.text && column.odd) refuse_word(column, *column.first_row, column.first_word);
    if (column.is_given()) return options_.classes[static_cast<std::size_t>(slot_of(column))];
    Names names;
    std::vector<T> sorted(column.classes->numbers.size());
    for (const auto& [name, number] : column.classes->numbers) {
      sorted[static_cast<std::size_t>(number)] = static_cast<T>(names.size());
      names.push_back(name);
    }
    for (int64_t r = 0; r < rows; ++r) {
      T& value = values[r * stride];
      if (!std::isnan(value)) value = sorted[static_cast<std::size_t>(value)];
    }
    return names;
  }

  int64_t slot_of(const Column& column) const { return &column - columns_.data(); }

  static constexpr int64_t kMostClasses = int64_t{1} << 24;  // which a float still tells apart

  const CsvText& csv_;
  const std::string path_;
  const CellRules& rules_;
  const CsvOptions& options_;
  const detail::CsvHeaderRows header_;
  std::vector<Column> columns_;  // those that are read
  std::vector<int64_t> slots_;   // of each column of the file: its number among them, or -1
  int64_t missing_ = 0;
};

CsvTable read_table(const FileReader& file, std::string contents, const CsvOptions& options,
                    const std::string& path) {
  const CsvText csv(file, std::move(contents), options);
  if (csv.rows().empty()) file.refuse("expected at least one row of numbers, got none");
  const CellRules rules(options);
  TableReader reader(csv, rules, options, path);
  if (reader.rows() == 0) {
    const Row& first = csv.rows().front();
    csv.refuse(text("expected at least one row under the names of the columns, ",
                    csv.shown_line(first.at), ", got none"),
               first.line, 0, "", "if they are a row: .header = CsvHeader::No");
  }
  return reader.read();
}

}  // namespace

CsvTable read_csv(const std::string& path, const CsvOptions& options) {
  return with_memory(0, [&] {
    check_options(options);
    FileReader file("read_csv", path);
    file.refuse_foreign("a table in a text file");
    try {
      const uint64_t unfolded = std::max(kAlwaysUnfolded, kMostUnfolded * file.disk_bytes());
      const bool bound = file.compressed() && unfolded < kMaxBytes;
      return read_table(
          file,
          file.read_rest(
              bound ? unfolded : kMaxBytes,
              bound ? "it unfolds to more than 256 times its size; unpack it beforehand" : ""),
          options, path);
    } catch (const std::bad_alloc&) {
      file.refuse(text("expected memory for a table of ", file.disk_bytes(), " bytes, got none"));
    }
  });
}

int64_t CsvTable::index_of(const CsvColumn& column) const {
  return with_memory(0, [&] { return find_column(column, columns, values.size(1)); });
}

Tensor CsvTable::column(const CsvColumn& column) const {
  return values.select(1, index_of(column));
}

std::vector<std::string> CsvTable::strings(const CsvColumn& which) const {
  return with_memory(0, [&] {
    const char* op = "CsvTable::strings";
    const int64_t at = index_of(which);
    const auto column = static_cast<std::size_t>(at);
    const Tensor numbers = values.select(1, at).to(kFloat64).contiguous();
    const auto* first = numbers.data_ptr<double>();
    std::vector<std::string> cells(static_cast<std::size_t>(numbers.numel()));
    for (std::size_t r = 0; r < cells.size(); ++r) {
      if (std::isnan(first[r])) continue;  // a column of text may have nothing else
      if (column >= classes.size() || classes[column].empty()) {
        fail(op, "expected a column of text, got one of numbers, column ", at,
             "; read it with .text_columns = {", at, "}");
      }
      const Names& names = classes[column];
      if (!(first[r] >= 0 && first[r] < static_cast<double>(names.size()))) {
        fail(op, "expected the numbers of classes, from 0 to ", names.size() - 1, ", got ",
             first[r], " in row ", r, " of column ", at);
      }
      cells[r] = names[static_cast<std::size_t>(first[r])];
    }
    return cells;
  });
}

}  // namespace norma::data
