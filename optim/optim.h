// Optimisers, learning-rate schedulers, gradient clipping.
#pragma once
#include "norma/optim/optimizer.h"
