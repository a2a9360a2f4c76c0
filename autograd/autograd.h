// Differentiation and the differentiable functions.
#pragma once
#include "norma/autograd/anomaly.h"
#include "norma/autograd/functional.h"
#include "norma/autograd/grad_mode.h"
#include "norma/autograd/gradcheck.h"
#include "norma/autograd/observer.h"
#include "norma/autograd/ops.h"
#include "norma/autograd/record.h"
