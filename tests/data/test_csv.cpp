#include <cmath>
#include <optional>

#include "norma/tests/data/gzip.h"
#include "norma/tests/data/read_text.h"

using norma::Shape;
using norma::Tensor;
namespace data = norma::data;
using data::CsvHeader;
using data::CsvOptions;
using data::CsvTable;
using Names = std::vector<std::string>;

namespace {

// The message, with PATH for the path.
std::string refusal(const std::string& text, const CsvOptions& options = {}) {
  const TempFolder scratch;
  const std::string path = scratch.write("t.csv", text);
  std::string message = error_of([&] { data::read_csv(path, options); });
  const std::size_t at = message.find("\"" + path + "\"");
  if (at != std::string::npos) message.replace(at, path.size() + 2, "PATH");
  return message;
}

}  // namespace

TEST_CASE("read_csv reads numbers, and names where there are some") {
  const Tensor expected = norma::tensor({{1.0, 2.5}, {-3.0, 4e3}});
  for (const char* text : {"1,2.5\n-3,4e3\n", "1,2.5\n-3,4e3", "1,2.5\r\n-3,4e3\r\n",
                           " 1 ,\t2.5 \n-3,+4E3\n\n \n\r\n", "\"1\",\"2.5\"\n\"-3\" , \"4e3\"\n",
                           "\xef\xbb\xbf"
                           "1,2.5\n-3,4e3\n"}) {
    INFO(text);
    const CsvTable table = read(text);
    CHECK(table.values.dtype() == norma::kFloat32);
    CHECK(norma::equal(table.values, expected));
    CHECK(table.columns.empty());
  }
  const CsvTable named = read("width, \"a \"\"b\"\", c\"\n1,2.5\n-3,4e3\n");
  CHECK(norma::equal(named.values, expected));
  CHECK(named.columns == Names{"width", "a \"b\", c"});
  CHECK(norma::equal(read("a;b\n1;2.5\n-3;4e3", {.delimiter = ';'}).values, expected));
  CHECK(norma::equal(read("1\t2.5\n-3\t4e3", {.delimiter = '\t'}).values, expected));
  CHECK(norma::equal(read("1 2.5\n-3 4e3", {.delimiter = ' '}).values, expected));
  CHECK(read("7").values.sizes() == Shape({1, 1}));
}

TEST_CASE("read_csv reads compressed files") {
  const TempFolder scratch;
  const std::string path = scratch.write("t.csv.gz", gzip("a,b\n1,2\n"));
  CHECK(norma::equal(data::read_csv(path).values, norma::tensor({{1.0, 2.0}})));
}

TEST_CASE("the header is found, demanded or excluded") {
  CHECK(read("a,b\n1,2").columns == Names{"a", "b"});
  CHECK(read("1,2\n3,4").columns.empty());
  CHECK(read("1,2\n3,4", {.header = CsvHeader::Yes}).columns == Names{"1", "2"});
  CHECK(read("1,2\n3,4", {.header = CsvHeader::Yes}).values.sizes() == Shape({1, 2}));
  CHECK(read("1,2\n3,4", {.header = CsvHeader::No}).values.sizes() == Shape({2, 2}));
  CHECK(refusal("a,b\n1,2", {.header = CsvHeader::No}) ==
        "[read_csv] expected a number, got \"a\" at line 1, column 1 in PATH; if the line names "
        "the columns: .header = CsvHeader::Yes; if it marks a missing value: .na_values = {\"a\"}; "
        "if the column is text: .text_columns = {0}");
  // A line of both is taken for data, so that a typing error never swallows a row.
  CHECK(refusal("1,b\n1,2") ==
        "[read_csv] expected a number, got \"b\" at line 1, column 2 in PATH; if the line names "
        "the columns: .header = CsvHeader::Yes; if it marks a missing value: .na_values = {\"b\"}; "
        "if the column is text: .text_columns = {1}");
  CHECK(read("id,2019\n1,2", {.header = CsvHeader::Yes}).columns == Names{"id", "2019"});
  CHECK(read("\"two\nlines\",b\n1,2").columns == Names{"two\nlines", "b"});
}

TEST_CASE("numbers are rounded once, to the dtype asked for") {
  const Tensor wide = read("0.1,1e300,5e-324", {.dtype = norma::kFloat64}).values;
  CHECK(wide.dtype() == norma::kFloat64);
  CHECK(wide.data_ptr<double>()[0] == 0.1);
  CHECK(wide.data_ptr<double>()[1] == 1e300);
  CHECK(wide.data_ptr<double>()[2] == 5e-324);
  // Just above the middle of two floats, by less than a double can tell.
  const Tensor narrow = read("1.00000005960464477540,1e-46,-1e-60,inf,nan").values;
  CHECK(narrow.data_ptr<float>()[0] == std::nextafter(1.0f, 2.0f));
  CHECK(narrow.data_ptr<float>()[1] == 0.0f);
  CHECK(narrow.data_ptr<float>()[2] == 0.0f);
  CHECK(std::isinf(narrow.data_ptr<float>()[3]));
  CHECK(std::isnan(narrow.data_ptr<float>()[4]));
  CHECK(refusal("1,2\n3,1e39") ==
        "[read_csv] expected a number in the range of float32, got \"1e39\" at line 2, column 2 in "
        "PATH; {.dtype = kFloat64} reaches further");
  CHECK(refusal("1,2\n3,1e309", {.dtype = norma::kFloat64}) ==
        "[read_csv] expected a number in the range of float64, got \"1e309\" at line 2, column 2 "
        "in PATH");
}

