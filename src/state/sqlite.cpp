#include "state/sqlite.h"

#include <cerrno>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

namespace slipway::state {
namespace {

// Another process (a person with the sqlite3 shell) may hold the lock for a moment; we do not give up at
// once.
constexpr int kBusyTimeoutMs = 5000;
// Stands at the bottom of an error chain, so that damage is told from other failures without a code of its
// own.
constexpr std::string_view kDamage = "the file is damaged";

ErrorCode code_of(int result) {
  switch (result & 0xff) {  // the low byte is the primary code, the rest says more
    case SQLITE_FULL:
      return ErrorCode::Exhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return ErrorCode::Unavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return ErrorCode::Forbidden;
    default:  // an int of the library, not an enum of ours
      return ErrorCode::Internal;
  }
}

Error damage(std::string attempt, std::string why) {
  return Error(ErrorCode::Internal, std::move(attempt),
               Error(ErrorCode::Internal, std::move(why), Error(ErrorCode::Internal, std::string(kDamage))));
}

Error sqlite_error(sqlite3* handle, int result, std::string attempt) {
  std::string why = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result);
  const int primary = result & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    return damage(std::move(attempt), std::move(why));
  const ErrorCode code = code_of(result);
  return Error(code, std::move(attempt), Error(code, std::move(why)));
}

// A prepared statement goes back to its start on every way out, or it would hold its locks.
struct ResetOnExit {
  sqlite3_stmt* statement;
  ~ResetOnExit() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

int64_t SqlRow::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string SqlRow::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
               : std::string();
}

std::optional<int64_t> SqlRow::optional_integer(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return integer(column);
}

Statement::Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Status Statement::bind(std::initializer_list<SqlValue> values) {
  int index = 0;
  for (const SqlValue& value : values) {
    ++index;
    int result = SQLITE_OK;
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      result = sqlite3_bind_int64(statement_, index, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      // A null pointer would bind NULL, also where the text is merely empty.
      const char* data = text->data() ? text->data() : "";
      result = sqlite3_bind_text64(statement_, index, data, text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
      result = sqlite3_bind_null(statement_, index);
    }
    if (result != SQLITE_OK) {
      return sqlite_error(sqlite3_db_handle(statement_), result, fmt::format("bind parameter {}", index));
    }
  }
  return {};
}

Status Statement::each(std::initializer_list<SqlValue> values,
                       const std::function<void(const SqlRow&)>& row) {
  const ResetOnExit reset{statement_};
  TRY(bind(values));
  int result = SQLITE_ROW;
  while ((result = sqlite3_step(statement_)) == SQLITE_ROW) row(SqlRow(statement_));
  if (result == SQLITE_DONE) return {};
  return sqlite_error(sqlite3_db_handle(statement_), result,
                      fmt::format("run \"{}\"", sqlite3_sql(statement_)));
}

Status Statement::run(std::initializer_list<SqlValue> values) {
  return each(values, [](const SqlRow&) {});
}

namespace {
// What is stored of services includes their environment, so that only the owner may read it. SQLite gives its
// journal the mode of the database.
Status keep_private(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno_error(errno, "open " + file.native());
  const int result = ::fchmod(descriptor, 0600);
  const int number = errno;
  ::close(descriptor);
  for (const char* beside : {"-wal", "-shm"}) ::chmod((file.native() + beside).c_str(), 0600);
  return result == 0 ? Status() : errno_error(number, "close " + file.native() + " to others");
}
}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
  TRY(keep_private(file));
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(
      file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle));  // closes the handle also where opening failed
  if (result != SQLITE_OK) return sqlite_error(handle, result, fmt::format("open {}", file.native()));
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  TRY_CONTEXT(database->execute("PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = NORMAL;"
                                "PRAGMA foreign_keys = ON;"),
              fmt::format("open {}", file.native()));
  return database;
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

Status Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result == SQLITE_OK) return {};
  return sqlite_error(handle_, result, fmt::format("run \"{}\"", sql));
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return sqlite_error(handle_, result, fmt::format("prepare \"{}\"", sql));
  return Statement(statement);
}

Status Database::transaction(const std::function<Status()>& body) {
  TRY(execute("BEGIN IMMEDIATE"));
  Status done = body();
  if (done) done = execute("COMMIT");
  if (done) return {};
  // SQLite takes some failures (a full disk) back by itself, and there is then nothing left to roll back.
  if (sqlite3_get_autocommit(handle_) == 0) {
    if (const Status undone = execute("ROLLBACK"); !undone) return undone;
  }
  return done;
}

int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

Status Database::check() {
  Statement statement = TRY(prepare("PRAGMA quick_check(1)"));
  std::string found;
  TRY(statement.each({}, [&](const SqlRow& row) { found = row.text(0); }));
  if (found == "ok") return {};
  return damage("check the database", found);
}

bool Database::is_damage(const Error& error) {
  const Error* bottom = &error;
  while (bottom->cause()) bottom = bottom->cause();
  return bottom->message() == kDamage;
}

}  // namespace slipway::state
