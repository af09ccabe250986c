// What happened in a simulation, in order, for people to read. Off by default: a seed is played again with it
// on when somebody wants to know, which costs the many seeds that go well nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"

namespace slipway::sim {

struct Entry {
  Duration at{};     // virtual, since the beginning
  int plane = 0;     // of which control plane; 0: of the world
  std::string kind;  // "fault", "change", "look", "decide", "sync", "step", "store", "plane", "violation"
  std::string text;
  bool operator==(const Entry&) const = default;
};

class Timeline {
 public:
  Timeline(const FakeClock& clock, bool recording) : clock_(clock), recording_(recording) {}

  template <class... Args>
  void note(int plane, std::string_view kind, fmt::format_string<Args...> format, Args&&... args) {
    if (!recording_) return;
    entries_.push_back(
        {elapsed(), plane, std::string(kind), fmt::format(format, std::forward<Args>(args)...)});
  }
  bool recording() const { return recording_; }
  Duration elapsed() const { return std::chrono::floor<Duration>(clock_.steady_now() - SteadyTime()); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const FakeClock& clock_;
  const bool recording_;
  std::vector<Entry> entries_;
};

// "   12.345s  plane 1  step    shop.web: ...", a line each of the last `count`.
std::string text_of(const std::vector<Entry>& entries, size_t count);
// A JSON object a line: {"at_ms", "plane", "kind", "text"}.
std::string json_lines_of(const std::vector<Entry>& entries);

}  // namespace slipway::sim
