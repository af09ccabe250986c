// The Store of a real control plane: one SQLite file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "state/sqlite.h"
#include "state/store.h"

namespace slipway::state {

// One thread at a time, and one process: the caller holds the state directory's lock.
class SqliteStore final : public Store {
 public:
  // Opens or creates `file` and its folder, and migrates it. A damaged file is moved aside to
  // "<file>.corrupt-<time>" with an error in the log and an empty one is begun: that costs overrides and
  // history, never a task. Invalid when a newer Slipway wrote the file.
  static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& file, const Clock& clock);

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
  // Every statement that is ever run, compiled when the file is opened.
  struct Statements {
    Statement claim, newest_claim, next_generation, going_down, set_going_down;
    Statement overrides, put_override, remove_override;
    Statement memories, put_memory, remove_memory;
    Statement insert_bounce, replace_bounce, bounces, open_bounces, trim_bounces, trim_all_bounces;
    Statement append_event, trim_events, events, recent_events;
  };

  explicit SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  static Result<std::unique_ptr<SqliteStore>> open_sound(const std::filesystem::path& file);
  Status prepare();
  Result<int64_t> write_bounce(const BounceRecord& record);

  std::unique_ptr<Database> database_;  // outlives the statements: declared before them
  Statements sql_;
};

}  // namespace slipway::state
