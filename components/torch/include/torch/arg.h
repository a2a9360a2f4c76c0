// Options as libtorch builds them: `Options(1, 2).stride(2)` sets, `options.stride()` reads.
#pragma once
#include <utility>

#define TORCH_ARG(T, name)                                          \
 public:                                                            \
  auto name(T value)->decltype(*this) { /* the class that has it */ \
    this->name##_ = std::move(value);                               \
    return *this;                                                   \
  }                                                                 \
  const T& name() const noexcept { return this->name##_; }          \
  T& name() noexcept { return this->name##_; }                      \
                                                                    \
 private:                                                           \
  T name##_

/// The same for members of Norma's options, which the class has as `own`:
/// `NORMA_TORCH_OPTIONS(stride, padding)`.
#define NORMA_TORCH_OPTIONS(...) \
  __VA_OPT__(NORMA_TORCH_TWICE(NORMA_TORCH_TWICE2(NORMA_TORCH_LOOP(__VA_ARGS__))))
#define NORMA_TORCH_LOOP(name, ...) \
  NORMA_TORCH_OPTION(name) __VA_OPT__(NORMA_TORCH_AGAIN NORMA_TORCH_PAREN(__VA_ARGS__))
#define NORMA_TORCH_PAREN ()
#define NORMA_TORCH_AGAIN() NORMA_TORCH_LOOP
#define NORMA_TORCH_TWICE(...) NORMA_TORCH_TWICE1(NORMA_TORCH_TWICE1(__VA_ARGS__))
#define NORMA_TORCH_TWICE1(...) __VA_ARGS__
#define NORMA_TORCH_TWICE2(...) NORMA_TORCH_TWICE3(NORMA_TORCH_TWICE3(__VA_ARGS__))
#define NORMA_TORCH_TWICE3(...) NORMA_TORCH_TWICE4(NORMA_TORCH_TWICE4(__VA_ARGS__))
#define NORMA_TORCH_TWICE4(...) __VA_ARGS__
#define NORMA_TORCH_OPTION(name)                                \
 public:                                                        \
  auto name(const decltype(own.name)& value)->decltype(*this) { \
    own.name = value;                                           \
    return *this;                                               \
  }                                                             \
  const auto& name() const { return own.name; }                 \
  auto& name() { return own.name; }
