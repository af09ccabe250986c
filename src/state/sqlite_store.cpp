#include "state/sqlite_store.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/log.h"
#include "state/limits.h"
#include "state/migrations.h"
#include "state/values.h"

namespace slipway::state {
namespace {

constexpr std::string_view kArea = "state";

int64_t millis(Time time) {
  return time.time_since_epoch().count();
}
Time time_of(int64_t value) {
  return Time(Duration(value));
}
// SQLite reads a negative limit as none.
int64_t limit_of(int limit) {
  return std::max(limit, 0);
}

SqlValue optional_millis(const std::optional<Time>& time) {
  if (time) return millis(*time);
  return nullptr;
}

// Also the write-ahead log and the index beside the file, which belong to it.
Status move_aside(const std::filesystem::path& file, Time now) {
  const std::string suffix = ".corrupt-" + to_text(now);
  for (const char* part : {"", "-wal", "-shm"}) {
    const std::filesystem::path from = file.native() + part;
    std::error_code failed;
    std::filesystem::rename(from, file.native() + suffix + part, failed);
    if (failed && failed != std::errc::no_such_file_or_directory) {
      return errno_error(failed.value(), fmt::format("move {} aside", from.native()));
    }
  }
  return {};
}

model::Event event_of(const SqlRow& row) {
  return model::Event{.id = row.integer(0),
                      .at = time_of(row.integer(1)),
                      .instance = row.text(2),
                      .kind = row.text(3),
                      .text = row.text(4)};
}

BounceRecord bounce_of(const SqlRow& row) {
  BounceRecord record;
  record.id = row.integer(0);
  record.instance = model::InstanceId{row.text(1), row.text(2)};
  record.revision = model::RevisionId(row.text(3));
  record.spec = row.text(4);
  record.outcome = row.text(5);
  record.text = row.text(6);
  record.started_at = time_of(row.integer(7));
  if (const auto at = row.optional_integer(8)) record.ended_at = time_of(*at);
  return record;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& file,
                                                       const Clock& clock) {
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed) return errno_error(failed.value(), fmt::format("create {}", file.parent_path().native()));

  auto store = open_sound(file);
  if (store || !Database::is_damage(store.error())) return store;
  log::error(
      kArea,
      "{}; it is moved aside and an empty database begun: overrides and history are lost, tasks are not",
      store.error().text());
  TRY(move_aside(file, clock.now()));
  return open_sound(file);
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open_sound(const std::filesystem::path& file) {
  const std::string attempt = fmt::format("open the state database {}", file.native());
  std::unique_ptr<Database> database = TRY_CONTEXT(Database::open(file), attempt);
  TRY_CONTEXT(database->check(), attempt);
  TRY_CONTEXT(migrate(*database), attempt);
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(database)));
  TRY_CONTEXT(store->prepare(), attempt);
  return store;
}

