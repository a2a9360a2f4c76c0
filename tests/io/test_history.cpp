// The numbers of a run: what is in the file, and what reads back.
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>

#include "norma/tests/io/support.h"
#include "norma/tests/support/comma_locale.h"

using namespace norma;

namespace {

const std::string kEndings[] = {".csv", ".jsonl"};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint64_t>(a[i]) != std::bit_cast<uint64_t>(b[i])) return false;
  return true;
}

/// "1/20=0.5 2/=nan": epochs, steps and values of a name.
std::string shown(const History& history, const std::string& name) {
  std::string list;
  for (const HistoryPoint& point : history.points(name)) {
    list += (list.empty() ? "" : " ") + (point.epoch ? std::to_string(*point.epoch) : "") + "/" +
            (point.step ? std::to_string(*point.step) : "") + "=" + shortest(point.value);
  }
  return list;
}

std::string first_lines(const std::string& bytes, int64_t count) {
  std::size_t end = 0;
  for (; count > 0; --count) end = bytes.find('\n', end) + 1;
  return bytes.substr(0, end);
}

}  // namespace

TEST_CASE("a history is a table, which grows columns") {
  const TempFolder folder;
  const std::string path = folder / "run.csv";
  History history(path);
  CHECK(history.path() == path);
  CHECK(history.rows() == 0);
  CHECK(read_bytes(path).empty());
  history.log({{"loss", 0.5}, {"correct", 3}}, {.epoch = 0, .step = 10});
  CHECK(read_bytes(path) == "epoch,step,loss,correct\n0,10,0.5,3\n");
  const Tensor loss = (ones({1}).requires_grad_() * 0.25).sum();
  history.log({{"loss", loss}}, {.epoch = 0, .step = 20});
  CHECK(read_bytes(path) == "epoch,step,loss,correct\n0,10,0.5,3\n0,20,0.25,\n");
  history.log({{"accuracy", 0.1f}, {"loss", true}}, {.epoch = 0});
  const std::string table =
      "epoch,step,loss,correct,accuracy\n"
      "0,10,0.5,3,\n"
      "0,20,0.25,,\n"
      "0,,1,,0.10000000149011612\n";
  CHECK(read_bytes(path) == table);
  history.log({{"correct", 4}});
  CHECK(read_bytes(path) == table + ",,,4,\n");
  CHECK(folder.list() == "run.csv");

  CHECK(history.rows() == 4);
  CHECK(history.names() == std::vector<std::string>{"loss", "correct", "accuracy"});
  CHECK(history.values("loss") == std::vector<double>{0.5, 0.25, 1});
  CHECK(shown(history, "loss") == "0/10=0.5 0/20=0.25 0/=1");
  CHECK(shown(history, "correct") == "0/10=3 /=4");
}

TEST_CASE("a history is JSON Lines, an object for each row") {
  const TempFolder folder;
  const std::string path = folder / "run.jsonl";
  {
    History history(path);
    history.log({{"loss", 0.5}, {"correct", 3}}, {.epoch = 0, .step = 10});
    history.log({{"a \"b\" \\", NAN}, {"c", INFINITY}, {"d", -INFINITY}}, {.epoch = 1});
    history.log({{"loss", 1e-300}});
  }
  CHECK(read_bytes(path) ==
        "{\"epoch\": 0, \"step\": 10, \"loss\": 0.5, \"correct\": 3}\n"
        "{\"epoch\": 1, \"a \\\"b\\\" \\\\\": \"NaN\", \"c\": \"Infinity\", \"d\": \"-Infinity\"}\n"
        "{\"loss\": 1e-300}\n");
  const History again(path);
  CHECK(shown(again, "loss") == "0/10=0.5 /=1e-300");
  CHECK(std::isnan(again.values("a \"b\" \\").at(0)));
  CHECK(shown(again, "c") == "1/=inf");
  CHECK(shown(again, "d") == "1/=-inf");
}

TEST_CASE("a history in memory needs no file") {
  History history;
  CHECK(history.path().empty());
  history.log({{"loss", 2}}, {.step = 3});
  const std::vector<NamedNumber> more = {{"loss", 1}, {"lr", 0.1}};
  history.log(more, {.step = 4});
  CHECK(shown(history, "loss") == "/3=2 /4=1");
  history.resume({.step = 4});
  CHECK(shown(history, "loss") == "/3=2");
}

