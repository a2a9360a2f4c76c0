// Real data for tests: the folder that NORMA_DATA_DIR names, with mnist/, cifar10/ and optdigits/.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>

/// The folder of real data. Where there is none, the whole test program stops and ctest shows it as
/// skipped: keep tests on real data in a program of their own.
inline std::string data_dir_or_skip() {
  if (const char* dir = std::getenv("NORMA_DATA_DIR"); dir != nullptr && *dir != '\0') return dir;
  std::puts("skipped: NORMA_DATA_DIR does not name a folder of real data");
  std::exit(77);
}
