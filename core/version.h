// Which Norma this is, for the preprocessor. CMakeLists.txt reads the numbers from here.
#pragma once

/// Semantic versioning; below 1.0.0, a minor version may change the interface (README.md).
#define NORMA_VERSION_MAJOR 0
#define NORMA_VERSION_MINOR 1
#define NORMA_VERSION_PATCH 0
/// "0.1.0"
#define NORMA_VERSION "0.1.0"
/// To compare with: `#if NORMA_VERSION_NUMBER >= 200` is for 0.2.0 and newer, 10000 for 1.0.0.
#define NORMA_VERSION_NUMBER \
  (NORMA_VERSION_MAJOR * 10000 + NORMA_VERSION_MINOR * 100 + NORMA_VERSION_PATCH)
