// The file of a history: after kills, cuts, full disks and removals, and what is refused as one.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

const std::string kEndings[] = {".csv", ".jsonl"};

}  // namespace

TEST_CASE("a file that was cut at any byte goes on after its last whole row") {
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string path = folder / ("run" + ending);
    {
      History history(path);
      history.log({{"a,\"b", 0.125}, {"loss", 1e-9}}, {.epoch = 0, .step = 1});
      history.log({{"loss", NAN}}, {.epoch = 0, .step = 2});
      history.log({{"loss", -3.5}, {"a,\"b", 7}}, {.epoch = 1, .step = 3});
    }
    const std::string whole = read_bytes(path);
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      INFO(ending << ", " << length << " of " << whole.size() << " bytes");
      const std::string part = whole.substr(0, length);
      write_bytes(path, part);
      const std::string kept = part.substr(0, part.rfind('\n') + 1);
      const auto lines = static_cast<int64_t>(std::count(kept.begin(), kept.end(), '\n'));
      const int64_t rows = ending == ".csv" && lines > 0 ? lines - 1 : lines;
      History history(path);
      CHECK(history.rows() == rows);
      CHECK(read_bytes(path) == kept);
      history.log({{"loss", 4}}, {.epoch = 1, .step = 9});
      const std::string now = read_bytes(path);
      CHECK(now.starts_with(kept));
      CHECK(history.values("loss").size() == static_cast<std::size_t>(rows + 1));
    }
  }
}

TEST_CASE("a history that is killed while it writes loses no row that log returned from") {
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string path = folder / ("run" + ending);
    int64_t rows = 0;
    for (int run = 0; run < 12; ++run) {
      int ends[2];
      REQUIRE(::pipe(ends) == 0);
      const pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        History history(path);
        for (int64_t i = history.rows();; ++i) {
          // Every 40 rows the table is written anew.
          history.log({{"x", static_cast<double>(i) / 3}, {text("y", i / 40), 1}}, {.step = i});
          if (::write(ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
        }
      }
      ::close(ends[1]);
      int64_t told = rows - 1, number = 0;
      for (int i = 0; i<5 + 7 * run&& ::read(ends[0], &number, sizeof number)> 0; ++i) {
      }
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      while (::read(ends[0], &number, sizeof number) > 0) told = number;
      ::close(ends[0]);
      const History history(path);
      rows = history.rows();
      CHECK(rows > told);
      const std::vector<HistoryPoint> points = history.points("x");
      REQUIRE(std::ssize(points) == rows);
      for (int64_t i = 0; i < rows; ++i) {
        CHECK(points[static_cast<std::size_t>(i)].step == i);
        CHECK(points[static_cast<std::size_t>(i)].value == static_cast<double>(i) / 3);
      }
    }
    CHECK(rows > 100);
  }
}

TEST_CASE("a file that was removed is written anew, where it was") {
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string here = std::filesystem::current_path().string();
    std::filesystem::current_path(folder.path());
    History history("run" + ending);
    std::filesystem::current_path(here);
    history.log({{"x", 1}});
    history.log({{"y", 2}});
    const std::string before = read_bytes(folder / ("run" + ending));
    REQUIRE(::unlink((folder / ("run" + ending)).c_str()) == 0);
    history.log({{"x", 3}});
    history.log({{"x", 4}});
    CHECK(read_bytes(folder / ("run" + ending)).starts_with(before));
    CHECK(folder.list() == "run" + ending);
    std::filesystem::current_path(folder.path());
    CHECK(error_of([&] {
            const History other("run" + ending);
          }).ends_with("another History has this file open, here or in another process"));
    std::filesystem::current_path(here);
    CHECK(history.values("x") == std::vector<double>{1, 3, 4});
  }
}

