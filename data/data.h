// Data sets, transforms, batches.
#pragma once
#include "norma/data/cifar.h"
#include "norma/data/csv.h"
#include "norma/data/data_loader.h"
#include "norma/data/dataset.h"
#include "norma/data/idx.h"
#include "norma/data/synthetic.h"
#include "norma/data/transforms.h"
