// One suite that every Store passes, and below it what only a durable one can promise.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "state/limits.h"
#include "state/memory_store.h"
#include "state/migrations.h"
#include "state/sqlite_store.h"
#include "state/version_1_fixture.h"

namespace slipway::state {
namespace {

using model::Event;
using model::InstanceId;
using model::Override;
using model::OverrideKind;

const InstanceId kWeb{"shop", "web"};
const InstanceId kWorker{"shop", "worker"};
const InstanceId kShopping{"shopping", "web"};

// A folder of its own below the temporary one, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "slipway-store-XXXXXX").native();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path file() const { return path_ / "state" / "slipway.db"; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

BounceRecord bounce_of(const InstanceId& instance, int number) {
  BounceRecord record;
  record.instance = instance;
  record.revision = model::RevisionId("rev" + std::to_string(number));
  record.spec = "{\"n\":" + std::to_string(number) + "}";
  record.outcome = "running";
  record.text = "bounce " + std::to_string(number);
  record.started_at = Time(Duration(1000 + number));
  return record;
}

Override override_of(const InstanceId& instance, OverrideKind kind) {
  Override value;
  value.instance = instance;
  value.kind = kind;
  return value;
}

Event event_of(const std::string& instance, const std::string& text) {
  return Event{.id = 0, .at = Time(Duration(42)), .instance = instance, .kind = "task_exited", .text = text};
}

std::vector<std::string> texts(const std::vector<Event>& events) {
  std::vector<std::string> found;
  for (const Event& event : events) found.push_back(event.text);
  return found;
}

class StoreSuite : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("memory")) {
      store_ = std::make_unique<MemoryStore>();
    } else {
      auto opened = SqliteStore::open(folder_.file(), clock_);
      ASSERT_TRUE(opened) << opened.error().text();
      store_ = std::move(*opened);
    }
  }

  Folder folder_;
  FakeClock clock_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreSuite, testing::Values("memory", "sqlite"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(StoreSuite, GenerationsGrowAndNeverFallBehindTheEngine) {
  EXPECT_EQ(store_->next_generation(0).value(), 1u);
  EXPECT_EQ(store_->next_generation(0).value(), 2u);
  EXPECT_EQ(store_->next_generation(40).value(), 41u);
  EXPECT_EQ(store_->next_generation(7).value(), 42u);
}

TEST_P(StoreSuite, TheNewestClaimHoldsTheStateAndTheOthersAreTold) {
  const Claim first = store_->claim().value();
  EXPECT_TRUE(store_->still_mine(first));
  const Claim second = store_->claim().value();
  EXPECT_GT(second, first);
  EXPECT_TRUE(store_->still_mine(second));
  const Status lost = store_->still_mine(first);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::Conflict);
}

TEST_P(StoreSuite, AnEmptyStoreHasNothing) {
  EXPECT_TRUE(store_->overrides().value().empty());
  EXPECT_TRUE(store_->memories().value().empty());
  EXPECT_TRUE(store_->bounces(kWeb, 10).value().empty());
  EXPECT_TRUE(store_->events(0, 10, "").value().empty());
  EXPECT_TRUE(store_->recent_events(10, "").value().empty());
}

TEST_P(StoreSuite, AnOverrideComesBackWhole) {
  Override scale;
  scale.instance = kWeb;
  scale.kind = OverrideKind::Scale;
  scale.count = 7;
  scale.nonce = "n";
  scale.owner = "operator";
  scale.reason = "a sale; it's \"big\"\nand long: \xF0\x9F\x9B\x92";
  scale.created_at = Time(Duration(1'700'000'000'123));
  scale.expires_at = Time(Duration(1'700'000'900'000));
  ASSERT_TRUE(store_->put_override(scale));
  EXPECT_EQ(store_->overrides().value(), std::vector<Override>{scale});
}

TEST_P(StoreSuite, AnOverrideReplacesThatOfTheSameKindOnly) {
  const Override stop = override_of(kWeb, OverrideKind::Stop);
  Override scale = override_of(kWeb, OverrideKind::Scale);
  const Override other = override_of(kWorker, OverrideKind::Stop);
  ASSERT_TRUE(store_->put_override(other));
  ASSERT_TRUE(store_->put_override(scale));
  ASSERT_TRUE(store_->put_override(stop));
  scale.count = 5;
  ASSERT_TRUE(store_->put_override(scale));
  EXPECT_EQ(store_->overrides().value(), (std::vector<Override>{stop, scale, other}));
}

TEST_P(StoreSuite, RemovingAnOverrideLeavesTheOthersAndMayBeRepeated) {
  const Override stop = override_of(kWeb, OverrideKind::Stop);
  const Override pause = override_of(kWeb, OverrideKind::Pause);
  ASSERT_TRUE(store_->put_override(stop));
  ASSERT_TRUE(store_->put_override(pause));
  EXPECT_TRUE(store_->remove_override(kWeb, OverrideKind::Stop));
  EXPECT_TRUE(store_->remove_override(kWeb, OverrideKind::Stop));
  EXPECT_EQ(store_->overrides().value(), std::vector<Override>{pause});
}

