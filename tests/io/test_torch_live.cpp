// Fresh files of torch.save: random tensors in random layouts. Skipped where no python3 has
// PyTorch.
#include <norma/norma.h>

#include "norma/tests/io/support.h"
#include "norma/tests/support/python.h"

using namespace norma;

TEST_CASE("load_torch and load_safetensors give the same of what PyTorch saves as both") {
  const TempFolder scratch;
  for (int seed = 0; seed < 5; ++seed) {
    CAPTURE(seed);
    const int code = run_torch_python(NORMA_IO_TESTS "make_torch_files.py '" + scratch.path() +
                                      "' --live " + std::to_string(seed));
    if (code == 77) {
      std::puts("skipped: no python3 with PyTorch");
      std::filesystem::remove_all(scratch.path());
      std::exit(77);
    }
    REQUIRE(code == 0);
    const NamedTensors tensors = load_torch(scratch / "live.pt").tensors;
    CHECK(tensors.size() == 89);
    CHECK(same(sorted(tensors), sorted(load_safetensors(scratch / "live.safetensors").tensors)));
  }
}
