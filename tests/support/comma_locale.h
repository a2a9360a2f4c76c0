// A locale whose numbers have a comma for a point.
#pragma once
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "norma/tests/support/temp_folder.h"

/// Sets it for the process as long as it lives; `is_set()` is false where the machine cannot make
/// one.
class CommaLocale {
 public:
  CommaLocale() {
    write_bytes(
        folder_ / "source",
        "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n");
    // It complains of what else a locale might have.
    static_cast<void>(std::system(("localedef -c -i '" + folder_ / "source" + "' '" +
                                   folder_ / "comma" + "' > /dev/null 2>&1")
                                      .c_str()));
    setenv("LOCPATH", folder_.path().c_str(), 1);
    is_set_ = std::setlocale(LC_ALL, "comma") != nullptr;
  }
  ~CommaLocale() {
    std::setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;
  bool is_set() const {
    char text[8];
    std::snprintf(text, sizeof text, "%.1f", 0.5);
    return is_set_ && std::string(text) == "0,5";
  }

 private:
  TempFolder folder_;
  bool is_set_ = false;
};

inline const char* const kNoLocales =
    "skipped: localedef has no character maps here (Debian's package locales)";
