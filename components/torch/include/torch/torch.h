// libtorch's names over Norma: programs written for libtorch compile against this header.
#pragma once
#include "torch/arg.h"
#include "torch/autograd.h"
#include "torch/data.h"
#include "torch/functions.h"
#include "torch/nn.h"
#include "torch/optim.h"
#include "torch/ordered_dict.h"
#include "torch/serialize.h"
#include "torch/types.h"
