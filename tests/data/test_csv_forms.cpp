// Tables in the forms in which data sets are published.
#include <chrono>
#include <cmath>
#include <optional>

#include "norma/tests/data/golden_csv.h"
#include "norma/tests/data/gzip.h"
#include "norma/tests/data/read_text.h"
#include "norma/tests/support/strict_warnings.h"
#include "norma/tests/support/tensors.h"

using norma::Shape;
using norma::Tensor;
namespace data = norma::data;
using data::CsvHeader;
using data::CsvOptions;
using data::CsvTable;
using Names = std::vector<std::string>;
using Values = std::vector<double>;

namespace {

std::string refusal(const std::string& text, const CsvOptions& options = {}) {
  return error_of([&] { read(text, options); });
}

// Rows and columns as read, or the refusal.
std::string shape(const std::string& text, const CsvOptions& options = {}) {
  std::string result;
  const std::string error = error_of([&] { result = read(text, options).values.sizes().str(); });
  return error == "no error" ? result : error;
}

bool same(const Values& a, const Values& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace

TEST_CASE("tables in all forms are read as Python reads them") {
  for (const GoldenCsv& golden : kGoldenCsv) {
    INFO(golden.text);
    const CsvTable table = read(
        golden.text,
        {.delimiter = golden.delimiter, .decimal = golden.decimal, .thousands = golden.thousands});
    Values expected;
    for (const Values& row : golden.rows) expected.insert(expected.end(), row.begin(), row.end());
    const auto rows = static_cast<int64_t>(golden.rows.size());
    CHECK(table.values.sizes() == Shape({rows, static_cast<int64_t>(golden.rows[0].size())}));
    CHECK(same(to_vector(table.values), expected));
    CHECK(table.columns == golden.names);
    CHECK(table.classes == golden.classes);
    int64_t missing = 0;
    for (const double x : expected) missing += std::isnan(x);
    CHECK(table.missing == missing);
  }
}

TEST_CASE("missing cells have the usual marks, and the value that is asked for") {
  const std::string marks =
      "1,2\n,1\n\"\",1\nNA,1\nna,1\nN/A,1\nn.a.,1\n#N/A,1\n<NA>,1\nNaN,1\n-nan,1\nnull,1\nNULL,1\n"
      "None,1\n?,1\n-,1\n.,1\n";
  const CsvTable table = read(marks);
  CHECK(table.missing == 16);
  CHECK(table.values.size(0) == 17);
  CHECK(table.values.select(1, 0).isnan().sum().item<int64_t>() == 16);
  const CsvTable filled = read(marks, {.missing = -1});
  CHECK(filled.values.sum().item<float>() == 1 + 2 + 16 - 16);
  CHECK(filled.missing == 16);
  CHECK(has(refusal("1,2\n3,?\n", {.missing = std::nullopt}),
            "expected a value, got \"?\" at line 2, column 2 in "));

  CHECK(same(to_vector(read("1,-999\n2,3\n", {.na_values = {"-999"}}).values), {1, kNaN, 2, 3}));
  CHECK(same(to_vector(read("1,none of it\n2,3\n", {.na_values = {"none of it"}}).values),
             {1, kNaN, 2, 3}));
  const CsvTable namibia = read("1,NA\n2,DE\n3,\n", {.keep_default_na = false});
  CHECK(namibia.classes[1] == Names{"DE", "NA"});
  CHECK(same(to_vector(namibia.values), {1, 1, 2, 0, 3, kNaN}));
  // No class takes the value for missing numbers.
  const CsvTable text = read("1,a\n,\n3,b\n", {.missing = 0});
  CHECK(same(to_vector(text.values), {1, 0, 0, kNaN, 3, 1}));
}

TEST_CASE("words become the numbers of their classes") {
  const CsvTable iris =
      read("length,species\n5.1,setosa\n7.0,versicolor\n6.3,virginica\n5,setosa\n");
  CHECK(same(to_vector(iris.column("species")), {0, 1, 2, 0}));
  CHECK(iris.classes == std::vector<Names>{{}, {"setosa", "versicolor", "virginica"}});
  CHECK(iris.strings("species") == Names{"setosa", "versicolor", "virginica", "setosa"});
  CHECK(iris.strings(-1) == iris.strings(1));
  CHECK(iris.index_of("species") == 1);
  CHECK(iris.column(0).data_ptr<float>() == iris.values.data_ptr<float>());
  CHECK(read("B,1\nM,\n?,3\nB,4\n").strings(0) == Names{"B", "M", "", "B"});

  // The test set has the numbers of the training set, whichever classes it has.
  const CsvTable test = read("length,species\n1,virginica\n", {.classes = iris.classes});
  CHECK(same(to_vector(test.values), {1, 2}));
  CHECK(test.classes == iris.classes);
  CHECK(has(refusal("length,species\n1,rosa\n", {.classes = iris.classes}),
            "expected one of the 3 classes given, got \"rosa\" at line 2, column 2 (\"species\")"));
  CHECK(has(refusal("1\n", {.classes = iris.classes}),
            "expected in .classes a list for each of the 1 columns read, got 2"));

  // The classes that are given decide, spelled as they may be.
  CHECK(same(to_vector(read("n,c\n1,NA\n2,\n", {.classes = {{}, {"DE", "NA"}}}).values),
             {1, 1, 2, kNaN}));
  CHECK(has(refusal("n,c\n1,b\n", {.classes = {{}, {"a", "b", "a"}}}),
            "[read_csv] expected different classes in .classes, got \"a\" twice in the list of "
            "column 1"));

  const CsvTable codes = read("zip,x\n01234,1\n99999,2\n01234,3\n", {.text_columns = {"zip"}});
  CHECK(codes.strings("zip") == Names{"01234", "99999", "01234"});
  CHECK(error_of([&] { codes.strings("x"); }) ==
        "[CsvTable::strings] expected a column of text, got one of numbers, column 1; read it with "
        ".text_columns = {1}");
  const CsvTable blank = read("zip,x\n,1\nNA,2\n", {.missing = 0, .text_columns = {"zip"}});
  CHECK(blank.strings("zip") == Names{"", ""});
  CHECK(blank.missing == 2);
  CsvTable changed = codes;
  for (const double number : {2.0, -1.0, 1e30, static_cast<double>(INFINITY)}) {
    INFO(number);
    changed.values = norma::full({3, 2}, number);
    CHECK(has(error_of([&] { changed.strings("zip"); }),
              "[CsvTable::strings] expected the numbers of classes, from 0 to 1, got "));
  }
  changed.classes.clear();
  CHECK(has(error_of([&] { changed.strings("zip"); }), "expected a column of text"));
  CHECK(has(error_of([&] { codes.column("y"); }),
            "expected the name of a column: \"zip\", \"x\"; got \"y\""));
  CHECK(has(error_of([&] { codes.column(2); }), "expected a column from 0 to 1, got 2"));
  CHECK(has(error_of([&] { read("1,2").column("a"); }), "the table has no names: give numbers"));
  CHECK(has(error_of([&] { read("a,a\n1,2").column("a"); }), "which several have"));
}

TEST_CASE("numbers in another notation are refused with the option that reads them") {
  const auto refused = [](const std::string& cell, const std::string& hint, char delimiter = ';') {
    INFO(cell);
    const CsvOptions options{.delimiter = delimiter};
    const std::string d(1, delimiter);
    // Whether or not there are other numbers in the column.
    for (const std::string& other : {std::string("1"), cell}) {
      const std::string message = refusal("a" + d + "b\n1" + d + other + "\n2" + d + cell, options);
      CHECK(has(message, "expected a number, got " + norma::in_quotes(cell) + " at line "));
      CHECK(has(message, hint));
    }
  };
  refused("0,5", "if the comma is the decimal mark: .decimal = ','");
  refused("1,000", "if the comma marks thousands: .thousands = ','; if it is the decimal mark");
  refused("1.000,5", ".decimal = ',', .thousands = '.' reads it");
  refused("1'000'000", ".thousands = '\\'' reads it");
  refused("1 000", ".thousands = ' '");
  refused("5 %", "without the sign");
  refused("$1.5", "without the sign");
  refused("1\t2", "is the delimiter right? .delimiter = '\\t'");
  refused("1;2", "is the delimiter right? .delimiter = ';'", '|');
  for (const char* cell :
       {"0x1F", "-0xff", "(5)", "'5'", "`0.5`", "\u20185\u2019", "\u201c5\u201d", "\u22125",
        "1\u00a0000", "1\u202f000", "5\u00a0", "\u200b5", "1.5D+02", "1d-3", "2.D0"}) {
    refused(cell, "write the numbers in plain decimal digits, or read the column as text with");
  }
  refused("1_000", ".thousands = '_' reads it");
  CHECK(has(refusal("1.5;2\n2;3\n", {.delimiter = ';', .decimal = ','}),
            "if the point is the decimal mark: .decimal = '.'; if it marks thousands"));
  CHECK(read("1,1_2\n2,10_1\n").classes[1].size() == 2);
  CHECK(read("1,1d5\n2,0xyz\n").classes[1].size() == 2);
  CHECK(read("1,12\u6708\n2,1\u6708\n").classes[1].size() == 2);
  CHECK(same(
      to_vector(read("0,5;1.000,5\n", {.delimiter = ';', .decimal = ',', .thousands = '.'}).values),
      {0.5, 1000.5}));
  CHECK(same(to_vector(read("\"1,000,000\",2\n", {.thousands = ','}).values), {1e6, 2}));
  CHECK(same(to_vector(read("1 000|2\n", {.delimiter = '|', .thousands = ' '}).values), {1000, 2}));
  for (const char* wrong : {"1,00", "1,0000", ",100", "1,000,00", "1000,000", "1,,000"}) {
    INFO(wrong);
    CHECK(has(refusal(std::string("1|2\n3|") + wrong, {.delimiter = '|', .thousands = ','}),
              "expected a number, got \""));
  }
  // Text that begins with digits is text.
  CHECK(read("1,10-19\n2,20-29\n").classes[1] == Names{"10-19", "20-29"});
  CHECK(read("1,2020-01-02 12:30\n2,2020-01-03 1:30\n").classes[1].size() == 2);
}

TEST_CASE("no first row is lost, and none is taken for names in doubt") {
  const auto names = [](const std::string& text, CsvHeader header = CsvHeader::Auto) {
    return read(text, {.header = header}).columns;
  };
  CHECK(shape("NA\n1\n2\n") == "[3, 1]");
  CHECK(shape("?,?\n1,2\n") == "[2, 2]");
  CHECK(shape(",\n1,2\n") == "[2, 2]");
  CHECK(shape("B,?\nM,1\nB,2\n") == "[3, 2]");
  CHECK(has(refusal("setosa,unknown\nversicolor,3\nsetosa,4\n"),
            "got \"unknown\" at line 1, column 2 in "));
  CHECK(shape("x,o,x\no,x,o\nx,x,o\n") == "[3, 3]");  // words that come again
  CHECK(shape("1,2,?\n3,4,5\n", {.header = CsvHeader::Yes}) == "[2, 3]");
  CHECK(names("1,2\n3,4\n", CsvHeader::Yes) == Names{"1", "2"});
  CHECK(names("1,b,?\n3,4,5\n", CsvHeader::Yes) == Names{"1", "b", "?"});
  CHECK(names("x,o\no,x\n", CsvHeader::Yes) == Names{"x", "o"});
  CHECK(names(",0,1\n0,5,6\n1,7,8\n") == Names{"", "0", "1"});
  CHECK(names(",a,b\n0,5,6\n") == Names{"", "a", "b"});
  CHECK(names("class,size\nB,?\nM,3\n") == Names{"class", "size"});
  CHECK(has(refusal("class,cap\np,x\ne,s\n"),
            "expected to see whether the first row names the columns, got words in it and below: "
            "\"class,cap\" at line 1, column 1 in "));
  CHECK(shape("class,cap\np,x\ne,s\n", {.header = CsvHeader::Yes}) == "[2, 2]");
  CHECK(shape("class,cap\np,x\ne,s\n", {.header = CsvHeader::No}) == "[3, 2]");

  for (const char* text :
       {"country,2019,2020\nA,1.5,2\nB,3,4\n", "2019,2020,2021\n1,2,3\n", ",2019,2020\nA,1,2\n",
        "name,0,1,2\nx,0.5,1.5,2\ny,1,2,3\n", "country,2000,2010,2020\nA,1,2,3\n",
        "country,2020,2019\nA,1.5,2\n", "country,code,2020\nFrance,FR,67.4\n",
        "2020,2015,2010\n1,2,3\n", "country,1960,1970\nAruba,,\nAngola,,5.5\n",
        "gene,1,2,3\nA,0.5,0.25,1.5\nB,1,2,3\n", "region,10,20,30\nA,.5,.1,.2\n",
        "gene,0,1\nA,5,7\nB,8,9\n", "gene,0,1\nA,0,1\nB,1,0.5\n", "pixel,1,2\nA,5,7\n",
        "x,1,2,3\ny,0.5,1,2\n", "x,1,2,3\ny,NA,,\n"}) {
    INFO(text);
    CHECK(has(refusal(text), "got numbers one after the other, such as years: \""));
    CHECK(read(text, {.header = CsvHeader::Yes}).columns.size() > 2);
    CHECK(read(text, {.header = CsvHeader::No}).columns.empty());
  }
  CHECK(shape("Anna,1999,2000\nBob,1998,2003\n") == "[2, 3]");
  CHECK(shape("A,2019,2020\nB,1,2\nA,3,4\n") == "[3, 3]");  // A comes again
  for (const char* text : {"male,0,1\nfemale,1,0\n", "A,0,1\nB,2,3\nA,4,5\n", "A,0\nB,5\n",
                           "A,2,3\nB,7,8\n", "0,1,A\n5,6,B\n", "gene,10,20\nA,1,2\n"}) {
    INFO(text);
    CHECK(read(text).columns.empty());
  }
  for (const char* text :
       {"Ford,1998,150000\nFiat,2001,90000\n", "Anna,1999\nBob,2003\n",
        "x,2000,1900,2100\ny,1,2,3\n", "2000,1900\n70,60\n", "a,1999\nb,NA\n",
        "x,10,20,30\ny,9.5,20.5,31\n", "x,10,20,35\ny,9.5,20.5,31.5\n", "a,2000.5\nb,1\n"}) {
    INFO(text);
    CHECK(shape(text).starts_with("[2, "));
  }
  CHECK(shape("0,1,2\n0.5,100,200\n") == "[2, 3]");

  const CsvTable units = read("a,b\n(m),[s]\n1,2\n");
  CHECK(units.units == Names{"(m)", "[s]"});
  CHECK(units.columns == Names{"a", "b"});
  CHECK(read("a,b,c\n,(m),\nx,1,2\ny,3,4\n").values.size(0) == 2);
  for (const char* text : {"tokens,tags\n\"['EU','x']\",\"['B','O']\"\n\"['a']\",\"['O']\"\n",
                           "tokens,tags\n[a],(b)\nc,d\n", "tokens,tags\n[a],\n[c],d\n"}) {
    INFO(text);
    const CsvTable table = read(text, {.header = CsvHeader::Yes});
    CHECK(table.values.sizes() == Shape({2, 2}));
    CHECK(table.units.empty());
  }
  CHECK(read("day,t\n(ymd),(C)\n2020-01-01,5\n").units == Names{"(ymd)", "(C)"});
  CHECK(read("a,b\ncm,kg\n1,2\n3,NA\n").units == Names{"cm", "kg"});
  CHECK(shape("a,b\nNA,NA\n1,2\n") == "[2, 2]");
  CHECK(has(refusal("a,b\nx,y\n1,2\nz,4\n"), "got \"x\" at line 2"));
  CHECK(shape("a,b\nlow,x\nhigh,y\n", {.header = CsvHeader::Yes}) == "[2, 2]");
}

TEST_CASE("rows that only look like units are not lost") {
  for (const char* text :
       {"a\n(5)\n1\n", "a,b\n(5),(6)\n1,2\n", "a,b\n[5],\n1,2\n", "a,b\nunknown,unknown\n1,2\n"}) {
    INFO(text);
    CHECK(has(refusal(text), "expected a number, got \""));
  }
  CHECK(read("a,b\n(1),(m)\n3,4\n").units == Names{"(1)", "(m)"});
  const CsvTable marked = read("a,b\nunknown,unknown\n1,2\n", {.na_values = {"unknown"}});
  CHECK(same(to_vector(marked.values), {kNaN, kNaN, 1, 2}));
}

TEST_CASE("integers that the dtype rounds are told of") {
  const StrictWarnings strict;
  CHECK(
      has(refusal("id,x\n16777216,1\n16777217,2\n16777219,2\n"),
          "[read_csv] expected integers that float32 has a place for, got \"16777217\" at line 3, "
          "column 1 (\"id\") in \""));
  CHECK(has(refusal("-1700000001,1\n"),
            "and rounded it; {.dtype = kFloat64} reaches to 2^53, .skip_columns = {0} leaves the "
            "column out, .text_columns = {0} tells its texts apart"));
  const CsvOptions wide{.dtype = norma::kFloat64};
  CHECK(has(refusal("9007199254740993,1\n", wide), "got \"9007199254740993\""));
  CHECK(has(refusal("99999999999999999999,1\n", wide), "got \"99999999999999999999\""));
  CHECK(has(refusal("16.777.217;1\n", {.delimiter = ';', .decimal = ',', .thousands = '.'}),
            "got \"16.777.217\""));
  const std::string good = "16777216,1\n+33554432,-16777216\n1e9,16777217.5\ninf,-inf\nNA,0.1\n";
  CHECK(shape(good) == "[5, 2]");
  CHECK(shape("16777217,1700000001\n9007199254740992,1\n", wide) == "[2, 2]");
  CHECK(shape("16777217,1\n", {.text_columns = {0}}) == "[1, 2]");
  CHECK(shape("16777217,1\n", {.skip_columns = {0}}) == "[1, 1]");
}

TEST_CASE("NaN as programs write it is missing, and what is too small is 0") {
  const CsvTable table = read("1,+nan\n2,-nan(ind)\n3,NaN(0x1)\n4,5\n", {.missing = -1});
  CHECK(table.missing == 3);
  CHECK(same(to_vector(table.values), {1, -1, 2, -1, 3, -1, 4, 5}));
  for (const norma::DType dtype : {norma::kFloat32, norma::kFloat64}) {
    CHECK(same(to_vector(read("1e-400,-1e-4000,2\n", {.dtype = dtype}).values), {0, 0, 2}));
    CHECK(has(refusal("1e400,2\n", {.dtype = dtype}), "expected a number in the range of "));
  }
}

TEST_CASE("columns are chosen and left out by name and number") {
  const std::string text = "id,x,y,class\n7,1,2,a\n8,3,4,b\n";
  CHECK(same(to_vector(read(text, {.columns = {"y", "x"}}).values), {2, 1, 4, 3}));
  CHECK(read(text, {.columns = {"y", 0}}).columns == Names{"y", "id"});
  CHECK(read(text, {.columns = {-1}}).classes[0] == Names{"a", "b"});
  CHECK(read(text, {.skip_columns = {"id", -1}}).columns == Names{"x", "y"});
  // What is left out may be anything.
  CHECK(shape("1,x,2\n3,4,5\n", {.skip_columns = {1}}) == "[2, 2]");
  CHECK(has(refusal(text, {.columns = {"z"}}),
            "expected the name of a column: \"id\", \"x\", \"y\", \"class\"; got \"z\""));
  CHECK(has(refusal(text, {.columns = {4}}), "expected a column from 0 to 3, got 4"));
  CHECK(has(refusal(text, {.columns = {1, "x"}}), "expected every column once"));
  CHECK(has(refusal("1\n", {.skip_columns = {0}}), "got all of them skipped"));
}

TEST_CASE("lines that are no rows are passed over") {
  CHECK(shape("My table, 2020, of mine\nfrom here\na,b\n1,2\n", {.skip_rows = 2}) == "[1, 2]");
  CHECK(shape("a,b\n1,2\ntotal\n3,4\n", {.skip_lines = {3}}) == "[2, 2]");
  CHECK(has(refusal("My table\na,b\n1,2\n"), ".skip_lines = {1}"));
  CHECK(has(refusal("a,b\n1,2\n3,4\ntotal\n"), ".skip_lines = {4}"));
  CHECK(shape("# a\n1,2\n # b\n3,4 # c, d\n#\n") == "[2, 2]");
  CHECK(shape("% a\n1,2\n", {.comment = '%'}) == "[1, 2]");
  CHECK(has(refusal("#1,2\n3,4\n#\n", {.comment = '\0'}), "expected"));
  CHECK(read("1,#fff\n2,a # b\n").classes[1] == Names{"#fff", "a # b"});
  CHECK(read("# a, b\n1,2\n").columns == Names{"a", "b"});
  CHECK(read("#,b\n1,2\n").columns == Names{"#", "b"});
  CHECK(read("# a b\n1 2\n", {.delimiter = ' '}).columns == Names{"a", "b"});
  CHECK(read("# made by \"us, them\n1,2\n").columns.empty());
  CHECK(read("# x,y\na,b\n1,2\n").columns == Names{"a", "b"});
  CHECK(read("# x,y\n1,2\n", {.header = CsvHeader::No}).columns.empty());
  CHECK(shape("sep=;\n1;2\n", {.delimiter = ';'}) == "[1, 2]");
  CHECK(has(refusal("sep=;\n1;2\n"), ".delimiter = ';'"));
  CHECK(has(refusal("sep=\x1b\n1;2\n"), "got the line \"sep=\\x1b\""));
  CHECK(has(refusal("sep=\x1b\n1;2\n"), ".delimiter = '\\x1b'"));
  CHECK(has(refusal("1", {.delimiter = '\x01', .comment = '\x01'}), "got '\\x01' and '\\x01'"));
  CHECK(shape("\n1,2\n\n \n3,4\n\n") == "[2, 2]");
  CHECK(has(refusal("1\n\n2\n"), "expected a row, got a blank line at line 2, column 1 in "));
  CHECK(shape("1,2\r3,4\r") == "[2, 2]");
}

TEST_CASE("a row that begins as comments do is not lost") {
  CHECK(
      has(refusal("tag,count\n#norma,5\nother,3\n"),
          "[read_csv] expected a row or a comment, got what may be either, \"#norma,5\" at line 2, "
          "column 1 in "));
  CHECK(has(refusal("tag,count\nother,3\n# norma,?\n"),
            "; if it is a row: .comment = '\\0'; if it is none: .skip_lines = {3}"));
  CHECK(has(refusal("tag;count\na;3\n#norma;5 # x\n", {.delimiter = ';'}), "what may be either"));
  CHECK(has(refusal("tag count\na 3\n#norma  5\n", {.delimiter = ' '}), "what may be either"));
  CHECK(has(refusal("tag,rest\na,\"x,y\"\n#b,\"x,y\"\n", {.header = CsvHeader::Yes}),
            "what may be either"));
  CHECK(has(refusal("a\n#b\na\n"), "what may be either"));
  const std::string lost = "tag,count\n#norma,5\nother,3\n";
  CHECK(read(lost, {.comment = '\0'}).strings("tag") == Names{"#norma", "other"});
  CHECK(shape(lost, {.skip_lines = {2}}) == "[1, 2]");
  // No row of these tables looks like that.
  for (const char* text :
       {"# a,5\ntag,count\nx,3\n", "tag,count\nx,3\n# note, see y\n#\n# end\n", "1,2\n#3,4\n",
        "tag,count\nx,3\n# \"a,5\n#a,5,6\n", "tag,count\n#\"a\",b\",\nx,1\n"}) {
    INFO(text);
    CHECK(shape(text) == "[1, 2]");
  }
  CHECK(shape("a\n# the others\nb\na\n") == "[3, 1]");

  const CsvOptions text{.text_columns = {"home"}};
  CHECK(
      has(refusal("n,home\n1,12 Main St\n2,221 #B\n", text),
          "expected a cell of text without a comment behind it, got \"221 #B\" at line 3, column 2 "
          "(\"home\") in "));
  CHECK(has(refusal("n,home\n1,- # 4\n", text), "; if it is text: .comment = '\\0'"));
  CHECK(has(refusal("n,home\n1,12 Main St\n2,221 #B\n"), "expected a number, got \"12 Main St\""));
  CHECK(read("n,home\n1,221 #B\n", {.text_columns = {1}, .comment = '\0'}).classes[1] ==
        Names{"221 #B"});
}

TEST_CASE("many marks of comments in a cell take no longer than other text") {
  std::string cell(500'000, '1');
  cell += 'x';
  for (int i = 0; i < 250'000; ++i) cell += " #";
  const auto begin = std::chrono::steady_clock::now();
  const CsvTable table = read("5," + cell + "\n", {.header = CsvHeader::No});
  CHECK(table.classes[1][0] == cell);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

TEST_CASE("delimiters too many") {
  CHECK(shape("1,2,\n3,4,\n") == "[2, 2]");
  CHECK(shape("1,2,,,\n3,4\n") == "[2, 2]");
  CHECK(shape("a,b\n1,2,\n3,4,\n") == "[2, 2]");
  CHECK(shape("a,b,c\n1,2,\n3,4,\n") == "[2, 3]");  // a column with a name
  CHECK(shape("1,2,\n3,4,5\n") == "[2, 3]");
  CHECK(shape("1,2\n3,4\n,\n,\n") == "[2, 2]");
  CHECK(shape("1,2\n,\n3,4\n") == "[3, 2]");
  const CsvOptions tabs{.delimiter = '\t'};
  CHECK(same(to_vector(read("1\t\t2\n3\t4\n5\t\t6\t\n", tabs).values), {1, 2, 3, 4, 5, 6}));
  CHECK(same(to_vector(read("1\t\t2\n3\t4\t5\n", tabs).values), {1, kNaN, 2, 3, 4, 5}));
  CHECK(has(refusal("1\t2\n3\t4\t5\n", tabs), "expected 2 cells as in line 1, got 3"));
  const CsvOptions blanks{.delimiter = ' '};
  CHECK(same(to_vector(read("  1  2\t3 \n4 \"5\"   6\r\n", blanks).values), {1, 2, 3, 4, 5, 6}));
  CHECK(read("1 \"a b\"\n2 c\n", blanks).classes[1] == Names{"a b", "c"});
}

TEST_CASE("another delimiter is noticed") {
  const auto hint = [](const std::string& text, char delimiter = ',') {
    const std::string message = refusal(text, {.delimiter = delimiter});
    const std::size_t at = message.find(".delimiter = ");
    return at == std::string::npos ? message : message.substr(at + 13, 4);
  };
  CHECK(hint("1\t2\t3\n4\t5\t6\n") == "'\\t'");
  CHECK(hint("a\tb\nx\ty\n") == "'\\t'");
  CHECK(hint("1;2\n3;4\n").starts_with("';'"));
  CHECK(hint("a;b\n1,5;2,5\n3,5;4,5\n").starts_with("';'"));
  CHECK(hint("1,5;2,5\n3,5;4,5\n").starts_with("';'"));
  CHECK(hint("1 2\n3 4\n").starts_with("' '"));
  CHECK(hint("1|2\n3|4\n").starts_with("'|'"));
  CHECK(hint("1,2\n3,4\n", ';').starts_with("','"));
  CHECK(hint("1,2\n3,4\n", ' ').starts_with("','"));
  CHECK(has(refusal("a;b\n1,5;2,5\n"), "and .decimal = ',' if half is written 0,5"));
}

TEST_CASE("files of another kind are named") {
  const auto zeros = [](const char* text) {
    std::string wide;
    for (; *text; ++text) wide += {*text, '\0'};
    return wide;
  };
  CHECK(has(refusal("\xff\xfe" + zeros("1,2\n")), "got text in UTF-16 in \""));
  CHECK(has(refusal(zeros("1,2\n3,4\n")), "got text in UTF-16 in \""));
  CHECK(has(refusal(std::string("1,2\n3,\0", 7)), "got a zero byte in line 2 in \""));
  CHECK(has(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5\n"),
            "expected a table in a text file, got a Git LFS pointer in \""));
  CHECK(has(refusal("\n <!DOCTYPE html>\n<html>"), "got an HTML page"));
  CHECK(has(refusal("PK\x03\x04....[Content_Types].xml"), "got an Office file"));
}

TEST_CASE("texts from a file are shown escaped and cut") {
  const std::string message = refusal("a,b\n1,2\n3,\x1b[31m" + std::string(100'000, 'x') + "\n");
  CHECK(message.size() < 1500);
  CHECK(message.find('\x1b') == std::string::npos);
}

TEST_CASE("a compressed file may not unfold without end") {
  const TempFolder scratch;
  std::string row;
  for (int i = 0; i < 1000; ++i) row += "0,";
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += row + "\n";
  const std::string path = scratch.write("t.csv.gz", gzip(text, 9));
  const auto begin = std::chrono::steady_clock::now();
  const std::string message = error_of([&] { data::read_csv(path); });
  CHECK(has(message, "expected at most 16777216 bytes, got more in \""));
  CHECK(has(message, "more than 256 times its size; unpack it beforehand"));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  // Below 16 MB nothing is too dense.
  text.resize(row.size() * 1000 + 1000);
  CHECK(data::read_csv(scratch.write("s.csv.gz", gzip(text, 9))).values.sizes() ==
        Shape({1000, 1000}));
}
