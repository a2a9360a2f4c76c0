// Running a Python script that needs PyTorch.
#pragma once
#include <sys/wait.h>

#include <cstdlib>
#include <string>

/// The exit code of `python3 script arguments`, by convention 77 where PyTorch is missing.
inline int run_torch_python(const std::string& script_and_arguments) {
  const int status = std::system((NORMA_TORCH_PYTHON " -B " + script_and_arguments).c_str());
  if (!WIFEXITED(status)) return -1;
  return WEXITSTATUS(status) == 127 ? 77 : WEXITSTATUS(status);
}
