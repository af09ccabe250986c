#include "state/memory_store.h"

#include <algorithm>

#include "state/limits.h"
#include "state/values.h"

namespace slipway::state {

Result<Claim> MemoryStore::claim() {
  return ++claim_;
}

Status MemoryStore::still_mine(Claim claim) {
  return check_claim(claim, claim_);
}

Result<model::Generation> MemoryStore::next_generation(model::Generation at_least) {
  generation_ = std::max(generation_, at_least) + 1;
  return generation_;
}

Result<std::vector<model::Override>> MemoryStore::overrides() {
  std::vector<model::Override> found;
  for (const auto& [key, value] : overrides_) found.push_back(value);
  return found;
}

Status MemoryStore::put_override(const model::Override& value) {
  TRY(check_text("an override's reason", value.reason));
  overrides_[{value.instance, value.kind}] = value;
  return {};
}

Status MemoryStore::remove_override(const model::InstanceId& instance, model::OverrideKind kind) {
  overrides_.erase({instance, kind});
  return {};
}

Result<std::vector<std::pair<model::InstanceId, std::string>>> MemoryStore::memories() {
  return std::vector<std::pair<model::InstanceId, std::string>>(memories_.begin(), memories_.end());
}

Status MemoryStore::put_memory(const model::InstanceId& instance, const std::string& text) {
  TRY(check_text("a memory", text));
  if (text.empty()) {
    memories_.erase(instance);
  } else {
    memories_[instance] = text;
  }
  return {};
}

Result<int64_t> MemoryStore::put_bounce(const BounceRecord& record) {
  TRY(check_text("a bounce's spec", record.spec));
  TRY(check_text("a bounce's text", record.text));
  const auto same = std::find_if(bounces_.begin(), bounces_.end(), [&](const auto& entry) {
    const BounceRecord& stored = entry.second;
    return stored.instance == record.instance && stored.revision == record.revision &&
           stored.started_at == record.started_at;
  });
  const int64_t id = same != bounces_.end() ? same->first : ++last_bounce_;
  BounceRecord& stored = bounces_[id];
  stored = record;
  stored.id = id;
  drop_old_bounces(record.instance);
  return id;
}

void MemoryStore::drop_old_bounces(const model::InstanceId& instance) {
  std::vector<int64_t> ids;
  for (const auto& [id, record] : bounces_) {
    if (record.instance == instance) ids.push_back(id);
  }
  const auto limit = static_cast<size_t>(kBouncesPerInstance);
  for (size_t i = 0; i + limit < ids.size(); ++i) bounces_.erase(ids[i]);
  while (bounces_.size() > static_cast<size_t>(kBouncesInAll)) bounces_.erase(bounces_.begin());
}

Result<std::vector<BounceRecord>> MemoryStore::bounces(const model::InstanceId& instance, int limit) {
  std::vector<BounceRecord> found;
  for (auto it = bounces_.rbegin(); it != bounces_.rend() && static_cast<int>(found.size()) < limit; ++it) {
    if (it->second.instance == instance) found.push_back(it->second);
  }
  return found;
}

Result<std::vector<BounceRecord>> MemoryStore::open_bounces() {
  std::vector<BounceRecord> found;
  for (const auto& [id, record] : bounces_) {
    if (!record.ended_at) found.push_back(record);
  }
  return found;
}

Result<bool> MemoryStore::going_down() {
  return going_down_;
}

Status MemoryStore::set_going_down(bool value) {
  going_down_ = value;
  return {};
}

Result<int64_t> MemoryStore::append_event(const model::Event& event) {
  TRY(check_text("an event's text", event.text));
  events_.push_back(event);
  events_.back().id = ++last_event_;
  while (events_.size() > static_cast<size_t>(kEvents)) events_.pop_front();
  return last_event_;
}

Result<std::vector<model::Event>> MemoryStore::events(int64_t after, int limit, const std::string& subject) {
  std::vector<model::Event> found;
  for (const model::Event& event : events_) {
    if (static_cast<int>(found.size()) >= limit) break;
    if (event.id > after && is_about(event.instance, subject)) found.push_back(event);
  }
  return found;
}

Result<std::vector<model::Event>> MemoryStore::recent_events(int limit, const std::string& subject) {
  std::vector<model::Event> found;
  for (auto it = events_.rbegin(); it != events_.rend() && static_cast<int>(found.size()) < limit; ++it) {
    if (is_about(it->instance, subject)) found.push_back(*it);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace slipway::state
