// A store on a disk that a test can fill and clear.
#pragma once

#include <atomic>

#include "state/memory_store.h"

namespace slipway::test {

class FullStore final : public state::MemoryStore {
 public:
  std::atomic<bool> full = false;  // nothing can be written; reading works

  Result<model::Generation> next_generation(model::Generation at_least) override {
    TRY(room());
    return MemoryStore::next_generation(at_least);
  }
  Status put_override(const model::Override& value) override {
    TRY(room());
    return MemoryStore::put_override(value);
  }
  Status put_memory(const model::InstanceId& instance, const std::string& text) override {
    TRY(room());
    return MemoryStore::put_memory(instance, text);
  }
  Result<int64_t> put_bounce(const state::BounceRecord& record) override {
    TRY(room());
    return MemoryStore::put_bounce(record);
  }
  Status set_going_down(bool value) override {
    TRY(room());
    return MemoryStore::set_going_down(value);
  }
  Result<int64_t> append_event(const model::Event& event) override {
    TRY(room());
    return MemoryStore::append_event(event);
  }

 private:
  Status room() const {
    return full ? Status(Error(ErrorCode::Exhausted, "no space left on the disk")) : Status();
  }
};

}  // namespace slipway::test