Status SqliteStore::prepare() {
  const std::pair<Statement*, const char*> statements[] = {
      {&sql_.next_generation,
       "INSERT INTO counters VALUES ('generation', ?1 + 1) "
       "ON CONFLICT (name) DO UPDATE SET value = MAX(value, ?1) + 1 RETURNING value"},
      {&sql_.claim,
       "INSERT INTO counters VALUES ('claim', 1) "
       "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"},
      {&sql_.newest_claim, "SELECT value FROM counters WHERE name = 'claim'"},
      {&sql_.going_down, "SELECT value FROM counters WHERE name = 'going_down'"},
      {&sql_.set_going_down, "INSERT OR REPLACE INTO counters VALUES ('going_down', ?1)"},
      {&sql_.overrides,
       "SELECT service, instance, kind, count, nonce, owner, reason, created_at, expires_at FROM overrides"},
      {&sql_.put_override, "INSERT OR REPLACE INTO overrides VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
      {&sql_.remove_override, "DELETE FROM overrides WHERE service = ?1 AND instance = ?2 AND kind = ?3"},
      {&sql_.memories, "SELECT service, instance, text FROM memories ORDER BY service, instance"},
      {&sql_.put_memory, "INSERT OR REPLACE INTO memories VALUES (?1, ?2, ?3)"},
      {&sql_.remove_memory, "DELETE FROM memories WHERE service = ?1 AND instance = ?2"},
      {&sql_.insert_bounce,
       "INSERT INTO bounces (service, instance, revision, spec, outcome, text, started_at, ended_at) "
       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      {&sql_.replace_bounce,
       "UPDATE bounces SET spec = ?4, outcome = ?5, text = ?6, ended_at = ?8 "
       "WHERE service = ?1 AND instance = ?2 AND revision = ?3 AND started_at = ?7 RETURNING id"},
      {&sql_.bounces,
       "SELECT id, service, instance, revision, spec, outcome, text, started_at, ended_at FROM bounces "
       "WHERE service = ?1 AND instance = ?2 ORDER BY id DESC LIMIT ?3"},
      {&sql_.open_bounces,
       "SELECT id, service, instance, revision, spec, outcome, text, started_at, ended_at FROM bounces "
       "WHERE ended_at IS NULL ORDER BY id"},
      {&sql_.trim_bounces,
       "DELETE FROM bounces WHERE service = ?1 AND instance = ?2 AND id <= (SELECT id FROM bounces "
       "WHERE service = ?1 AND instance = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)"},
      {&sql_.trim_all_bounces,
       "DELETE FROM bounces WHERE id <= (SELECT id FROM bounces ORDER BY id DESC LIMIT 1 OFFSET ?1)"},
      {&sql_.append_event, "INSERT INTO events (at, instance, kind, text) VALUES (?1, ?2, ?3, ?4)"},
      // Ids have no gaps, so counting back from the newest is counting rows.
      {&sql_.trim_events, "DELETE FROM events WHERE id <= ?1"},
      // '/' is the byte after '.': the second range is "subject." and whatever follows.
      {&sql_.events,
       "SELECT id, at, instance, kind, text FROM events WHERE id > ?1 AND (?3 = '' OR instance = ?3 OR "
       "(instance >= ?3 || '.' AND instance < ?3 || '/')) ORDER BY id LIMIT ?2"},
      {&sql_.recent_events,
       "SELECT id, at, instance, kind, text FROM events WHERE (?2 = '' OR instance = ?2 OR "
       "(instance >= ?2 || '.' AND instance < ?2 || '/')) ORDER BY id DESC LIMIT ?1"},
  };
  for (const auto& [statement, text] : statements) *statement = TRY(database_->prepare(text));
  return {};
}

Result<Claim> SqliteStore::claim() {
  Claim claim = 0;
  TRY_CONTEXT(sql_.claim.each({}, [&](const SqlRow& row) { claim = row.integer(0); }), "claim the state");
  return claim;
}

Status SqliteStore::still_mine(Claim claim) {
  Claim newest = 0;
  TRY_CONTEXT(sql_.newest_claim.each({}, [&](const SqlRow& row) { newest = row.integer(0); }),
              "read who holds the state");
  return check_claim(claim, newest);
}

Result<model::Generation> SqliteStore::next_generation(model::Generation at_least) {
  int64_t next = 0;
  TRY_CONTEXT(sql_.next_generation.each({static_cast<int64_t>(at_least)},
                                        [&](const SqlRow& row) { next = row.integer(0); }),
              "take the next generation");
  return static_cast<model::Generation>(next);
}

Result<std::vector<model::Override>> SqliteStore::overrides() {
  std::vector<model::Override> found;
  TRY_CONTEXT(sql_.overrides.each({},
                                  [&](const SqlRow& row) {
                                    const auto kind = model::override_kind_from(row.text(2));
                                    if (!kind) {
                                      log::warning(kArea, "an override of kind \"{}\" is skipped: unknown",
                                                   row.text(2));
                                      return;
                                    }
                                    model::Override value;
                                    value.instance = {row.text(0), row.text(1)};
                                    value.kind = *kind;
                                    value.count = static_cast<int>(row.integer(3));
                                    value.nonce = row.text(4);
                                    value.owner = row.text(5);
                                    value.reason = row.text(6);
                                    value.created_at = time_of(row.integer(7));
                                    if (const auto at = row.optional_integer(8))
                                      value.expires_at = time_of(*at);
                                    found.push_back(std::move(value));
                                  }),
              "read the overrides");
  // By kind in the order of the enum, not of its words, as MemoryStore does.
  std::sort(found.begin(), found.end(), [](const model::Override& a, const model::Override& b) {
    return std::tie(a.instance, a.kind) < std::tie(b.instance, b.kind);
  });
  return found;
}

Status SqliteStore::put_override(const model::Override& value) {
  TRY(check_text("an override's reason", value.reason));
  return sql_.put_override
      .run({value.instance.service, value.instance.instance, model::to_text(value.kind), int64_t{value.count},
            value.nonce, value.owner, value.reason, millis(value.created_at),
            optional_millis(value.expires_at)})
      .context(fmt::format("store an override of {}", value.instance.text()));
}

Status SqliteStore::remove_override(const model::InstanceId& instance, model::OverrideKind kind) {
  return sql_.remove_override.run({instance.service, instance.instance, model::to_text(kind)})
      .context(fmt::format("remove an override of {}", instance.text()));
}

Result<std::vector<std::pair<model::InstanceId, std::string>>> SqliteStore::memories() {
  std::vector<std::pair<model::InstanceId, std::string>> found;
  TRY_CONTEXT(
      sql_.memories.each({},
                         [&](const SqlRow& row) {
                           found.emplace_back(model::InstanceId{row.text(0), row.text(1)}, row.text(2));
                         }),
      "read the planner's memory");
  return found;
}

Status SqliteStore::put_memory(const model::InstanceId& instance, const std::string& text) {
  TRY(check_text("a memory", text));
  Status done = text.empty() ? sql_.remove_memory.run({instance.service, instance.instance})
                             : sql_.put_memory.run({instance.service, instance.instance, text});
  return std::move(done).context(fmt::format("store the planner's memory of {}", instance.text()));
}

Result<int64_t> SqliteStore::put_bounce(const BounceRecord& record) {
  TRY(check_text("a bounce's spec", record.spec));
  TRY(check_text("a bounce's text", record.text));
  int64_t id = 0;
  TRY_CONTEXT(database_->transaction([&]() -> Status {
    id = TRY(write_bounce(record));
    TRY(sql_.trim_bounces.run({record.instance.service, record.instance.instance, kBouncesPerInstance}));
    return sql_.trim_all_bounces.run({kBouncesInAll});
  }),
              fmt::format("store a bounce of {}", record.instance.text()));
  return id;
}

Result<int64_t> SqliteStore::write_bounce(const BounceRecord& record) {
  const std::string_view service = record.instance.service, instance = record.instance.instance;
  const SqlValue started = millis(record.started_at), ended = optional_millis(record.ended_at);
  const std::initializer_list<SqlValue> values = {
      service, instance, record.revision.str(), record.spec, record.outcome, record.text, started, ended};
  int64_t id = 0;
  TRY(sql_.replace_bounce.each(values, [&](const SqlRow& row) { id = row.integer(0); }));
  if (id != 0) return id;
  TRY(sql_.insert_bounce.run(values));
  return database_->last_insert_id();
}

Result<std::vector<BounceRecord>> SqliteStore::bounces(const model::InstanceId& instance, int limit) {
  std::vector<BounceRecord> found;
  TRY_CONTEXT(sql_.bounces.each({instance.service, instance.instance, limit_of(limit)},
                                [&](const SqlRow& row) { found.push_back(bounce_of(row)); }),
              fmt::format("read the bounces of {}", instance.text()));
  return found;
}

Result<std::vector<BounceRecord>> SqliteStore::open_bounces() {
  std::vector<BounceRecord> found;
  TRY_CONTEXT(sql_.open_bounces.each({}, [&](const SqlRow& row) { found.push_back(bounce_of(row)); }),
              "read the bounces under way");
  return found;
}

Result<bool> SqliteStore::going_down() {
  bool value = false;
  TRY_CONTEXT(sql_.going_down.each({}, [&](const SqlRow& row) { value = row.integer(0) != 0; }),
              "read whether everything is to go");
  return value;
}

Status SqliteStore::set_going_down(bool value) {
  return sql_.set_going_down.run({int64_t{value}}).context("store whether everything is to go");
}

Result<int64_t> SqliteStore::append_event(const model::Event& event) {
  TRY(check_text("an event's text", event.text));
  int64_t id = 0;
  TRY_CONTEXT(database_->transaction([&]() -> Status {
    TRY(sql_.append_event.run({millis(event.at), event.instance, event.kind, event.text}));
    id = database_->last_insert_id();
    return sql_.trim_events.run({id - kEvents});
  }),
              "store an event");
  return id;
}

Result<std::vector<model::Event>> SqliteStore::events(int64_t after, int limit, const std::string& subject) {
  std::vector<model::Event> found;
  TRY_CONTEXT(sql_.events.each({after, limit_of(limit), subject},
                               [&](const SqlRow& row) { found.push_back(event_of(row)); }),
              "read events");
  return found;
}

Result<std::vector<model::Event>> SqliteStore::recent_events(int limit, const std::string& subject) {
  std::vector<model::Event> found;
  TRY_CONTEXT(sql_.recent_events.each({limit_of(limit), subject},
                                      [&](const SqlRow& row) { found.push_back(event_of(row)); }),
              "read recent events");
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace slipway::state
