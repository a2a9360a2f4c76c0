// <c10/util/Exception.h>: part of torch/types.h.
#pragma once
#include "torch/torch.h"
