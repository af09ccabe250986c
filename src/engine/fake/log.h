// The log of one fake task: its lines over all restarts, bounded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace slipway::engine::fake {

constexpr size_t kLogLines = 20'000;       // the oldest go first
constexpr size_t kLogLineBytes = 1 << 20;  // a longer line becomes several, as the contract says

// Lines are numbered from 0 for ever, so that a reader notices nothing of those dropped but a gap. Guarded by
// its cluster's mutex.
class TaskLog {
 public:
  void append(Time at, Stream stream, std::string_view text) {
    do {
      lines_.push_back(LogLine{at, stream, std::string(text.substr(0, kLogLineBytes))});
      text.remove_prefix(std::min(text.size(), kLogLineBytes));
    } while (!text.empty());
    while (lines_.size() > kLogLines) {
      lines_.pop_front();
      ++first_;
    }
  }

  uint64_t begin() const { return first_; }
  uint64_t end() const { return first_ + lines_.size(); }
  const LogLine& line(uint64_t number) const { return lines_[number - first_]; }

  std::vector<std::string> last(size_t count) const {
    std::vector<std::string> found;
    for (size_t i = lines_.size() - std::min(count, lines_.size()); i < lines_.size(); ++i) {
      found.push_back(lines_[i].text);
    }
    return found;
  }

  // The task is gone: nothing follows.
  void close() { closed_ = true; }
  bool closed() const { return closed_; }

 private:
  std::deque<LogLine> lines_;
  uint64_t first_ = 0;
  bool closed_ = false;
};

}  // namespace slipway::engine::fake