TEST_CASE("numbers read back with the same bits") {
  std::vector<double> numbers = {
      0.0,    -0.0,   0.1,       1.0 / 3, 5e-324, -2.2250738585072014e-308,
      1e308,  -1e308, INFINITY,  NAN,     1e16,   9007199254740993.0,
      1e-300, 0.1f,   -INFINITY, 123456.0};
  std::mt19937_64 generator(1);
  while (numbers.size() < 300) {
    const auto number = std::bit_cast<double>(generator());
    if (std::isfinite(number)) numbers.push_back(number);
  }
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string path = folder / ("run" + ending);
    {
      History history(path);
      for (double number : numbers) history.log({{"x", number}});
      CHECK(same_bits(history.values("x"), numbers));
    }
    CHECK(same_bits(History(path).values("x"), numbers));
    if (ending == ".csv") {
      const data::CsvTable table = data::read_csv(path, {.dtype = kFloat64, .missing = NAN});
      const Tensor x = table.column("x");
      REQUIRE(x.size(0) == std::ssize(numbers));
      CHECK(x[4].item<double>() == 5e-324);
      CHECK(x[3].item<double>() == 1.0 / 3);
    }
  }
}

TEST_CASE("numbers have a point in a file, whatever the locale") {
  const CommaLocale locale;
  if (!locale.is_set()) {
    WARN(kNoLocales);
    return;
  }
  const TempFolder folder;
  {
    History history(folder / "run.csv");
    history.log({{"x", 1234567.25}}, {.step = 1234567});
  }
  CHECK(read_bytes(folder / "run.csv") == "epoch,step,x\n,1234567,1234567.25\n");
  CHECK(History(folder / "run.csv").values("x").at(0) == 1234567.25);
}

TEST_CASE("names may be any text on a line") {
  const std::vector<std::string> names = {
      "a,b", "\"", "say \"x\", twice", " padded ", "Verlust µ", "x=1", "'",
      "\\",  "{}", "loss/train"};
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string path = folder / ("run" + ending);
    {
      History history(path);
      double value = 0;
      for (const std::string& name : names) history.log({{name, ++value}});
    }
    History again(path);
    CHECK(again.names() == names);
    for (std::size_t i = 0; i < names.size(); ++i)
      CHECK(again.values(names[i]) == std::vector<double>{static_cast<double>(i + 1)});
  }
  const TempFolder folder;
  History history(folder / "run.csv");
  history.log({{"a,b", 1}, {"say \"x\"", 2}});
  CHECK(read_bytes(folder / "run.csv") == "epoch,step,\"a,b\",\"say \"\"x\"\"\"\n,,1,2\n");
}

TEST_CASE("Python's readers read the same") {
  const TempFolder folder;
  {
    History table(folder / "run.csv"), lines(folder / "run.jsonl");
    for (History* history : {&table, &lines}) {
      history->log({{"a,\"b\"", 0.1}, {"x", NAN}}, {.epoch = 1, .step = 2});
      history->log({{"x", -INFINITY}, {"é", 1e-7}}, {.epoch = 1});
    }
  }
  const std::string script = folder.write("read.py", R"(
import csv, json, math, sys
folder = sys.argv[1]
table = list(csv.DictReader(open(folder + "/run.csv", encoding="utf-8", newline="")))
lines = [json.loads(line) for line in open(folder + "/run.jsonl", encoding="utf-8")]
assert [list(row) for row in table] == [["epoch", "step", 'a,"b"', "x", "é"]] * 2, table
assert [list(row) for row in lines] == [["epoch", "step", 'a,"b"', "x"], ["epoch", "x", "é"]], lines
for rows in table, lines:
    assert float(rows[0]['a,"b"']) == 0.1 and math.isnan(float(rows[0]["x"])), rows
    assert float(rows[1]["x"]) == -math.inf and float(rows[1]["é"]) == 1e-7, rows
    assert int(rows[0]["epoch"]) == 1 and int(rows[0]["step"]) == 2, rows
assert table[1]["step"] == "" and table[1]['a,"b"'] == ""
)");
  CHECK(std::system(("python3 '" + script + "' '" + folder.path() + "'").c_str()) == 0);
}

TEST_CASE("rows are there for others as soon as they are logged") {
  const TempFolder folder;
  History history(folder / "run.csv");
  for (int i = 0; i < 3; ++i) {
    history.log({{"x", i}});
    const std::string bytes = read_bytes(folder / "run.csv");
    CHECK(bytes.ends_with(text("\n,,", i, "\n")));
    CHECK(bytes == first_lines(bytes, i + 2));
  }
}

