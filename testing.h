// For tests: comparing tensors and checking modules. Not in norma.h: a program that is no test does
// without. Matchers for Catch2 and GoogleTest: norma/testing/catch2.h, norma/testing/gtest.h.
#pragma once

#include "norma/testing/assert_close.h"
#include "norma/testing/check_module.h"
#include "norma/testing/value.h"
