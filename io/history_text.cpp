#include "norma/io/history_text.h"

#include <algorithm>
#include <cmath>

#include "norma/core/read_number.h"
#include "norma/core/text.h"
#include "norma/core/utf8.h"

namespace norma {

namespace {

constexpr std::string_view kCsvStart = "epoch,step";

std::string csv_name(const std::string& name) {
  const bool plain =
      name.find_first_of(",\"") == std::string::npos && name.front() != ' ' && name.back() != ' ';
  if (plain) return name;
  std::string quoted = "\"";
  for (char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string json_number(double value) {
  if (std::isnan(value)) return "\"NaN\"";
  if (std::isinf(value)) return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  return shortest(value);
}

template <class T>
T number(std::string_view text, const char* what) {
  T value{};
  const auto [end, error] = read_number(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw NoHistory{norma::text(what, ", got ", in_quotes(text))};
  return value;
}

int64_t whole(std::string_view text) { return number<int64_t>(text, "expected a whole number"); }
std::string checked_name(std::string name) {
  if (!is_history_name(name))
    throw NoHistory{"expected names of values, text on one line, got " + in_quotes(name)};
  return name;
}
double real(std::string_view text) { return number<double>(text, "expected a number"); }

/// Reads what json_line writes, with blanks between.
class JsonReader {
 public:
  explicit JsonReader(std::string_view line) : rest_(line) {}

  /// Whether the next character is this one, which is then behind.
  bool take(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(char c, const char* what) {
    if (!take(c)) refuse(what);
  }
  std::string string(const char* what) {
    need('"', what);
    std::string text;
    for (; !rest_.empty() && rest_.front() != '"'; rest_.remove_prefix(1)) {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\\')) refuse(what);
      }
      text += rest_.front();
    }
    need('"', what);
    return text;
  }
  std::string_view bare() {
    skip_blanks();
    const std::string_view word = rest_.substr(0, rest_.find_first_of(",} \t"));
    rest_.remove_prefix(word.size());
    return word;
  }
  double value() {
    skip_blanks();
    if (rest_.empty() || rest_.front() != '"') return real(bare());
    const std::string word = string("expected a number");
    if (word == "NaN") return NAN;
    if (word == "Infinity") return INFINITY;
    if (word == "-Infinity") return -INFINITY;
    throw NoHistory{"expected a number, got " + in_quotes(word)};
  }
  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  [[noreturn]] void refuse(const char* what) const {
    throw NoHistory{norma::text(what, ", got ", in_quotes(rest_))};
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }
  std::string_view rest_;
};

}  // namespace

bool is_history_name(std::string_view name) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  return !name.empty() && name != "epoch" && name != "step" && is_utf8(name) &&
         std::none_of(name.begin(), name.end(), is_control);
}

std::string csv_header(const std::vector<std::string>& names) {
  std::string line(kCsvStart);
  for (const std::string& name : names) line.append(",").append(csv_name(name));
  return line + '\n';
}

std::string csv_line(const std::optional<int64_t>& epoch, const std::optional<int64_t>& step,
                     const std::vector<std::optional<double>>& cells) {
  std::string line;
  if (epoch) line += std::to_string(*epoch);
  line += ',';
  if (step) line += std::to_string(*step);
  for (const std::optional<double>& cell : cells) {
    line += ',';
    if (cell) line += std::isnan(*cell) ? "nan" : shortest(*cell);
  }
  return line + '\n';
}

std::string json_line(const HistoryRow& row) {
  std::string line;
  const auto add = [&](std::string_view name, const std::string& value) {
    line += (line.empty() ? "{" : ", ") + json_string(name) + ": " + value;
  };
  if (row.epoch) add("epoch", std::to_string(*row.epoch));
  if (row.step) add("step", std::to_string(*row.step));
  for (const auto& [name, value] : row.values) add(name, json_number(value));
  return line + "}\n";
}

std::vector<std::string> read_csv_header(std::string_view line) {
  const std::string expected = "expected a history, whose first line begins with \"epoch,step\"";
  if (!line.starts_with(kCsvStart)) throw NoHistory{expected + ", got " + in_quotes(line)};
  std::string_view rest = line.substr(kCsvStart.size());
  std::vector<std::string> names;
  while (!rest.empty()) {
    if (rest.front() != ',') throw NoHistory{expected + ", got " + in_quotes(line)};
    rest.remove_prefix(1);
    std::string name;
    if (rest.empty() || rest.front() != '"') {
      const std::size_t end = std::min(rest.find(','), rest.size());
      name = rest.substr(0, end);
      rest.remove_prefix(end);
    } else {
      for (rest.remove_prefix(1);; rest.remove_prefix(1)) {
        if (rest.empty()) throw NoHistory{"expected an end of the quotes in the first line"};
        if (rest.front() == '"') {
          rest.remove_prefix(1);
          if (rest.empty() || rest.front() != '"') break;
        }
        name += rest.front();
      }
    }
    names.push_back(checked_name(std::move(name)));
  }
  return names;
}

HistoryRow read_csv_line(std::string_view line, const std::vector<std::string>& names) {
  const std::size_t cells = 1 + static_cast<std::size_t>(std::count(line.begin(), line.end(), ','));
  if (cells != names.size() + 2)
    throw NoHistory{text("expected ", names.size() + 2, " cells, got ", cells)};
  HistoryRow row;
  for (std::size_t i = 0; i < cells; ++i) {
    const std::size_t end = std::min(line.find(','), line.size());
    const std::string_view cell = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    if (cell.empty()) continue;
    if (i == 0) {
      row.epoch = whole(cell);
    } else if (i == 1) {
      row.step = whole(cell);
    } else {
      row.values.emplace_back(names[i - 2], real(cell));
    }
  }
  return row;
}

HistoryRow read_json_line(std::string_view line) {
  HistoryRow row;
  JsonReader reader(line);
  reader.need('{', "expected an object");
  do {
    std::string name = reader.string("expected a name");
    reader.need(':', "expected a colon");
    if (name == "epoch") {
      row.epoch = whole(reader.bare());
    } else if (name == "step") {
      row.step = whole(reader.bare());
    } else {
      const double value = reader.value();
      row.values.emplace_back(checked_name(std::move(name)), value);
    }
  } while (reader.take(','));
  reader.need('}', "expected the object's end");
  if (!reader.at_end()) reader.refuse("expected the line's end");
  return row;
}

bool begins_csv(std::string_view piece) {
  return piece.starts_with(kCsvStart) || kCsvStart.starts_with(piece);
}

bool begins_json(std::string_view piece) {
  constexpr std::string_view kStart = "{\"";
  return piece.starts_with(kStart) || kStart.starts_with(piece);
}

}  // namespace norma
