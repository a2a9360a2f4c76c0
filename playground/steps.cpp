// Trains without a page: what the same settings give natively and in WebAssembly, and how fast.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "norma/playground/playground.h"

namespace {

constexpr const char* kUsage =
    "usage: playground_steps losses SETTINGS STEPS    the loss of each step, a line each\n"
    "       playground_steps state SETTINGS           the points and parameters, as JSON\n"
    "       playground_steps speed SETTINGS SECONDS   steps per second\n";

void print_losses(playground::Playground& model, int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) std::printf("%.9g\n", model.step());
}

void print_list(const char* name, const norma::Tensor& values, const char* behind) {
  const norma::Tensor row = values.detach().to(norma::kFloat64).contiguous().flatten();
  std::printf("\"%s\": [", name);
  for (int64_t i = 0; i < row.numel(); ++i) {
    std::printf("%s%.9g", i > 0 ? ", " : "", row.data_ptr<double>()[i]);
  }
  std::printf("]%s\n", behind);
}

void print_state(const playground::Playground& model) {
  std::printf("{");
  print_list("inputs", model.points().inputs, ",");
  print_list("targets", model.points().targets, ",");
  for (const auto& [name, parameter] : model.net().named_parameters()) {
    print_list(name.c_str(), parameter, ",");
  }
  std::printf("\"done\": true}\n");
}

void print_speed(playground::Playground& model, double seconds) {
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < 100; ++i) model.step();
  const auto begin = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  int64_t steps = 0;
  for (; passed() < seconds; ++steps) model.step();
  std::printf("%.0f steps per second\n", static_cast<double>(steps) / passed());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  try {
    playground::Playground model;
    if (argc > 2) model.configure(argv[2]);
    if (what == "losses" && argc == 4) {
      print_losses(model, std::atoll(argv[3]));
    } else if (what == "state" && argc == 3) {
      print_state(model);
    } else if (what == "speed" && argc == 4) {
      print_speed(model, std::atof(argv[3]));
    } else {
      std::fputs(kUsage, stderr);
      return 2;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
