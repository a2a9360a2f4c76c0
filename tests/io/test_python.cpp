// PyTorch opens what Norma writes. Skipped where no python3 has PyTorch.
#include <norma/norma.h>

#include "norma/tests/io/support.h"
#include "norma/tests/support/python.h"

using namespace norma;

TEST_CASE("PyTorch loads a saved model and a checkpoint, and answers the same") {
  const TempFolder scratch;
  manual_seed(2);
  nn::Sequential model(nn::Conv2d(1, 3, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(3),
                       nn::ReLU(), nn::Flatten(), nn::Linear(48, 5), nn::BatchNorm1d(5), nn::Tanh(),
                       nn::Linear(5, 2));
  optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
  for (int step = 0; step < 4; ++step) {
    optimizer.zero_grad();
    model(randn({16, 1, 4, 4})).square().mean().backward();
    optimizer.step();
  }
  model.eval();
  const Tensor x = randn({3, 1, 4, 4});
  save(model, scratch / "model.safetensors");
  save_safetensors({{"input", x}, {"output", model(x).detach()}}, scratch / "answers.safetensors");
  save_checkpoint(scratch / "checkpoint.safetensors", {.module = &model,
                                                       .optimizer = &optimizer,
                                                       .epoch = 4,
                                                       .metadata = {{"note", "four steps"}}});
  const int code = run_torch_python(
      NORMA_IO_TESTS "read_safetensors.py '" + scratch / "model.safetensors" + "' '" +
      scratch / "answers.safetensors" + "' '" + scratch / "checkpoint.safetensors" + "'");
  if (code == 77) {
    std::puts("skipped: no python3 with PyTorch");
    std::filesystem::remove_all(scratch.path());
    std::exit(77);
  }
  CHECK(code == 0);
}
