// What falls due, and when. The heart of the fake cluster's time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace slipway::engine::fake {

// Entries of one instant come out in the order in which they went in. One thread.
class Agenda {
 public:
  void add(SteadyTime at, std::function<void()> action) { entries_.emplace(at, std::move(action)); }

  std::optional<SteadyTime> next() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.begin()->first;
  }

  // The first entry, taken out. Only when there is one.
  std::pair<SteadyTime, std::function<void()>> take() {
    auto node = entries_.extract(entries_.begin());
    return {node.key(), std::move(node.mapped())};
  }

 private:
  std::multimap<SteadyTime, std::function<void()>> entries_;
};

}  // namespace slipway::engine::fake
