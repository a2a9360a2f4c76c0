// Optimisers, learning-rate schedulers, gradient clipping.
#pragma once
#include "norma/optim/adam.h"
#include "norma/optim/clip.h"
#include "norma/optim/lr_scheduler.h"
#include "norma/optim/optimizer.h"
#include "norma/optim/sgd.h"
