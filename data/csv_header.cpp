#include "norma/data/csv_header.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "norma/core/text.h"

namespace norma::data::detail {

namespace {

using Names = std::vector<std::string>;

class HeaderFinder {
 public:
  HeaderFinder(const CsvText& csv, const CellRules& rules) : csv_(csv), rules_(rules) {}

  CsvHeaderRows find(CsvHeader asked) const {
    CsvHeaderRows header;
    const Names first = csv_.cells(csv_.rows().front());
    if (asked != CsvHeader::No &&
        (asked == CsvHeader::Yes ? may_be_names(first) : has_names(first))) {
      header.names = first;
      header.rows = 1;
      if (csv_.rows().size() > 2) {
        Names second = csv_.cells(csv_.rows()[1]);
        if (are_units(second)) {
          header.units = std::move(second);
          header.rows = 2;
        }
      }
    } else if (asked != CsvHeader::No) {
      header.names = csv_.comment_names();
    }
    return header;
  }

 private:
  static constexpr std::size_t kLookedAt = 1000;  // rows, which tell enough

  struct Counts {
    int64_t numbers = 0, marks = 0, words = 0;
  };

  void count(Counts& counts, const std::string& cell) const {
    const CellKind kind = rules_.kind(cell);
    counts.numbers += kind == CellKind::Number;
    counts.marks += kind == CellKind::Missing && !cell.empty();
    counts.words += kind == CellKind::Word;
  }

  Counts count(const Names& cells) const {
    Counts counts;
    for (const std::string& cell : cells) count(counts, cell);
    return counts;
  }

  // Of each column, from row `first` on; some rows tell enough.
  std::vector<Counts> below(std::size_t first) const {
    std::vector<Counts> counts(static_cast<std::size_t>(csv_.width()));
    const std::size_t end = std::min<std::size_t>(csv_.rows().size(), first + kLookedAt);
    for (std::size_t r = first; r < end; ++r) {
      csv_.for_cells(csv_.rows()[r], [&](int64_t c, std::string_view cell) {
        count(counts[static_cast<std::size_t>(c)], std::string(cell));
      });
    }
    return counts;
  }

  // Numbers beside marks of missing values are no names, even where names are asked for.
  bool may_be_names(const Names& cells) const {
    const Counts counts = count(cells);
    return counts.numbers == 0 || counts.marks == 0 || counts.words > 0;
  }

  bool has_names(const Names& cells) const {
    const Counts counts = count(cells);
    if (counts.numbers > 0) {
      if (is_numbered(cells)) return true;
      if (is_run(cells) && !comes_again(cells, csv_.rows().size()))
        refuse("numbers one after the other, such as years");
      return false;
    }
    if (counts.words == 0) return false;
    const std::vector<Counts> columns = below(1);
    if (columns.empty() || csv_.rows().size() == 1) return true;
    // Names do not come again as values: such a row over numbers is data with a mark of its own.
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (columns[c].numbers > 0 && rules_.kind(cells[c]) == CellKind::Word) {
        return !comes_again(cells, kLookedAt);
      }
    }
    if (counts.marks > 0 || comes_again(cells, csv_.rows().size())) return false;
    refuse("words in it and below");
  }

  [[noreturn]] void refuse(const char* got) const {
    csv_.refuse(text("expected to see whether the first row names the columns, got ", got, ": ",
                     csv_.shown_line(csv_.rows().front().at)),
                csv_.rows().front().line, 0, "",
                "say so: .header = CsvHeader::Yes or CsvHeader::No");
  }

  // ",0,1,2": what pandas writes for columns without names.
  bool is_numbered(const Names& cells) const {
    if (cells.size() < 3 || !cells[0].empty()) return false;
    for (std::size_t c = 1; c < cells.size(); ++c) {
      if (cells[c] != std::to_string(c - 1)) return false;
    }
    return true;
  }

