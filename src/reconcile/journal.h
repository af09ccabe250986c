// What is on its way into the store. While the store cannot be written (a full disk), what was noted waits
// here and goes first when it can be again: nothing is lost but, should that last very long, the oldest
// history, and that is said.
//
// One thread at a time, as the store itself.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "state/store.h"

namespace slipway::reconcile {

class Journal {
 public:
  // Kept while they cannot be written, of events and of bounces each; some minutes of a large cluster in
  // trouble. Memories are one an instance.
  static constexpr size_t kKept = 10'000;

  // The store is borrowed.
  explicit Journal(state::Store& store) : store_(store) {}

  void note_memory(const model::InstanceId& instance, std::string text);
  void note_bounce(const state::BounceRecord& record);
  void note_event(model::Event event);
  void note_going_down(bool value) { going_down_ = value; }

  // Everything noted so far. What could not be written stays noted. What the store refuses for what it is
  // (Invalid: a bug of ours) is dropped with an error in the log, so that it holds up nothing else.
  Status write();

 private:
  template <class Queue, class Write>
  Status write_each(Queue& queue, Write write);

  state::Store& store_;
  std::optional<bool> going_down_;
  std::map<model::InstanceId, std::string> memories_;  // the newest of each
  std::deque<state::BounceRecord> bounces_;            // the newest state of each
  std::deque<model::Event> events_;
  size_t lost_ = 0;  // events and bounces dropped since the store was last whole
};

}  // namespace slipway::reconcile
