// Draws a curve where gnuplot is installed, and keeps its numbers where it is not.
#include <norma/norma.h>
#include <norma/plot.h>

#include <cstdio>
#include <filesystem>

int main() {
  norma::History history;
  for (int64_t step = 0; step < 10; ++step) history.log({{"loss", 10 - step}}, {.step = step});
  try {
    norma::plot::curves("loss.svg", history);
  } catch (const norma::Error& error) {
    std::printf("%s\n", error.what());
  }
  return std::filesystem::exists("loss.svg") != std::filesystem::exists("loss.svg.csv") ? 0 : 1;
}
