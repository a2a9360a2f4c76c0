// The rows of a History as text, and back. For Norma's own sources.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace norma {

/// Every row is a line, and no line is part of a row.
struct HistoryRow {
  std::optional<int64_t> epoch = {}, step = {};
  std::vector<std::pair<std::string, double>> values = {};
};

/// A line of a table, with its end. `cells`: the values in the columns' order, nothing where a row
/// has none.
std::string csv_line(const std::optional<int64_t>& epoch, const std::optional<int64_t>& step,
                     const std::vector<std::optional<double>>& cells);
std::string csv_header(const std::vector<std::string>& names);
std::string json_line(const HistoryRow& row);

/// Whether a value may be called that: text on one line, and none of the two columns.
bool is_history_name(std::string_view name);

/// Text that is no history of the format: what was expected.
struct NoHistory {
  std::string expected;
};
/// The columns behind `epoch` and `step`. The lines are without their end.
std::vector<std::string> read_csv_header(std::string_view line);
HistoryRow read_csv_line(std::string_view line, const std::vector<std::string>& names);
HistoryRow read_json_line(std::string_view line);

/// Whether a first line may begin like that.
bool begins_csv(std::string_view piece);
bool begins_json(std::string_view piece);

}  // namespace norma
