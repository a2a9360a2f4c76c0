// Data sets, transforms, batches.
#pragma once
#include "norma/data/dataset.h"
#include "norma/data/transforms.h"
