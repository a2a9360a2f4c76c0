// Everything. `#include <norma/norma.h>` is all a program needs.
#pragma once
#include "norma/autograd/autograd.h"
#include "norma/core/core.h"
#include "norma/data/data.h"
#include "norma/io/io.h"
#include "norma/layers/layers.h"
#include "norma/optim/optim.h"
