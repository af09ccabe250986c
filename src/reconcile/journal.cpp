#include "reconcile/journal.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace slipway::reconcile {

void Journal::note_memory(const model::InstanceId& instance, std::string text) {
  memories_[instance] = std::move(text);
}

void Journal::note_bounce(const state::BounceRecord& record) {
  const auto same = std::ranges::find_if(bounces_, [&](const state::BounceRecord& known) {
    return known.instance == record.instance && known.revision == record.revision &&
           known.started_at == record.started_at;
  });
  if (same != bounces_.end()) {
    *same = record;
    return;
  }
  bounces_.push_back(record);
  if (bounces_.size() <= kKept) return;
  bounces_.pop_front();
  ++lost_;
}

void Journal::note_event(model::Event event) {
  events_.push_back(std::move(event));
  if (events_.size() <= kKept) return;
  events_.pop_front();
  ++lost_;
}

// Takes from the front what is written, or can never be.
template <class Queue, class Write>
Status Journal::write_each(Queue& queue, Write write) {
  while (!queue.empty()) {
    const Status written = write(*queue.begin());
    if (!written.has_value() && written.error().code() != ErrorCode::Invalid) return written;
    if (!written.has_value()) log::error("reconcile", "not stored: {}", written.error().text());
    queue.erase(queue.begin());
  }
  return {};
}

Status Journal::write() {
  if (going_down_) TRY(store_.set_going_down(*going_down_));
  going_down_.reset();
  TRY(write_each(memories_,
                 [&](const auto& memory) { return store_.put_memory(memory.first, memory.second); }));
  TRY(write_each(bounces_, [&](const state::BounceRecord& record) -> Status {
    TRY(store_.put_bounce(record));
    return {};
  }));
  if (lost_ > 0 && !events_.empty()) {
    const std::string text =
        fmt::format("{} older events and bounces were lost while the state could not be written", lost_);
    TRY(store_.append_event({0, events_.front().at, "", "history_lost", text}));
    log::error("reconcile", "{}", text);
    lost_ = 0;
  }
  return write_each(events_, [&](const model::Event& event) -> Status {
    TRY(store_.append_event(event));
    return {};
  });
}

}  // namespace slipway::reconcile
