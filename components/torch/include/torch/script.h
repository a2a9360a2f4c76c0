// For programs that include it; TorchScript itself is not there: `torch::jit::load` does not compile.
#pragma once
#include "torch/torch.h"
