#include "state/migrations.h"

#include <array>

#include <fmt/format.h>

namespace slipway::state {
namespace {

constexpr const char* kMigrations[] = {
    // 1: the tables. Times are milliseconds since 1970, kinds are the words of model/.
    R"sql(
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE overrides (
  service TEXT NOT NULL, instance TEXT NOT NULL, kind TEXT NOT NULL,
  count INTEGER NOT NULL, nonce TEXT NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER,
  PRIMARY KEY (service, instance, kind)) WITHOUT ROWID;
CREATE TABLE memories (
  service TEXT NOT NULL, instance TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (service, instance));
CREATE TABLE bounces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service TEXT NOT NULL, instance TEXT NOT NULL, revision TEXT NOT NULL,
  spec TEXT NOT NULL, outcome TEXT NOT NULL, text TEXT NOT NULL,
  started_at INTEGER NOT NULL, ended_at INTEGER);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, instance TEXT NOT NULL, kind TEXT NOT NULL,
  text TEXT NOT NULL);
)sql",
    // 2: events and bounces of one subject without reading all the others.
    R"sql(
CREATE INDEX events_by_instance ON events (instance, id);
CREATE INDEX bounces_by_instance ON bounces (service, instance, id);
)sql",
};

Result<int> current_schema(Database& database) {
  TRY(database.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"));
  Statement statement = TRY(database.prepare("SELECT version FROM schema_version"));
  int version = 0;
  TRY(statement.each({}, [&](const SqlRow& row) { version = static_cast<int>(row.integer(0)); }));
  return version;
}

Status apply(Database& database, int version) {
  return database.transaction([&]() -> Status {
    TRY(database.execute(kMigrations[version - 1]));
    TRY(database.execute("DELETE FROM schema_version"));
    Statement note = TRY(database.prepare("INSERT INTO schema_version VALUES (?1)"));
    return note.run({int64_t{version}});
  });
}

}  // namespace

int newest_schema() {
  return static_cast<int>(std::size(kMigrations));
}

Status migrate(Database& database) {
  return migrate(database, newest_schema());
}

Status migrate(Database& database, int up_to) {
  const int current = TRY(current_schema(database));
  if (current > newest_schema()) {
    return Error(
        ErrorCode::Invalid,
        fmt::format(
            "the database has schema {}, and this Slipway knows up to {}: start the newer Slipway that "
            "wrote it, or move the file away to begin with an empty one",
            current, newest_schema()));
  }
  for (int version = current + 1; version <= up_to; ++version) {
    TRY_CONTEXT(apply(database, version), fmt::format("migrate the database to schema {}", version));
  }
  return {};
}

}  // namespace slipway::state
