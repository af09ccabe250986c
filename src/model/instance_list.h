// A list of instances whose copy costs a pointer an instance: what did not change is shared between the
// configuration of now and the one before, and two lists that share are compared at a glance.
//
// A value: a copy never changes with its original. Read like a vector; written by the few methods below.
// Copies may be read and destroyed on any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"

namespace slipway::model {

struct Instance;
using SharedInstance = std::shared_ptr<const Instance>;

class InstanceList {
 public:
  class const_iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Instance;
    using difference_type = std::ptrdiff_t;
    using pointer = const Instance*;
    using reference = const Instance&;

    const_iterator() = default;
    explicit const_iterator(const SharedInstance* at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type by) const { return *at_[by]; }
    const_iterator& operator++() { return *this += 1; }
    const_iterator& operator--() { return *this -= 1; }
    const_iterator operator++(int) { return std::exchange(*this, *this + 1); }
    const_iterator operator--(int) { return std::exchange(*this, *this - 1); }
    const_iterator& operator+=(difference_type by) {
      at_ += by;
      return *this;
    }
    const_iterator& operator-=(difference_type by) { return *this += -by; }
    friend const_iterator operator+(const_iterator it, difference_type by) { return it += by; }
    friend const_iterator operator+(difference_type by, const_iterator it) { return it += by; }
    friend const_iterator operator-(const_iterator it, difference_type by) { return it -= by; }
    friend difference_type operator-(const_iterator a, const_iterator b) { return a.at_ - b.at_; }
    auto operator<=>(const const_iterator&) const = default;

   private:
    const SharedInstance* at_ = nullptr;
  };
  using iterator = const_iterator;
  using value_type = Instance;

  InstanceList() = default;
  InstanceList(std::initializer_list<Instance> instances);

  const_iterator begin() const { return const_iterator(shared_.data()); }
  const_iterator end() const { return const_iterator(shared_.data() + shared_.size()); }
  size_t size() const { return shared_.size(); }
  bool empty() const { return shared_.empty(); }
  const Instance& operator[](size_t index) const { return *shared_[index]; }
  const Instance& front() const { return *shared_.front(); }
  const Instance& back() const { return *shared_.back(); }
  // The same, as what may be kept.
  const SharedInstance& share(size_t index) const { return shared_[index]; }

  void clear() { shared_.clear(); }
  void reserve(size_t size) { shared_.reserve(size); }
  void push_back(Instance instance);
  void push_back(SharedInstance instance) { shared_.push_back(std::move(instance)); }
  // Where it belongs by its id, in place of the one of the same id. The list is sorted by id.
  void put(Instance instance);
  // Nothing where there is none of this id. The list is sorted by id.
  void remove(const InstanceId& id);
  // All of this service, which are sorted by id, in place of those that are here. The list is sorted by id.
  void put_service(std::string_view service, std::vector<SharedInstance> instances);
  // Another value in place of this one.
  void edit(size_t index, const std::function<void(Instance&)>& change);

  bool operator==(const InstanceList& other) const;

 private:
  std::vector<SharedInstance> shared_;
};

}  // namespace slipway::model
