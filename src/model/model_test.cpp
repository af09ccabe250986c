#include <gtest/gtest.h>

#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"
#include "model/plan.h"

namespace slipway::model {
namespace {

TaskSpec full_spec() {
  TaskSpec spec;
  spec.image = Image{ImageKind::Reference, "docker://registry.local/web:1", "sha256:abc"};
  spec.cmd = std::vector<std::string>{"sh", "-c", "echo \"$A\"\n"};
  spec.env = {{"A", "with spaces\nand lines"}, {"B", "$\xE2\x82\xAC"}};
  spec.work_dir = "/srv";
  spec.user = "1000:1000";
  spec.resources.mem_mb = 64;
  spec.container_port = 8080;
  spec.net = NetMode::Host;
  spec.volumes = {{"/data", "/srv/data", false}};
  spec.read_only_root = true;
  spec.health.mode = HealthMode::Cmd;
  spec.health.cmd = {"true"};
  spec.health.interval = 1500ms;
  spec.stop_signal = "SIGQUIT";
  spec.stop_grace = 3s;
  spec.max_launch_delay = 60s;
  spec.restart_nonce = "n1";
  return spec;
}

TEST(TaskSpec, JsonReadsBackEqual) {
  const TaskSpec spec = full_spec();
  EXPECT_EQ(task_spec_from_json(to_json(spec)).value(), spec);
  EXPECT_EQ(task_spec_from_json(Json::parse(to_json(spec).dump()).value()).value(), spec);
}

TEST(TaskSpec, DefaultsAreNotWrittenSoThatNewKeysChangeNoHash) {
  EXPECT_EQ(to_json(TaskSpec()).dump(), "{}");
}

TEST(Revision, IsNamedByItsContentAlone) {
  const InstanceId web{"shop", "web"};
  const Revision first = make_revision(web, full_spec());
  EXPECT_EQ(make_revision(web, full_spec()).id, first.id);
  EXPECT_EQ(first.id.str().size(), 12U);
  TaskSpec changed = full_spec();
  changed.env["A"] = "other";
  EXPECT_NE(make_revision(web, changed).id, first.id);
  EXPECT_NE(make_revision(InstanceId{"shop", "api"}, full_spec()).id, first.id);
  EXPECT_EQ(revision_from_json(to_json(first)).value(), first);
}

// Promise 8: an upgrade of Slipway must not bounce anyone, so this name may never change.
TEST(Revision, NameOfAKnownSpecStaysTheSameForEver) {
  TaskSpec spec;
  spec.cmd = std::vector<std::string>{"sleep", "inf"};
  EXPECT_EQ(make_revision(InstanceId{"shop", "web"}, spec).id.str(), "d1211b57259f");
}

TEST(Task, JsonReadsBackEqual) {
  Task task;
  task.id = TaskId("shop-web-1");
  task.revision = RevisionId("abc");
  task.instance = InstanceId{"shop", "web"};
  task.node = NodeId("node-1");
  task.state = TaskState::Failed;
  task.health = Health::Unhealthy;
  task.addresses = {{"10.0.0.2", 8080, 8080}};
  task.created_at = Time(Duration(1'769'850'900'250));
  task.started_at = task.created_at + 1s;
  task.last_exit = Exit{std::nullopt, 9, true};
  task.restarts = 3;
  task.next_start_at = task.created_at + 4s;
  task.reason = "out of memory";
  task.last_lines = {"a", "b"};
  EXPECT_EQ(task_from_json(to_json(task)).value(), task);
}

TEST(Exit, TellsSignalCodeAndMemoryApart) {
  EXPECT_EQ((Exit{3, std::nullopt, false}).text(), "exit code 3");
  EXPECT_EQ((Exit{std::nullopt, 11, false}).text(), "SIGSEGV");
  EXPECT_EQ((Exit{std::nullopt, 9, true}).text(), "out of memory");
}

TEST(Override, JsonReadsBackEqualAndBadOnesAreRefused) {
  Override value;
  value.instance = InstanceId{"shop", "web"};
  value.kind = OverrideKind::Scale;
  value.count = 4;
  value.owner = "root";
  value.reason = "sale";
  value.created_at = Time(Duration(1'769'850'900'250));
  value.expires_at = value.created_at + 2h;
  EXPECT_EQ(override_from_json(to_json(value)).value(), value);
  for (const char* bad :
       {R"({"instance":"shop"})", R"({"instance":"a.b","kind":"explode"})",
        R"({"instance":"a.b","kind":"scale","count":-1})", R"({"instance":"a.b","kind":"scale"})"}) {
    EXPECT_FALSE(override_from_json(Json::parse(bad).value()).has_value()) << bad;
  }
}

TEST(InstanceId, IsReadAtTheFirstDot) {
  EXPECT_EQ(parse_instance_id("shop.web").value(), (InstanceId{"shop", "web"}));
  for (const char* bad : {"shop", ".web", "shop.", ""})
    EXPECT_FALSE(parse_instance_id(bad).has_value()) << bad;
}

TEST(Step, TextSaysWhatAndWhy) {
  const Step step{InstanceId{"shop", "web"},
                  RemoveTasksStep{RevisionId("abc"), {TaskId("t1"), TaskId("t2")}, 10s}, "drained"};
  EXPECT_EQ(step.text(), "shop.web: stop 2 tasks of abc (t1, t2): drained");
}

Instance named(const std::string& service, const std::string& instance, int count = 1) {
  Instance made;
  made.id = {service, instance};
  made.count = count;
  return made;
}

std::vector<std::string> counts_of(const InstanceList& list) {
  std::vector<std::string> texts;
  for (const Instance& instance : list)
    texts.push_back(instance.id.text() + " " + std::to_string(instance.count));
  return texts;
}

TEST(InstanceList, KeepsItsOrderWhenOneServiceIsReplaced) {
  InstanceList list = {named("api", "main"), named("shop", "a"), named("shop", "b"), named("web", "main")};
  const auto shared = [](Instance instance) { return std::make_shared<const Instance>(std::move(instance)); };
  list.put_service("shop",
                   {shared(named("shop", "a", 2)), shared(named("shop", "c")), shared(named("shop", "d"))});
  EXPECT_EQ(counts_of(list),
            (std::vector<std::string>{"api.main 1", "shop.a 2", "shop.c 1", "shop.d 1", "web.main 1"}));
  list.put_service("api", {});
  list.put_service("zoo", {shared(named("zoo", "main"))});
  list.put_service("shop", {shared(named("shop", "d", 7))});
  EXPECT_EQ(counts_of(list), (std::vector<std::string>{"shop.d 7", "web.main 1", "zoo.main 1"}));
  list.put(named("web", "main", 3));
  list.put(named("web", "canary"));
  EXPECT_EQ(counts_of(list),
            (std::vector<std::string>{"shop.d 7", "web.canary 1", "web.main 3", "zoo.main 1"}));
}

TEST(InstanceList, ACopyStaysAsItWas) {
  InstanceList list = {named("web", "main"), named("web", "other")};
  const InstanceList before = list;
  EXPECT_EQ(list, before);
  list.edit(0, [](Instance& instance) { instance.count = 5; });
  EXPECT_EQ(before[0].count, 1);
  EXPECT_NE(list, before);
  EXPECT_EQ(&list[1], &before[1]);  // shared still
  EXPECT_EQ(list, (InstanceList{named("web", "main", 5), named("web", "other")}));
}

}  // namespace
}  // namespace slipway::model
