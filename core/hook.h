// Hooks: functions of the user's that are called where something happens, until they are removed.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/error.h"

namespace norma {

namespace detail {
/// Where hooks stand, as their handles see it.
struct HookTable {
  virtual ~HookTable() = default;
  virtual void remove(uint64_t id) = 0;
};
uint64_t next_hook_id();
}  // namespace detail

/// Removes the hook whose registration returned it. Copies stand for the same hook; a handle that
/// dies leaves it.
class HookHandle {
 public:
  HookHandle() = default;
  HookHandle(std::weak_ptr<detail::HookTable> table, uint64_t id)
      : table_(std::move(table)), id_(id) {}
  /// Nothing where the hook is gone already, with what it was registered on or by itself.
  void remove() {
    if (const auto table = table_.lock()) table->remove(id_);
    table_.reset();
  }

 private:
  std::weak_ptr<detail::HookTable> table_;
  uint64_t id_ = 0;
};

/// A hook of this signature, made of any function: one that returns nothing changes nothing, as if
/// it returned an empty value; and what is given as one value is a list of one.
template <class Signature>
class Hook;
/// A hook that is given `Args` and returns a `Result`.
template <class Result, class... Args>
class Hook<Result(Args...)> {
 public:
  template <class F>
  requires(std::is_invocable_v<F&, Args...> && !std::is_same_v<std::remove_cvref_t<F>, Hook>)
      // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): see the line above
      Hook(F&& function) {
    using Own = std::decay_t<F>;
    if constexpr (std::is_constructible_v<bool, Own&> && !std::is_convertible_v<Own, bool>) {
      if (!static_cast<bool>(function)) return;  // an empty std::function
    }
    if constexpr (std::is_convertible_v<std::invoke_result_t<F&, Args...>, Result>) {
      function_ = std::forward<F>(function);
    } else {
      function_ = [own = Own(std::forward<F>(function))](Args... args) mutable -> Result {
        if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>) {
          own(std::forward<Args>(args)...);
          return {};
        } else {
          auto value = own(std::forward<Args>(args)...);
          return value.defined() ? Result{std::move(value)} : Result{};
        }
      };
    }
  }
  Result operator()(Args... args) const { return function_(std::forward<Args>(args)...); }
  /// Whether there is a function.
  explicit operator bool() const { return static_cast<bool>(function_); }

 private:
  std::function<Result(Args...)> function_;
};

namespace detail {

/// Hooks of one kind, called in the order of their registration.
template <class Function>
class HookList {
 public:
  uint64_t add(const char* op, Function function) {
    if (!function) fail(op, "expected a function, got none");
    return with_memory(0, [&] {
      const uint64_t id = next_hook_id();
      list_.emplace_back(id, std::make_shared<const Function>(std::move(function)));
      return id;
    });
  }
  void remove(uint64_t id) {
    std::erase_if(list_, [id](const auto& entry) { return entry.first == id; });
  }
  bool empty() const { return list_.empty(); }
  /// `call(function)` for each. They may remove and register hooks: that counts from the next time.
  template <class Call>
  void each(const Call& call) const {
    const auto now = list_;
    for (const auto& entry : now) call(*entry.second);
  }

 private:
  std::vector<std::pair<uint64_t, std::shared_ptr<const Function>>> list_;
};

}  // namespace detail

}  // namespace norma
