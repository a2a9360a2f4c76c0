// gnuplot, or what stands in for it, and what it is given.
#pragma once
#include <norma/plot.h>

#include <cstdlib>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/temp_folder.h"

/// As long as it lives, PATH is `path`.
class PathGuard {
 public:
  explicit PathGuard(const std::string& path) : old_(std::getenv("PATH")) {
    setenv("PATH", path.c_str(), 1);
  }
  ~PathGuard() { setenv("PATH", old_.c_str(), 1); }
  PathGuard(const PathGuard&) = delete;
  PathGuard& operator=(const PathGuard&) = delete;

 private:
  std::string old_;
};

/// A shell script in the place of gnuplot. The usual one keeps what it reads and draws "<svg/>".
class FakeGnuplot {
 public:
  explicit FakeGnuplot(const std::string& commands =
                           "cat >\"$0.script\"; echo \"$@\" >\"$0.arguments\"; echo '<svg/>'")
      : file_(folder_.write("gnuplot", "#!/bin/sh\nPATH=/usr/bin:/bin\n" + commands + "\n")),
        path_(folder_.path()) {
    std::filesystem::permissions(file_, std::filesystem::perms::owner_all);
  }
  std::string script() const { return read_bytes(file_ + ".script"); }
  std::string arguments() const { return read_bytes(file_ + ".arguments"); }
  /// The rows of $dataN.
  std::vector<std::vector<double>> data(int number) const {
    const std::string begin = "$data" + std::to_string(number) + " << END\n", all = script();
    std::vector<std::vector<double>> rows;
    const std::size_t at = all.find(begin);
    if (at == std::string::npos) return rows;
    std::istringstream lines(all.substr(at + begin.size()));
    for (std::string line; std::getline(lines, line) && line != "END";) {
      rows.emplace_back();
      std::istringstream numbers(line);
      for (std::string number_; numbers >> number_;) rows.back().push_back(std::stod(number_));
    }
    return rows;
  }

 private:
  TempFolder folder_;
  std::string file_;
  PathGuard path_;
};

/// Whether there is a real one; says so where there is none.
inline bool has_gnuplot() {
  const bool found = std::system("gnuplot --version > /dev/null 2>&1") == 0;
  if (!found) WARN("no gnuplot here");
  return found;
}
