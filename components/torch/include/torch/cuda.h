// torch/cuda.h: part of torch/types.h.
#pragma once
#include "torch/types.h"