  // "country,1990,2000" over other numbers, or "name,0,1,2": years that rise or fall, beside a word
  // or in even steps, or integers that count up from 0, or rise in even steps over fractions.
  bool is_run(const Names& cells) const {
    std::vector<double> run;
    std::vector<std::size_t> where;
    int64_t words = 0;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      double value = 0;
      if (rules_.number(cells[c], value) == NumberStatus::Good) {
        run.push_back(value);
        where.push_back(c);
      } else {
        words += cells[c].empty() || rules_.kind(cells[c]) == CellKind::Word;
      }
    }
    if (run.empty()) return false;
    const double step = run.size() > 1 ? run[1] - run[0] : 0;
    bool years = true, even = true, monotone = true;
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (run[i] != std::floor(run[i])) return false;
      years = years && run[i] >= 1800 && run[i] <= 2200;
      if (i == 0) continue;
      even = even && run[i] - run[i - 1] == step;
      monotone = monotone && (run[i] - run[i - 1]) * step > 0;
    }
    const bool steps = even && (std::abs(step) == 1 || run.size() > 2);
    const bool rises = even && step > 0 && run.size() > 2 && words > 0;
    const bool likely =
        (years && monotone && (words > 0 || steps)) || (rises && step == 1 && run.front() == 0);
    if (counts_up(run, words, cells)) return true;
    if (!likely && !rises) return false;
    const std::vector<double> below_it = first_numbers();
    const auto is_fraction = [&](std::size_t c) {
      return !std::isnan(below_it[c]) && below_it[c] != std::floor(below_it[c]);
    };
    if (!likely) return std::all_of(where.begin(), where.end(), is_fraction);
    const auto [least, most] = std::minmax(run.front(), run.back());
    return std::any_of(where.begin(), where.end(), [&, low = least - 50, high = most + 50](auto c) {
      return is_fraction(c) || below_it[c] < low || below_it[c] > high;
    });
  }

  // "gene,0,1": a word and the numbers 0, 1, … or 1, 2, …. Two of them over nothing but 0 and 1 are
  // data, as yes and no are.
  bool counts_up(const std::vector<double>& run, int64_t words, const Names& cells) const {
    if (run.size() < 2 || words != 1 || run.size() + 1 != cells.size()) return false;
    if (rules_.kind(cells[0]) != CellKind::Word || (run[0] != 0 && run[0] != 1)) return false;
    for (std::size_t i = 1; i < run.size(); ++i) {
      if (run[i] - run[i - 1] != 1) return false;
    }
    if (run.size() > 2) return csv_.rows().size() > 1;
    bool others = false;
    for (std::size_t r = 1; r < std::min<std::size_t>(csv_.rows().size(), kLookedAt); ++r) {
      csv_.for_cells(csv_.rows()[r], [&](int64_t column, std::string_view cell) {
        double value = 0;
        const bool is_number = rules_.number(cell, value) == NumberStatus::Good;
        others |= column > 0 && is_number && value != 0 && value != 1;
      });
    }
    return others;
  }

  // Under the first row, of each column the first number that comes soon, or NaN.
  std::vector<double> first_numbers() const {
    std::vector<double> first(static_cast<std::size_t>(csv_.width()), std::nan(""));
    for (std::size_t r = 1; r < std::min<std::size_t>(csv_.rows().size(), 100); ++r) {
      csv_.for_cells(csv_.rows()[r], [&](int64_t column, std::string_view cell) {
        double& number = first[static_cast<std::size_t>(column)];
        double value = 0;
        if (std::isnan(number) && rules_.number(cell, value) == NumberStatus::Good) number = value;
      });
    }
    return first;
  }

  // Whether a word among them stands in its column once more.
  bool comes_again(const Names& cells, std::size_t rows) const {
    std::vector<bool> words;
    for (const std::string& cell : cells) words.push_back(rules_.kind(cell) == CellKind::Word);
    for (std::size_t r = 1; r < std::min(rows, csv_.rows().size()); ++r) {
      bool again = false;
      csv_.for_cells(csv_.rows()[r], [&](int64_t column, std::string_view cell) {
        const auto c = static_cast<std::size_t>(column);
        again |= words[c] && cell == cells[c];
      });
      if (again) return true;
    }
    return false;
  }

  // In brackets over numbers, or words over nothing else.
  bool are_units(const Names& cells) const {
    const Counts counts = count(cells);
    if (counts.numbers + counts.marks > 0 || counts.words == 0) return false;
    const auto bracketed = [](const std::string& s) {
      return s.empty() || (s.size() > 1 && ((s.front() == '(' && s.back() == ')') ||
                                            (s.front() == '[' && s.back() == ']')));
    };
    const auto is_unit = [&](const std::string& s) {  // not (5), which is a number
      return !s.empty() && !rules_.is_number(std::string_view(s).substr(1, s.size() - 2));
    };
    const std::vector<Counts> columns = below(2);
    if (std::all_of(cells.begin(), cells.end(), bracketed)) {
      if (std::none_of(cells.begin(), cells.end(), is_unit)) return false;
      // What stands over text is text in brackets itself.
      for (std::size_t c = 0; c < cells.size(); ++c) {
        if (!cells[c].empty() && columns[c].numbers > 0 && columns[c].words == 0) return true;
      }
      return false;
    }
    // One word everywhere is more likely a mark of what is missing.
    const bool differ =
        std::any_of(cells.begin(), cells.end(), [&](const auto& s) { return s != cells[0]; });
    return differ && counts.words == csv_.width() &&
           std::all_of(columns.begin(), columns.end(),
                       [](const Counts& c) { return c.numbers > 0 && c.words == 0; });
  }

  const CsvText& csv_;
  const CellRules& rules_;
};

}  // namespace

CsvHeaderRows find_header(const CsvText& csv, const CellRules& rules, CsvHeader asked) {
  return HeaderFinder(csv, rules).find(asked);
}

}  // namespace norma::data::detail
