// SQLite in the terms of the house: a Database, prepared Statements, Results. The library's own header stays
// in sqlite.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace slipway::state {

// What can be bound to a parameter. Texts are borrowed until the call returns.
using SqlValue = std::variant<std::nullptr_t, int64_t, std::string_view>;

// The row that a statement stands on, valid inside the callback that gets it. Columns count from 0.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t integer(int column) const;
  std::string text(int column) const;
  std::optional<int64_t> optional_integer(int column) const;  // nullopt for NULL

 private:
  sqlite3_stmt* statement_;
};

// A statement that is compiled once and run often. Must not outlive its Database.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Runs it to its end with `values` bound to ?1, ?2, ..., calling `row` for each row of the answer.
  Status each(std::initializer_list<SqlValue> values, const std::function<void(const SqlRow&)>& row);
  Status run(std::initializer_list<SqlValue> values);

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Status bind(std::initializer_list<SqlValue> values);

  sqlite3_stmt* statement_ = nullptr;
};

// An open database file. One thread at a time.
//
// Its errors: Exhausted (the disk is full), Unavailable (locked by another process, or an I/O error),
// Forbidden, Internal (anything else, a damaged file among it: see is_damage).
class Database {
 public:
  // Opens or creates; write-ahead log, synchronous=NORMAL: a write that returned survives the death of the
  // process, and a power cut loses at most the newest writes, never the file.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;

  // Runs one or more statements without parameters or answers.
  Status execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  // Runs `body` inside one transaction that is taken back when it fails.
  Status transaction(const std::function<Status()>& body);
  int64_t last_insert_id() const;
  // Reads the whole file, and fails with damage when it does not hold together.
  Status check();

  // Whether this error (or one below it) says that the file is damaged or no database at all.
  static bool is_damage(const Error& error);

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace slipway::state