TEST_P(StoreSuite, MemoriesAreKeptByInstanceAndForgottenWhenEmpty) {
  ASSERT_TRUE(store_->put_memory(kWorker, "w"));
  ASSERT_TRUE(store_->put_memory(kWeb, "one"));
  ASSERT_TRUE(store_->put_memory(kWeb, "two"));
  using Memories = std::vector<std::pair<InstanceId, std::string>>;
  EXPECT_EQ(store_->memories().value(), (Memories{{kWeb, "two"}, {kWorker, "w"}}));
  ASSERT_TRUE(store_->put_memory(kWeb, ""));
  EXPECT_EQ(store_->memories().value(), (Memories{{kWorker, "w"}}));
}

TEST_P(StoreSuite, ABounceIsStoredThenReplacedByWhatBeganTheSame) {
  BounceRecord record = bounce_of(kWeb, 1);
  const int64_t id = store_->put_bounce(record).value();
  EXPECT_GT(id, 0);
  record.outcome = "done";
  record.ended_at = Time(Duration(5000));
  EXPECT_EQ(store_->put_bounce(record).value(), id);

  const auto found = store_->bounces(kWeb, 10).value();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, id);
  EXPECT_EQ(found[0].instance, kWeb);
  EXPECT_EQ(found[0].revision, record.revision);
  EXPECT_EQ(found[0].spec, record.spec);
  EXPECT_EQ(found[0].outcome, "done");
  EXPECT_EQ(found[0].text, record.text);
  EXPECT_EQ(found[0].started_at, record.started_at);
  EXPECT_EQ(found[0].ended_at, record.ended_at);
}

TEST_P(StoreSuite, OpenBouncesAreThoseWithoutAnEnd) {
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(store_->put_bounce(bounce_of(i == 2 ? kWorker : kWeb, i)));
  BounceRecord ended = bounce_of(kWeb, 1);
  ended.ended_at = Time(Duration(5000));
  ASSERT_TRUE(store_->put_bounce(ended));
  const auto open = store_->open_bounces().value();
  ASSERT_EQ(open.size(), 2u);
  EXPECT_EQ(open[0].instance, kWorker);
  EXPECT_EQ(open[0].text, "bounce 2");
  EXPECT_EQ(open[1].instance, kWeb);
  EXPECT_EQ(open[1].started_at, bounce_of(kWeb, 3).started_at);
}

TEST_P(StoreSuite, TheWishToGoDownIsKept) {
  EXPECT_FALSE(store_->going_down().value());
  ASSERT_TRUE(store_->set_going_down(true));
  EXPECT_TRUE(store_->going_down().value());
  ASSERT_TRUE(store_->set_going_down(false));
  EXPECT_FALSE(store_->going_down().value());
}

TEST_P(StoreSuite, BouncesComeNewestFirstAndOfOneInstance) {
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(store_->put_bounce(bounce_of(i == 2 ? kWorker : kWeb, i)));
  const auto found = store_->bounces(kWeb, 2).value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "bounce 4");
  EXPECT_EQ(found[1].text, "bounce 3");
  EXPECT_TRUE(store_->bounces(kWeb, 0).value().empty());
  EXPECT_TRUE(store_->bounces(kWeb, -1).value().empty());
}

TEST_P(StoreSuite, OnlyTheNewestBouncesOfEachInstanceAreKept) {
  ASSERT_TRUE(store_->put_bounce(bounce_of(kWorker, 0)));
  for (int i = 1; i <= kBouncesPerInstance + 5; ++i) ASSERT_TRUE(store_->put_bounce(bounce_of(kWeb, i)));
  const auto found = store_->bounces(kWeb, 1000).value();
  ASSERT_EQ(static_cast<int64_t>(found.size()), kBouncesPerInstance);
  EXPECT_EQ(found.back().text, "bounce 6");
  EXPECT_EQ(store_->bounces(kWorker, 1000).value().size(), 1u);
}

TEST_P(StoreSuite, EventsAreReadForwardFromAnId) {
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(store_->append_event(event_of("shop.web", std::to_string(i))).value(), i);
  }
  EXPECT_EQ(texts(store_->events(0, 2, "").value()), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(texts(store_->events(2, 10, "").value()), (std::vector<std::string>{"3", "4", "5"}));
  EXPECT_EQ(texts(store_->recent_events(2, "").value()), (std::vector<std::string>{"4", "5"}));
  Event whole = event_of("shop.web", "5");
  whole.id = 5;
  EXPECT_EQ(store_->recent_events(1, "").value(), std::vector<Event>{whole});
}

