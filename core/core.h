// The tensor core.
#pragma once
#include "norma/core/dtype.h"
#include "norma/core/error.h"
#include "norma/core/factory.h"
#include "norma/core/random.h"
#include "norma/core/scalar.h"
#include "norma/core/shape.h"
#include "norma/core/storage.h"
#include "norma/core/tensor.h"
#include "norma/core/threads.h"
