// A store on a disk that fills up, and in the middle of whose writing the control plane may die.
#pragma once

#include "sim/stage.h"
#include "state/memory_store.h"

namespace slipway::sim {

class FaultyStore final : public state::MemoryStore {
 public:
  explicit FaultyStore(Stage& stage) : stage_(stage) {}

  Result<state::Claim> claim() override {
    TRY(writable());
    return MemoryStore::claim();
  }
  Result<model::Generation> next_generation(model::Generation at_least) override {
    TRY(writable());
    return MemoryStore::next_generation(at_least);
  }
  Status put_memory(const model::InstanceId& instance, const std::string& text) override {
    TRY(writable());
    return MemoryStore::put_memory(instance, text);
  }
  Result<int64_t> put_bounce(const state::BounceRecord& record) override {
    TRY(writable());
    return MemoryStore::put_bounce(record);
  }
  Result<int64_t> append_event(const model::Event& event) override {
    TRY(writable());
    return MemoryStore::append_event(event);
  }

 private:
  Status writable() {
    Actor& actor = *stage_.acting;
    if (actor.number > 0 && !actor.dead && stage_.chance.strikes(Fault::PlaneDiesWriting, 300, actor.number))
      actor.dead = true;
    if (actor.dead) return Error(ErrorCode::Internal, "the control plane has died");
    if (stage_.clock.steady_now() < stage_.store_back)
      return Error(ErrorCode::Exhausted, "no space left on the disk");
    return {};
  }

  Stage& stage_;
};

}  // namespace slipway::sim
