// What an action prints on stderr.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

inline std::string stderr_of(const std::function<void()>& action) {
  char* data = nullptr;
  std::size_t size = 0;
  std::FILE* const real = stderr;
  stderr = open_memstream(&data, &size);
  action();
  std::fclose(stderr);
  stderr = real;
  const std::string text(data, size);
  std::free(data);
  return text;
}