TEST_P(StoreSuite, EventsAreFoundByServiceAndByInstanceAndNotByALikeName) {
  ASSERT_TRUE(store_->append_event(event_of("shop.web", "a")));
  ASSERT_TRUE(store_->append_event(event_of("shop.worker", "b")));
  ASSERT_TRUE(store_->append_event(event_of("shopping.web", "c")));
  ASSERT_TRUE(store_->append_event(event_of("shop", "d")));
  ASSERT_TRUE(store_->append_event(event_of("", "e")));
  for (const auto& [subject, expected] :
       std::vector<std::pair<std::string, std::vector<std::string>>>{{"shop", {"a", "b", "d"}},
                                                                     {"shop.web", {"a"}},
                                                                     {"shop.we", {}},
                                                                     {"sho", {}},
                                                                     {"shopping", {"c"}}}) {
    EXPECT_EQ(texts(store_->events(0, 10, subject).value()), expected) << subject;
    EXPECT_EQ(texts(store_->recent_events(10, subject).value()), expected) << subject;
  }
}

TEST_P(StoreSuite, OnlyTheNewestEventsAreKept) {
  for (int i = 1; i <= kEvents + 3; ++i)
    ASSERT_TRUE(store_->append_event(event_of("shop.web", std::to_string(i))));
  const auto found = store_->events(0, 1'000'000, "").value();
  ASSERT_EQ(static_cast<int64_t>(found.size()), kEvents);
  EXPECT_EQ(found.front().id, 4);
  EXPECT_EQ(found.back().id, kEvents + 3);
}

TEST_P(StoreSuite, ATextWithoutBoundIsRefused) {
  const std::string long_text(kTextBytes + 1, 'x');
  EXPECT_EQ(store_->put_memory(kWeb, long_text).error().code(), ErrorCode::Invalid);
  EXPECT_EQ(store_->append_event(event_of("", long_text)).error().code(), ErrorCode::Invalid);
  BounceRecord record = bounce_of(kWeb, 1);
  record.spec = long_text;
  EXPECT_EQ(store_->put_bounce(record).error().code(), ErrorCode::Invalid);
  EXPECT_TRUE(store_->put_memory(kWeb, std::string(kTextBytes, 'x')));
}

// What survives.

std::unique_ptr<SqliteStore> open_or_die(const std::filesystem::path& file) {
  FakeClock clock;
  auto opened = SqliteStore::open(file, clock);
  EXPECT_TRUE(opened) << opened.error().text();
  return opened ? std::move(*opened) : nullptr;
}

TEST(SqliteStore, KeepsWhatWasWrittenWhenItsProcessIsKilled) {
  const Folder folder;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto store = open_or_die(folder.file());
    const bool written = store && store->next_generation(9) &&
                         store->append_event(event_of("shop.web", "x")) &&
                         store->put_override(override_of(kWeb, OverrideKind::Stop)) &&
                         store->put_memory(kWeb, "memory") && store->put_bounce(bounce_of(kWeb, 1));
    if (written) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not write";

  const auto store = open_or_die(folder.file());
  EXPECT_EQ(store->next_generation(0).value(), 11u);
  EXPECT_EQ(store->recent_events(10, "").value().size(), 1u);
  EXPECT_EQ(store->overrides().value().size(), 1u);
  EXPECT_EQ(store->memories().value().size(), 1u);
  EXPECT_EQ(store->bounces(kWeb, 10).value().size(), 1u);
}

// The specs in it hold environments, and those hold passwords.
TEST(SqliteStore, OnlyItsOwnerReadsWhatIsStored) {
  const Folder folder;
  std::filesystem::create_directories(folder.file().parent_path());
  std::ofstream(folder.file()).flush();  // as an earlier version made it, for all to read
  const auto store = open_or_die(folder.file());
  ASSERT_TRUE(store->put_override(override_of(kWeb, OverrideKind::Stop)));
  for (const char* end : {"", "-wal", "-shm"}) {
    const auto mode = std::filesystem::status(folder.file().native() + end).permissions();
    EXPECT_EQ(mode, std::filesystem::perms(0600)) << end;
  }
}

TEST(SqliteStore, IdsGrowAcrossRestarts) {
  const Folder folder;
  EXPECT_EQ(open_or_die(folder.file())->append_event(event_of("", "a")).value(), 1);
  EXPECT_EQ(open_or_die(folder.file())->append_event(event_of("", "b")).value(), 2);
}

