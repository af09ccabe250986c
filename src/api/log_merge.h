// The logs of several tasks as one.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace slipway::api {

struct TaskLine {
  model::TaskId task;
  engine::LogLine line;
};

// Merges by time what the readers have at hand; a line that comes later than one of another task with a later
// time is not held up for. One thread.
class LogMerge {
 public:
  void add(const model::TaskId& task, std::unique_ptr<engine::LogReader> reader);
  // It was added once, perhaps long ended.
  bool knows(const model::TaskId& task) const { return known_.contains(task); }

  // Drops all but the newest `count` lines of what the readers have now, at most `count` lines of each.
  Status keep_last(size_t count);
  // The next lines, at most about 1,000. Waits up to `wait` for the first; empty: none came.
  Result<std::vector<TaskLine>> next(Duration wait);
  // Every reader has ended and all of it was returned.
  bool ended() const { return sources_.empty(); }

 private:
  struct Source {
    model::TaskId task;
    std::unique_ptr<engine::LogReader> reader;
    std::deque<engine::LogLine> lines;
    bool dry = false;  // had nothing more when it was asked last
  };

  Status fill(Source& source, Duration wait);
  // The source with the oldest line; null when none has one.
  Source* oldest();
  void drop_ended();

  std::vector<Source> sources_;
  std::set<model::TaskId> known_;
  size_t turn_ = 0;
};

// {"task", "at", "stream", "text"} and a newline.
void append_json(std::string& out, const TaskLine& line);

}  // namespace slipway::api
