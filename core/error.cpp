#include "norma/core/error.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>

namespace norma {

Error::Error(std::string op, std::string message)
    : std::runtime_error(""), op_(std::move(op)), message_(std::move(message)) {
  compose();
}

void Error::add_module(const std::string& name, const std::string& type) {
  if (type_.empty()) type_ = type;
  if (!name.empty()) path_ = path_.empty() ? name : name + "." + path_;
  compose();
}

void Error::compose() {
  what_ = "[" + op_ + "] " + message_;
  if (path_.empty() && type_.empty()) return;
  const bool vowel = std::string_view("AEIOaeio").find(type_[0]) != std::string_view::npos;
  const std::string kind = (vowel ? ", an " : ", a ") + type_;
  what_ += " (in " + (path_.empty() ? type_ : path_ + kind) + ")";
}

void detail::raise(std::string_view op, std::string message) {
  throw Error(std::string(op), std::move(message));
}

// --- Warnings ---

namespace {

Warnings wished() {
  const char* wish = std::getenv("NORMA_WARNINGS");
  if (!wish || wish == std::string_view("print")) return Warnings::Print;
  if (wish == std::string_view("error")) return Warnings::Error;
  if (wish == std::string_view("off")) return Warnings::Off;
  fail("NORMA_WARNINGS", "expected print, error or off, got ", quoted(wish));
}

std::atomic<Warnings>& setting() {
  static std::atomic<Warnings> value = wished();
  return value;
}

/// Whether it was not printed before. What it keeps, programs need to their end.
bool is_new(const std::string& line) {
  static std::mutex lock;
  static auto* const printed = new std::set<std::string>;
  const std::lock_guard guard(lock);
  return printed->insert(line).second;
}

}  // namespace

void set_warnings(Warnings what) { setting() = what; }
Warnings warnings() { return setting(); }

void detail::raise_warning(std::string_view op, const std::string& message) {
  if (warnings() == Warnings::Error) fail(op, message);
  const std::string line = text("norma: [", op, "] ", message, "\n");
  if (is_new(line)) std::fputs(line.c_str(), stderr);
}

}  // namespace norma