TEST_CASE("read_csv says where a cell is no number") {
  const std::string hint =
      "; if it marks a missing value: .na_values = {\"x\"}; if the column is text: .text_columns = "
      "{\"b\"}";
  CHECK(refusal("a,b\n1,2\n3,x\n") ==
        "[read_csv] expected a number, got \"x\" at line 3, column 2 (\"b\") in PATH" + hint);
  CHECK(refusal("a,b\r\n1,2\r\n3,\r\n", {.missing = std::nullopt}) ==
        "[read_csv] expected a value, got an empty cell at line 3, column 2 (\"b\") in PATH; "
        "{.missing = NAN} lets values be missing");
  for (const char* cell : {"1.5x", "0x10", "1 2", "--1", "+-1", "++1", "+", "1,2\"", "1\r2"}) {
    INFO(cell);
    const std::string text = std::string("a,b\n1,2\n3,") + cell;
    CHECK(has(refusal(text), " at line 3, column "));
  }
  CHECK(has(refusal("\"a\nb\",c\n1,2\n3,x\n"), "got \"x\" at line 4, column 2 (\"c\") in PATH"));
  // The word is named, wherever among the numbers it stands.
  CHECK(has(refusal("a\nx\n1\n2"), "got \"x\" at line 2, column 1 (\"a\") in PATH"));
  CHECK(has(refusal("1,x\n2,NA\n3,4\n"), "got \"x\" at line 1, column 2 in PATH"));
}

TEST_CASE("read_csv refuses rows of different lengths") {
  CHECK(refusal("a,b\n1,2\n3\n") ==
        "[read_csv] expected 2 cells as in line 1, got 1 in \"3\" at line 3, column 2 in PATH; is "
        "the "
        "delimiter right? .skip_lines = {3} passes over a line that is no row");
  CHECK(has(refusal("a,b\n1,2\n3,4,5\n"),
            "expected 2 cells as in line 1, got 3 in \"3,4,5\" at line 3, column 3 in PATH"));
  CHECK(refusal("a;b\n1,2\n") ==
        "[read_csv] expected 1 cell as in line 1, got 2 in \"1,2\" at line 2, column 2 in PATH; is "
        "the "
        "delimiter right? .skip_lines = {1} passes over a line that is no row");
  CHECK(has(refusal("1,2,\n3,4,5,6\n"),
            "expected 3 cells as in line 1, got 4 in \"3,4,5,6\" at line 2"));
}

TEST_CASE("read_csv refuses broken quotes, empty tables and odd options") {
  CHECK(refusal("1,2\n3,\"4") ==
        "[read_csv] expected a closing quote, got the end of the file for the cell \"\\\"4\" that "
        "begins at line 2, column 2 in PATH");
  CHECK(refusal("1,2\n\"3\"x,4") ==
        "[read_csv] expected the end of the cell after the closing quote, got \"x,4\" at line 2, "
        "column 1 in PATH; a quote inside is written twice");
  for (const char* text : {"", "\n\n", "# a\n"}) {
    CHECK(refusal(text) == "[read_csv] expected at least one row of numbers, got none in PATH");
  }
  for (const char* text : {"a,b\n", "a,b\n\n", "a,b\n,\n"}) {
    CHECK(refusal(text) ==
          "[read_csv] expected at least one row under the names of the columns, \"a,b\", got none "
          "at line 1, column 1 in PATH; if they are a row: .header = CsvHeader::No");
  }
  CHECK(has(error_of([] { data::read_csv("absent.csv"); }),
            "[read_csv] expected a readable file, got \"absent.csv\": No such file"));
  for (const char delimiter : {'"', '\n', '\r', '.', '-', '+', '5', 'e', '\0'}) {
    CHECK(has(refusal("1", {.delimiter = delimiter}),
              "[read_csv] expected a delimiter that no number contains, such as ',', ';' or '\\t', "
              "got character "));
  }
  CHECK(has(refusal("1", {.thousands = '.'}),
            "expected comment to differ from delimiter, and decimal from thousands, got '#' and "
            "',', '.' and '.'"));
  CHECK(has(refusal("1", {.delimiter = '#'}), "to differ"));
  CHECK(has(refusal("1", {.decimal = '5'}), "expected decimal and thousands to be marks"));
  CHECK(has(refusal("1", {.skip_rows = -1}), "expected skip_rows from 0, got -1"));
  CHECK(refusal("1", {.dtype = norma::kInt64}) ==
        "[read_csv] expected the dtype kFloat32 or kFloat64, got int64; convert columns afterwards "
        "with to()");
}

TEST_CASE("the optical digits") {
  const std::string dir = real_data("optdigits");
  if (dir.empty()) return;
  // Sums as read with numpy.
  const auto [values, columns] = data::read_csv(dir + "/optdigits.tra");
  CHECK(values.sizes() == Shape({3823, 65}));
  CHECK(columns.size() == 65);
  CHECK(columns.front() == "Block 1");
  CHECK(columns.back() == "Class");
  CHECK(values.to(norma::kFloat64).sum().item<double>() == 1'221'951);
  const data::Dataset digits{values.narrow(1, 0, 64), values.select(1, 64).to(norma::kInt64)};
  CHECK(digits.targets.sum().item<int64_t>() == 17'193);
  CHECK(norma::equal(digits.targets.narrow(0, 0, 5), norma::tensor({0, 0, 7, 4, 6})));
  const CsvTable test = data::read_csv(dir + "/optdigits.tes");
  CHECK(test.values.sizes() == Shape({1797, 65}));
  CHECK(test.values.to(norma::kFloat64).sum().item<double>() == 569'788);
}
