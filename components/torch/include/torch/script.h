// For programs that include it: TorchScript is not there, `torch::jit::load` does not compile.
#pragma once
#include "torch/torch.h"