TEST_CASE("a row that does not fit on the disk is neither there nor in the history") {
  for (const std::string& ending : kEndings) {
    const TempFolder folder;
    const std::string path = folder / ("run" + ending);
    History history(path);
    history.log({{"loss", 1}});
    const std::string before = read_bytes(path);
    // A limit on the size of files fails as a full disk does.
    struct rlimit old {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    struct rlimit small = old;
    small.rlim_cur = before.size() + 3;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string message = error_of([&] { history.log({{"loss", 0.123456789}}); });
    const std::string grown = error_of([&] { history.log({{"loss", 2}, {"other", 0.5}}); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK(message == "[History::log] " + path + ": cannot write: File too large");
    CHECK(grown == message);
    CHECK(read_bytes(path) == before);
    CHECK(history.rows() == 1);
    CHECK(history.names() == std::vector<std::string>{"loss"});
    CHECK(folder.list() == "run" + ending);
    history.log({{"third", 3}});
    CHECK(history.rows() == 2);
  }
}

TEST_CASE("files that cannot be a history are named with the reason") {
  const TempFolder folder;
  const auto refusal = [&](const std::string& path) {
    return error_of([&] { const History history(path); });
  };
  const auto of_bytes = [&](const std::string& name, const std::string& bytes) {
    const std::string path = folder.write(name, bytes);
    const std::string message = refusal(path), start = "[History] " + path + ":";
    CHECK(read_bytes(path) == bytes);
    return message.starts_with(start) ? message.substr(start.size()) : message;
  };
  CHECK(refusal("") == "[History] expected the path of a file, got an empty one");
  CHECK(refusal(folder / "run.txt") ==
        "[History] " + folder / "run.txt" + ": expected a name that ends in .csv or .jsonl");
  CHECK(refusal(folder / "no/run.csv") == "[History] " + folder / "no/run.csv" +
                                              ": cannot open: No such file or directory; make its "
                                              "folder first");
  REQUIRE(::mkdir((folder / "folder.csv").c_str(), 0777) == 0);
  CHECK(refusal(folder / "folder.csv") ==
        "[History] " + folder / "folder.csv" + ": cannot open: Is a directory");
  REQUIRE(::symlink("/dev/full", (folder / "full.csv").c_str()) == 0);
  CHECK(refusal(folder / "full.csv") ==
        "[History] " + folder / "full.csv" +
            ": expected a regular file or none, got a device, pipe or socket");
  folder.write("locked.csv", "epoch,step\n");
  REQUIRE(::chmod((folder / "locked.csv").c_str(), 0444) == 0);
  const std::string locked = refusal(folder / "locked.csv");
  CHECK((locked == "[History] " + folder / "locked.csv" +
                       ": cannot write to a file that is read-only; allow it with chmod u+w" ||
         locked == "[History] " + folder / "locked.csv" + ": cannot open: Permission denied"));

  const std::string expected = "1: expected a history, whose first line begins with \"epoch,step\"";
  CHECK(of_bytes("a.csv", "x,y\n1,2\n") == expected + ", got \"x,y\"");
  CHECK(of_bytes("a.csv", "epoch,steps\n") == expected + ", got \"epoch,steps\"");
  CHECK(of_bytes("a.csv", "hello") == "1: expected a history, got \"hello\"");
  CHECK(of_bytes("a.csv", "epoch,step,a,a\n") == "1: expected every name once, got \"a\" twice");
  const std::string names = "1: expected names of values, text on one line, got ";
  CHECK(of_bytes("a.csv", "epoch,step,\n") == names + "\"\"");
  CHECK(of_bytes("a.csv", "epoch,step,step\n") == names + "\"step\"");
  CHECK(of_bytes("a.csv", "epoch,step,a\r\r\n") == names + "\"a\\r\"");
  CHECK(of_bytes("a.jsonl", "{\"\xff\": 1}\n") == names + "\"\\xff\"");
  CHECK(of_bytes("a.csv", "epoch,step,\"a\n1,1,1\n") ==
        "1: expected an end of the quotes in the first line");
  CHECK(of_bytes("a.csv", "epoch,step,a\n1,1,1\n1,1\n") == "3: expected 3 cells, got 2");
  CHECK(of_bytes("a.csv", "epoch,step,a\n1,1,1x\n") == "2: expected a number, got \"1x\"");
  CHECK(of_bytes("a.csv", "epoch,step,a\n1.5,1,1\n") == "2: expected a whole number, got \"1.5\"");
  CHECK(of_bytes("a.jsonl", "[1]\n") == "1: expected an object, got \"[1]\"");
  CHECK(of_bytes("a.jsonl", "[1]") == "1: expected a history, got \"[1]\"");
  CHECK(of_bytes("a.jsonl", "{\"a\": 1}\n{\"a\" 1}\n") == "2: expected a colon, got \"1}\"");
  CHECK(of_bytes("a.jsonl", "{}\n") == "1: expected a name, got \"}\"");
  CHECK(of_bytes("a.jsonl", "{\"a\": \"b\"}\n") == "1: expected a number, got \"b\"");
  CHECK(of_bytes("a.jsonl", "{\"a\": null}\n") == "1: expected a number, got \"null\"");
  CHECK(of_bytes("a.jsonl", "{\"a\": 1\n") == "1: expected the object's end, got \"\"");
  CHECK(of_bytes("a.jsonl", "{\"a\": 1} x\n") == "1: expected the line's end, got \"x\"");
  CHECK(of_bytes("a.jsonl", "{\"a\\n\": 1}\n") == "1: expected a name, got \"n\\\": 1}\"");

  // As spreadsheets save it.
  CHECK(of_bytes("a.csv", "epoch,step,a\r\n1,,2.5\r\n") == "no error");
}

TEST_CASE("one History at a time has a file") {
  const TempFolder folder;
  const std::string path = folder / "run.csv";
  const auto second = [&] { return error_of([&] { const History history(path); }); };
  const std::string message =
      "[History] " + path + ": another History has this file open, here or in another process";
  {
    History history(path);
    CHECK(second() == message);
    history.log({{"a", 1}});
    history.log({{"b", 1}});  // a new file under the same name
    CHECK(second() == message);
    REQUIRE(::symlink(path.c_str(), (folder / "link.csv").c_str()) == 0);
    CHECK(error_of([&] { const History other(folder / "link.csv"); }) ==
          "[History] " + folder / "link.csv" +
              ": another History has this file open, here or in another process");
  }
  CHECK(second() == "no error");
  History history(folder / "link.csv");
  history.log({{"c", 1}});
  CHECK(read_bytes(path) == "epoch,step,a,b,c\n,,1,,\n,,,1,\n,,,,1\n");
  CHECK(folder.list() == "link.csv run.csv");
}
