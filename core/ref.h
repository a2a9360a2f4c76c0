// Intrusive reference counting: one allocation per object, one pointer per handle. Why not
// std::shared_ptr: its handles are twice as large, and its use_count() does not synchronise, so
// that 1 would not allow to overwrite what other threads have let go of.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace norma {

template <class T>
class Ref;

/// Base of everything held by `Ref`: a count, in one block with the object.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  virtual ~RefCounted() = 0;

  void retain() const { count_.fetch_add(1, std::memory_order_relaxed); }  ///< one owner more
  void release() const;  ///< one owner less; the last one frees the object
  /// Acquire: a caller that reads 1 also sees all writes of previous owners.
  int32_t use_count() const { return count_.load(std::memory_order_acquire); }

  /// Small blocks from a list of the thread.
  static void* operator new(std::size_t size);
  static void operator delete(void* block, std::size_t size) noexcept;  ///< back to that list

 private:
  template <class T>
  friend class Ref;
  mutable std::atomic<int32_t> count_{0};
};

/// Shared owner of a `RefCounted` object.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  /// A new object and its first owner.
  template <class... Args>
  static Ref make(Args&&... args) {
    Ref ref;
    ref.object_ = new T(std::forward<Args>(args)...);
    ref.object_->count_.store(1, std::memory_order_relaxed);
    return ref;
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) : Ref(other.get()) {}
  template <class U>
  Ref(Ref<U>&& other) noexcept : object_(other.give_up()) {}
  ~Ref() {
    if (object_) object_->release();
  }
  /// Owns what `other` owned.
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  T* get() const { return object_; }                             ///< null where it owns nothing
  T* operator->() const { return object_; }                      ///< the object
  T& operator*() const { return *object_; }                      ///< the object
  explicit operator bool() const { return object_ != nullptr; }  ///< whether it owns one
  void reset() { Ref().swap(*this); }                            ///< owns nothing from here on
  /// Leaves the object to the caller, counted.
  T* give_up() { return std::exchange(object_, nullptr); }
  void swap(Ref& other) noexcept { std::swap(object_, other.object_); }  ///< exchanges the objects

 private:
  T* object_ = nullptr;
};

}  // namespace norma
