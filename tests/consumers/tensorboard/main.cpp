// Writes an event file below the current folder, and looks for it.
#include <norma/norma.h>
#include <norma/tensorboard/summary_writer.h>

#include <cstdio>
#include <filesystem>

int main() {
  norma::tensorboard::SummaryWriter writer("run");
  writer.add_scalar("loss", 0.5, 1);
  writer.add_image("image", norma::ones({1, 4, 4}), 1);
  writer.close();
  for (const auto& entry : std::filesystem::directory_iterator("run"))
    if (entry.file_size() > 100) return 0;
  std::printf("expected an event file in run/, got none\n");
  return 1;
}
