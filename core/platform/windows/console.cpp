#include "norma/core/platform/console.h"

#include <windows.h>

#include <cstdio>
#include <cstring>

namespace norma::platform {

// A console has a code page of its own, which is the program's to choose: it gets wide characters.
void print_error(const char* text) noexcept {
  const HANDLE console = GetStdHandle(STD_ERROR_HANDLE);
  DWORD mode = 0;
  if (!GetConsoleMode(console, &mode)) {
    std::fputs(text, stderr);
    return;
  }
  wchar_t piece[256];
  const char* const end = text + std::strlen(text);
  while (text < end) {
    int size = static_cast<int>(end - text < 256 ? end - text : 256);
    while (text + size < end && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    const int length = MultiByteToWideChar(CP_UTF8, 0, text, size, piece, 256);
    DWORD written = 0;
    WriteConsoleW(console, piece, static_cast<DWORD>(length), &written, nullptr);
    text += size;
  }
}

}  // namespace norma::platform
