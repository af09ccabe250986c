// An immutable value that many may hold: copying it copies a pointer, and what is the same object is equal
// without a look. Whoever wants another value makes a new one.
//
// Never empty. Copies may be used in several threads at once, as std::shared_ptr<const T>.
#pragma once

#include <memory>
#include <utility>

namespace slipway {

template <class T>
class Shared {
 public:
  Shared() : value_(blank()) {}
  // Not explicit: a value is as good as one that is shared.
  Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  operator const T&() const { return *value_; }

  // The very same object, so that there is nothing to compare.
  bool is(const Shared& other) const { return value_ == other.value_; }
  bool operator==(const Shared& other) const { return is(other) || *value_ == *other.value_; }

 private:
  static const std::shared_ptr<const T>& blank() {
    static const std::shared_ptr<const T> value = std::make_shared<const T>();
    return value;
  }

  std::shared_ptr<const T> value_;
};

}  // namespace slipway