TEST(SqliteStore, MigratesADatabaseOfVersion1WithAllThatIsInIt) {
  const Folder folder;
  std::filesystem::create_directories(folder.file().parent_path());
  {
    const auto database = Database::open(folder.file()).value();
    ASSERT_TRUE(database->execute(kVersion1));
  }
  const auto store = open_or_die(folder.file());
  EXPECT_EQ(store->next_generation(0).value(), 18u);
  const auto overrides = store->overrides().value();
  ASSERT_EQ(overrides.size(), 1u);
  EXPECT_EQ(overrides[0].owner, "operator");
  EXPECT_EQ(overrides[0].count, 4);
  EXPECT_EQ(store->memories().value().size(), 1u);
  EXPECT_EQ(store->bounces(kWeb, 10).value().size(), 1u);
  EXPECT_EQ(texts(store->recent_events(10, "shop.web").value()), (std::vector<std::string>{"exit code 3"}));
  EXPECT_EQ(store->append_event(event_of("", "next")).value(), 8);
}

TEST(SqliteStore, AMigratedDatabaseHasTheSchemaOfAFreshOne) {
  const auto schema_of = [](const std::filesystem::path& file) {
    std::string schema;
    const auto database = Database::open(file).value();
    auto statement =
        database->prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").value();
    EXPECT_TRUE(statement.each({}, [&](const SqlRow& row) { schema += row.text(0) + "\n"; }));
    return schema;
  };
  const Folder folder;
  ASSERT_TRUE(open_or_die(folder.path() / "fresh.db"));
  {
    const auto database = Database::open(folder.path() / "old.db").value();
    ASSERT_TRUE(database->execute(kVersion1));
    ASSERT_TRUE(migrate(*database));
  }
  EXPECT_EQ(schema_of(folder.path() / "old.db"), schema_of(folder.path() / "fresh.db"));
}

TEST(SqliteStore, RefusesADatabaseThatIsNewerAndLeavesItAlone) {
  const Folder folder;
  ASSERT_TRUE(open_or_die(folder.file())->append_event(event_of("", "kept")));
  {
    const auto database = Database::open(folder.file()).value();
    ASSERT_TRUE(database->execute("UPDATE schema_version SET version = 99"));
  }
  FakeClock clock;
  const auto opened = SqliteStore::open(folder.file(), clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::Invalid);
  EXPECT_NE(opened.error().text().find("schema 99"), std::string::npos) << opened.error().text();

  const auto database = Database::open(folder.file()).value();
  ASSERT_TRUE(database->execute("UPDATE schema_version SET version = " + std::to_string(newest_schema())));
  EXPECT_EQ(open_or_die(folder.file())->recent_events(10, "").value().size(), 1u);
}

TEST(SqliteStore, AMigrationThatFailsChangesNothing) {
  const Folder folder;
  const auto database = Database::open(folder.path() / "half.db").value();
  ASSERT_TRUE(migrate(*database, 1));
  // The second migration creates an index of this name, and cannot.
  ASSERT_TRUE(database->execute("CREATE TABLE bounces_by_instance (x)"));
  EXPECT_FALSE(migrate(*database));
  ASSERT_TRUE(database->execute("DROP TABLE bounces_by_instance"));
  EXPECT_TRUE(migrate(*database));
}

int count_aside(const std::filesystem::path& file) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path())) {
    const std::string name = entry.path().filename().native();
    if (name.starts_with(file.filename().native() + ".corrupt-") && !name.ends_with("-wal") &&
        !name.ends_with("-shm")) {
      ++count;
    }
  }
  return count;
}

TEST(SqliteStore, AFileThatIsNoDatabaseIsMovedAside) {
  const Folder folder;
  std::filesystem::create_directories(folder.file().parent_path());
  std::ofstream(folder.file()) << std::string(8192, 'x');
  const auto store = open_or_die(folder.file());
  ASSERT_TRUE(store);
  EXPECT_EQ(store->next_generation(0).value(), 1u);
  EXPECT_EQ(count_aside(folder.file()), 1);
}

TEST(SqliteStore, AFileDamagedInTheMiddleIsMovedAside) {
  const Folder folder;
  {
    const auto store = open_or_die(folder.file());
    for (int i = 0; i < 500; ++i)
      ASSERT_TRUE(store->append_event(event_of("shop.web", std::string(200, 'x'))));
  }
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(folder.file()));
  {
    std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::streamoff at = 4096; at + 2048 < size; at += 4096)
      file.seekp(at).write(std::string(2048, '\x7f').data(), 2048);
  }
  const auto store = open_or_die(folder.file());
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->recent_events(10, "").value().empty());
  EXPECT_TRUE(store->append_event(event_of("", "goes on")));
  EXPECT_EQ(count_aside(folder.file()), 1);
}

TEST(SqliteStore, AFolderThatCannotBeMadeIsAnError) {
  const Folder folder;
  std::ofstream(folder.path() / "file") << "not a folder";
  FakeClock clock;
  const auto opened = SqliteStore::open(folder.path() / "file" / "slipway.db", clock);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find((folder.path() / "file").native()), std::string::npos);
}

}  // namespace
}  // namespace slipway::state
