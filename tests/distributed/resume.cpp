// `resume save FILE` trains until the middle of an epoch; `resume load FILE`, on another number of
// ranks, to the end, and compares with a training of one process that was never stopped.
#include "norma/tests/distributed/resumed.h"

#include <cstdio>

int main(int, char** arguments) {
  const std::string command = arguments[1], path = arguments[2];
  Training training(ranks::size());
  if (command == "save") {
    training.run(1, 1);
    norma::distributed::save_checkpoint(path, training.parts());
    return 0;
  }
  const auto info = norma::distributed::load_checkpoint(path, training.targets());
  training.loader.set_position(info.loader);
  training.run();
  Training whole(1);
  whole.run();
  const std::string error = training.unlike(whole, 1e-12);
  if (!error.empty()) std::fprintf(stderr, "%s\n", error.c_str());
  return error.empty() ? 0 : 1;
}
