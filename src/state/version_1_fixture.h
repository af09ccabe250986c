// A database as version 1 of the schema left it, for the tests of migrations. Never change it: it is what is
// out there.
#pragma once

namespace slipway::state {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (1);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('generation', 17);
CREATE TABLE overrides (
  service TEXT NOT NULL, instance TEXT NOT NULL, kind TEXT NOT NULL,
  count INTEGER NOT NULL, nonce TEXT NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER,
  PRIMARY KEY (service, instance, kind)) WITHOUT ROWID;
INSERT INTO overrides VALUES ('shop', 'web', 'scale', 4, '', 'operator', 'a sale', 1700000000000, NULL);
CREATE TABLE memories (
  service TEXT NOT NULL, instance TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (service, instance));
INSERT INTO memories VALUES ('shop', 'web', '{}');
CREATE TABLE bounces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service TEXT NOT NULL, instance TEXT NOT NULL, revision TEXT NOT NULL,
  spec TEXT NOT NULL, outcome TEXT NOT NULL, text TEXT NOT NULL,
  started_at INTEGER NOT NULL, ended_at INTEGER);
INSERT INTO bounces
  VALUES (3, 'shop', 'web', 'abcdefabcdef', '{}', 'done', 'a first start', 1700000000000, 1700000001000);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, instance TEXT NOT NULL, kind TEXT NOT NULL,
  text TEXT NOT NULL);
INSERT INTO events VALUES (7, 1700000000500, 'shop.web', 'task_exited', 'exit code 3');
)sql";

}  // namespace slipway::state
