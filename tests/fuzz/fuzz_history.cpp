// Any bytes as the file of a History, as a table and as JSON Lines: what is read is what is there
// after a further row.
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "norma/tests/fuzz/fuzz.h"
#include "norma/tests/support/temp_folder.h"

namespace {

/// Every point of a history, its values as bits, but every NaN as one: a file keeps no sign of it.
std::string contents(const norma::History& history) {
  std::string all;
  for (const std::string& name : history.names()) {
    all += name + "\n";
    for (const norma::HistoryPoint& point : history.points(name)) {
      const double value = std::isnan(point.value) ? std::nan("") : point.value;
      all += norma::text(point.epoch.value_or(-1), ' ', point.step.value_or(-1), ' ',
                         std::bit_cast<uint64_t>(value), '\n');
    }
  }
  return all;
}

}  // namespace

NORMA_FUZZ_TARGET(data, size) {
  static const TempFolder folder;
  for (const char* name : {"run.csv", "run.jsonl"}) {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    fuzz::run([&] {
      std::string before;
      {
        norma::History history(path);
        if (history.rows() > 10'000) return;
        history.log({{"a", 0.5}, {"new,\"", 1}});
        before = contents(history);
      }
      try {
        const norma::History again(path);
        if (contents(again) != before) fuzz::broken("the same after a row", contents(again));
      } catch (const norma::Error& error) {
        fuzz::broken("a history that is read again", error.what());
      }
    });
    std::filesystem::remove(path);
  }
  return 0;
}
