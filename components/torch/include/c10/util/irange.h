// <c10/util/irange.h>: part of torch/types.h.
#pragma once
#include "torch/torch.h"
