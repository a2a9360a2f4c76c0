// The one error type of Norma and the helpers that raise it; and warnings, of what works and most
// likely is not what was meant.
#pragma once
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "norma/core/text.h"

namespace norma {

/// Every error Norma raises. `what()` reads `[op] expected …, got …; hint`, followed by the path of
/// the module in whose forward pass it arose, `(in net.1, a BatchNorm1d)`, where there is one.
/// Visible everywhere: it is caught on both sides of a shared library's border.
class [[gnu::visibility("default")]] Error : public std::runtime_error {
 public:
  Error(std::string op, std::string message);

  const char* what() const noexcept override { return what_.c_str(); }
  /// The operation that refused, without brackets: "matmul".
  const std::string& op() const { return op_; }
  /// The dotted path of the module that was running, "" outside modules.
  const std::string& module_path() const { return path_; }

  /// Called by `Module` while the error travels outwards: puts `name` before the path; the first
  /// (innermost) call also sets the module's type.
  void add_module(const std::string& name, const std::string& type);

 private:
  void compose();
  std::string op_, message_, path_, type_, what_;
};

namespace detail {
[[noreturn]] void raise(std::string_view op, std::string message);
}

/// Throws `Error("[op] message")`, the message made of `pieces` as `text` makes it.
template <class... Pieces>
[[noreturn, gnu::always_inline]] inline void fail(std::string_view op, const Pieces&... pieces) {
  detail::raise(op, text(pieces...));
}

/// Throws `[allocate] expected memory for … bytes`; 0 for an amount that is not known.
[[noreturn]] void out_of_memory(int64_t bytes);

/// `body()`, of which a std::bad_alloc becomes that error. `bytes`: how much it asks for.
template <class F>
decltype(auto) with_memory([[maybe_unused]] int64_t bytes, F&& body) {
#ifdef __cpp_exceptions
  try {
    return std::forward<F>(body)();
  } catch (const std::bad_alloc&) {
    out_of_memory(bytes);
  }
#else  // a file of the program's that can catch nothing
  return std::forward<F>(body)();
#endif
}

/// What a warning does: print itself on stderr, each text once; be thrown as an Error; or nothing.
/// To begin with, what `NORMA_WARNINGS` says in the environment, `print`, `error` or `off`; `print`
/// where it says nothing.
enum class Warnings { Print, Error, Off };
/// Sets it, for all threads.
void set_warnings(Warnings what);
/// What is set.
Warnings warnings();

namespace detail {
void raise_warning(std::string_view op, const std::string& message);
}

/// Warns that "[op] message", the message made of `pieces` as `text` makes it.
template <class... Pieces>
void warn(std::string_view op, const Pieces&... pieces) {
  if (warnings() != Warnings::Off) detail::raise_warning(op, text(pieces...));
}

}  // namespace norma
