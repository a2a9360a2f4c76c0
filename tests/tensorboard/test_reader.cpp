// What TensorBoard's own reader finds in the files, against those that PyTorch's writer makes.
#include <norma/tensorboard/summary_writer.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/temp_folder.h"

using namespace norma;
using tensorboard::SummaryWriter;

namespace {

/// What read_events.py prints; ends the test program with 77 where there is no TensorBoard.
std::string read_events(const std::string& folder) {
  const std::string python = NORMA_TENSORBOARD_PYTHON, out = folder + "/read.out";
  int status = 77 << 8;
  if (!python.empty()) {
    status = std::system(("'" + python + "' -B " NORMA_TENSORBOARD_TESTS "read_events.py '" +
                          folder + "' > '" + out + "' 2> '" + out + ".err'")
                             .c_str());
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) {
    std::printf(
        "skipped: no python3 with TensorBoard (pip install tensorboard; then configure "
        "with -DNORMA_TENSORBOARD_PYTHON=…)\n");
    std::exit(77);
  }
  INFO(read_bytes(out + ".err"));
  REQUIRE(status == 0);
  return read_bytes(out);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool same_number(const std::string& a, const std::string& b) {
  char *end_a = nullptr, *end_b = nullptr;
  const double x = std::strtod(a.c_str(), &end_a), y = std::strtod(b.c_str(), &end_b);
  return *end_a == 0 && *end_b == 0 && std::fabs(x - y) <= 1e-13 * std::fabs(x);
}

}  // namespace

TEST_CASE("TensorBoard reads what it reads of PyTorch's files") {
  const TempFolder folder;
  SummaryWriter writer(folder.path());
  writer.add_scalar("loss/train", 0.1, 3);
  writer.add_scalar("loss/train", 1e-30, 7);
  writer.add_scalar("loss/train", -INFINITY, 8);
  writer.add_scalar("none", ones({1}) + 1);
  writer.add_text("notes", "**bold** µ", 5);
  const Tensor ramp = arange(60).to(kFloat64);
  writer.add_histogram("one", tensor({0.25}), 1);
  writer.add_histogram("zeros", zeros({5}), 1);
  writer.add_histogram("both", (ramp - 20).pow(3) / 7, 2);
  writer.add_histogram("small",
                       tensor({1e-13, 1e-12, -1e-12, 5e-324, -3.5, 1e19}, {.dtype = kFloat64}), 2);
  writer.add_histogram("whole", tensor({{1, 2}, {2, 300}}), 4);
  const Tensor picture = (ramp / 59).to(kFloat32);
  writer.add_image("chw", picture.reshape({3, 4, 5}), 1);
  writer.add_image("grey", picture.reshape({1, 6, 10}), 1);
  writer.add_image("hw", picture.reshape({6, 10}), 1, {}, "HW");
  writer.add_image("wh", picture.reshape({6, 10}), 1, {}, "WH");
  writer.add_image("hwc", picture.reshape({4, 5, 3}), 1, {}, "HWC");
  writer.add_image("rgba", picture.reshape({3, 5, 4}), 1, {}, "hwc");
  writer.add_image("beyond", (ramp / 20 - 1).to(kFloat32).reshape({3, 4, 5}), 1);
  writer.add_image("bytes", (ramp * 5).to(kInt64).remainder(256).to(kUInt8).reshape({3, 4, 5}), 1);
  writer.add_images("grid", (arange(40).to(kFloat32) / 39).reshape({10, 1, 2, 2}), 6);
  writer.add_images("colours", (arange(24).to(kFloat32) / 23).reshape({2, 2, 2, 3}), 6, {}, "NHWC");

  // It is still open.
  const std::vector<std::string> found = split(read_events(folder.path()), '\n');
  const std::vector<std::string> expected =
      split(read_bytes(NORMA_TENSORBOARD_TESTS "golden_events.txt"), '\n');
  REQUIRE(expected.size() == 20);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == expected[i]) continue;
    INFO(found[i] << "\n" << expected[i]);
    const std::vector<std::string> a = split(found[i], ' '), b = split(expected[i], ' ');
    REQUIRE(a.size() == b.size());
    int different = 0;
    for (std::size_t k = 0; k < a.size(); ++k)
      different += a[k] != b[k] && !(a[0] == "histogram" && same_number(a[k], b[k]));
    CHECK(different == 0);
  }
}

TEST_CASE("TensorBoard sees a run grow, in all its files") {
  const TempFolder folder;
  SummaryWriter writer(folder / "run");
  writer.add_scalar("a", 1, 0);
  CHECK(read_events(folder / "run") == "scalar a 0 1.0\n");
  writer.add_scalar("a", 2, 1);
  writer.add_scalars("loss/all", {{"train", 0.5}, {"test", 0.25}}, 7);
  writer.add_scalars("loss/all", {{"train", 4}}, 8);
  writer.flush();
  CHECK(read_events(folder / "run") == "scalar a 0 1.0\nscalar a 1 2.0\n");
  writer.close();
  CHECK(read_events(folder / "run/loss_all_train") ==
        "scalar loss/all 7 0.5\nscalar loss/all 8 4.0\n");
  CHECK(read_events(folder / "run/loss_all_test") == "scalar loss/all 7 0.25\n");
}
