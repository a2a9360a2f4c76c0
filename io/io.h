// Saving and loading.
#pragma once
#include "norma/io/checkpoint.h"
#include "norma/io/safetensors.h"
#include "norma/io/save_load.h"
#include "norma/io/torch_file.h"
