#include "norma/core/error.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>

#include "norma/core/platform/console.h"
#include "norma/core/platform/fork.h"
#include "norma/core/sanitizer.h"

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
  const auto is = [&](std::size_t i, std::string_view letters) {
    return i < type_.size() && letters.find(type_[i]) != std::string_view::npos;
  };
  const bool spelt = is(0, "FHLMNRSX") && is(1, "BCDFGHJKLMNPQRSTVWXZ");  // "an LSTM", "an MLP"
  const bool vowel = spelt || is(0, "AEIOaeio");
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
  fail("NORMA_WARNINGS", "expected print, error or off, got ", in_quotes(wish));
}

std::atomic<Warnings>& setting() {
  static std::atomic<Warnings> value = wished();
  return value;
}

struct Printed {
  Printed* of_parent = nullptr;  // keeps it known to searches for leaks
  std::mutex lock = {};
  std::set<std::string> lines = {};
};
// Programs need it to their end, so it is never destroyed.
constinit std::atomic<Printed*> printed{nullptr};

// A fork beside a warning leaves the child a lock that nobody opens, and half a set.
[[gnu::constructor(101)]] void begin_anew_at_fork() {
  platform::at_fork(nullptr, nullptr, [] {
    if (Printed* parents = printed) printed = new (std::nothrow) Printed{.of_parent = parents};
  });
}

/// Whether it was not printed before.
bool is_new(const std::string& line) {
  Printed* found = printed;
  if (!found) {
    auto fresh = std::make_unique<Printed>();
    tell_release(&printed);
    if (printed.compare_exchange_strong(found, fresh.get())) found = fresh.release();
  }
  tell_acquire(&printed);
  const std::lock_guard guard(found->lock);
  return found->lines.insert(line).second;
}

}  // namespace

void set_warnings(Warnings what) { setting() = what; }
Warnings warnings() { return setting(); }

void detail::raise_warning(std::string_view op, const std::string& message) {
  if (warnings() == Warnings::Error) fail(op, message);
  const std::string line = text("norma: [", op, "] ", message, "\n");
  if (is_new(line)) platform::print_error(line.c_str());
}

}  // namespace norma
