// Modules and layers.
#pragma once
#include "norma/layers/module.h"
