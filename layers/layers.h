// Modules and layers.
#pragma once
#include "norma/layers/activation.h"
#include "norma/layers/batch_norm.h"
#include "norma/layers/cloneable.h"
#include "norma/layers/dropout.h"
#include "norma/layers/flatten.h"
#include "norma/layers/identity.h"
#include "norma/layers/init.h"
#include "norma/layers/layer_norm.h"
#include "norma/layers/linear.h"
#include "norma/layers/loss.h"
#include "norma/layers/module.h"
#include "norma/layers/sequential.h"
