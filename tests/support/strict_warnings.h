// Warnings as errors, for a while.
#pragma once
#include <norma/norma.h>

/// While it lives, warnings are errors.
struct StrictWarnings {
  norma::Warnings before = norma::warnings();
  StrictWarnings() { norma::set_warnings(norma::Warnings::Error); }
  ~StrictWarnings() { norma::set_warnings(before); }
};
