// <c10/util/Optional.h>: part of torch/types.h.
#pragma once
#include "torch/torch.h"