TEST_CASE("a resumed run drops what its checkpoint took back") {
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string path = folder / ("run" + ending);
    const auto made = [&] {
      ::unlink(path.c_str());
      History history(path);
      for (int64_t epoch = 0; epoch < 3; ++epoch) {
        history.log({{"lr", 1}}, {.epoch = epoch});
        for (int64_t step = 4 * epoch; step < 4 * epoch + 4; ++step)
          history.log({{"loss", step}}, {.epoch = epoch, .step = step});
        history.log({{"accuracy", epoch}}, {.epoch = epoch});
      }
    };
    const auto rest = [&](const HistoryPosition& position) {
      made();
      {
        History history(path);
        history.resume(position);
        history.log({{"loss", -1}}, position);
      }
      const History history(path);
      return text(history.rows(), ": ", shown(history, "loss"));
    };
    CHECK(rest({.epoch = 1}) == "7: 0/0=0 0/1=1 0/2=2 0/3=3 1/=-1");
    CHECK(rest({.step = 2}) == "4: 0/0=0 0/1=1 /2=-1");
    // In the middle of an epoch, whose first row has no step; then at its end.
    CHECK(rest({.epoch = 1, .step = 6}) == "10: 0/0=0 0/1=1 0/2=2 0/3=3 1/4=4 1/5=5 1/6=-1");
    CHECK(rest({.epoch = 1, .step = 8}).starts_with("12: "));
    CHECK(rest({.epoch = 3}).starts_with("19: "));
    CHECK(rest({.epoch = 0}) == "1: 0/=-1");
    CHECK(rest({.step = 0}) == "1: /0=-1");
  }
  const TempFolder folder;
  {
    History history(folder / "run.csv");
    history.log({{"old", 1}}, {.epoch = 0});
    history.resume({.epoch = 0});
    CHECK(history.names().empty());
    history.log({{"new", 1}}, {.epoch = 0});
  }
  CHECK(read_bytes(folder / "run.csv") == "epoch,step,new\n0,,1\n");
  History history(folder / "run.csv");
  CHECK(error_of([&] { history.resume({}); }) ==
        "[History::resume] expected an epoch, a step or both, got neither");
  CHECK(error_of([&] { history.resume({.epoch = 1, .step = -1}); }) ==
        "[History::resume] expected a position of at least 0, got -1");
}

TEST_CASE("rows that cannot be are refused, and the history stays as it was") {
  const TempFolder folder;
  const std::string path = folder / "run.csv";
  History history(path);
  const std::string where = "[History::log] " + path + ": ";
  history.log({{"loss", 1}}, {.epoch = 2, .step = 10});
  const std::string before = read_bytes(path);
  const auto refusal = [&](const std::vector<NamedNumber>& values,
                           const HistoryPosition& position = {}) {
    return error_of([&] { history.log(values, position); });
  };
  CHECK(refusal({}) == where + "expected at least one value, got none");
  CHECK(refusal({{"", 1}}) == where + "expected names of text on one line, got \"\"");
  CHECK(refusal({{"ok", 1}, {"a\nb", 1}}) ==
        where + "expected names of text on one line, got \"a\\nb\"");
  CHECK(refusal({{"a\xff", 1}}) == where + "expected names of text on one line, got \"a\\xff\"");
  CHECK(refusal({{"step", 1}}) == where +
                                      "expected a name of a value, got \"step\"; "
                                      "log(…, {.step = …}) says where a row belongs");
  CHECK(refusal({{"a", 1}, {"b", 1}, {"a", 2}}) ==
        where + "expected every name once, got \"a\" twice");
  CHECK(refusal({{"a", 1}}, {.epoch = 1}) ==
        where +
            "expected epoch of at least 2, as in a row before, got 1; resume({.epoch = 1}) "
            "drops the rows from there on");
  CHECK(refusal({{"a", 1}}, {.epoch = 2, .step = 9}) ==
        where +
            "expected step of at least 10, as in a row before, got 9; resume({.step = 9}) "
            "drops the rows from there on");
  CHECK(refusal({{"a", 1}}, {.step = -1}) == where + "expected step of at least 0, got -1");
  CHECK(error_of([&] { history.log({{"a", Tensor()}}); }).starts_with("[item] "));
  CHECK(error_of([&] {
          history.log({{"a", ones({2})}});
        }) ==
        "[HistoryNumber] expected a number or a tensor of one element, got [2]; log its mean() or "
        "sum()");
  CHECK(error_of([&] { History().log({}); }) ==
        "[History::log] expected at least one value, got none");
  CHECK(error_of([&] { static_cast<void>(history.values("los")); }) ==
        "[History::values] expected one of the names \"loss\", got \"los\"");
  CHECK(error_of([&] { static_cast<void>(History().points("a")); }) ==
        "[History::values] expected one of the names that were logged, got \"a\"");
  CHECK(read_bytes(path) == before);
  CHECK(history.names() == std::vector<std::string>{"loss"});
  history.log({{"loss", 2}}, {.epoch = 2, .step = 10});
  CHECK(history.rows() == 2);
}
