// All of it.
#pragma once
#include "torch/torch.h"
