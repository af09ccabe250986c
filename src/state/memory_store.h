// A Store that forgets when it is destroyed: for tests, simulations and `--state memory`.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "state/store.h"

namespace slipway::state {

// Behaves like SqliteStore in everything but durability; one suite (store_test.cpp) holds both to it. One
// thread at a time.
class MemoryStore : public Store {
 public:
  Result<Claim> claim() override;
  Status still_mine(Claim claim) override;

  Result<model::Generation> next_generation(model::Generation at_least) override;

  Result<std::vector<model::Override>> overrides() override;
  Status put_override(const model::Override& value) override;
  Status remove_override(const model::InstanceId& instance, model::OverrideKind kind) override;

  Result<std::vector<std::pair<model::InstanceId, std::string>>> memories() override;
  Status put_memory(const model::InstanceId& instance, const std::string& text) override;

  Result<int64_t> put_bounce(const BounceRecord& record) override;
  Result<std::vector<BounceRecord>> bounces(const model::InstanceId& instance, int limit) override;
  Result<std::vector<BounceRecord>> open_bounces() override;

  Result<bool> going_down() override;
  Status set_going_down(bool value) override;

  Result<int64_t> append_event(const model::Event& event) override;
  Result<std::vector<model::Event>> events(int64_t after, int limit, const std::string& subject) override;
  Result<std::vector<model::Event>> recent_events(int limit, const std::string& subject) override;

 private:
  void drop_old_bounces(const model::InstanceId& instance);

  Claim claim_ = 0;
  model::Generation generation_ = 0;
  std::map<std::pair<model::InstanceId, model::OverrideKind>, model::Override> overrides_;
  std::map<model::InstanceId, std::string> memories_;
  bool going_down_ = false;
  std::map<int64_t, BounceRecord> bounces_;  // by id
  int64_t last_bounce_ = 0;
  std::deque<model::Event> events_;  // oldest first
  int64_t last_event_ = 0;
};

}  // namespace slipway::state
