#include "cli/status_view.h"

#include <gtest/gtest.h>

#include "cli/log_view.h"
#include "cli/progress.h"

namespace slipway::cli {
namespace {

const Time kNow = *parse_time("2026-01-31T12:00:00Z");

const char* const kStatus = R"({
  "cluster": "local", "sequence": 4, "settled": false, "trouble": "", "isolation": "",
  "instances": [
    {"service": "shop", "instance": "web", "state": "bouncing", "desired": 3, "healthy": 2,
     "revision": "bbb",
     "reason": "rolling to bbb", "endpoints": ["http://127.0.0.1:8000"], "revisions": [],
     "draining": ["shop-web-a-1"],
     "bounce": {"to": "bbb", "from": ["aaa"], "method": "crossover", "started_at": "2026-01-31T11:59:30Z",
                "progress_at": "2026-01-31T11:59:40Z", "happy_new": 1, "old_left": 1, "stalled": false,
                "waiting_for": "2 of 3 tasks to become happy"},
     "overrides": [{"instance": "shop.web", "kind": "scale", "count": 3, "owner": "alice", "reason": "sale",
                    "created_at": "2026-01-31T11:57:00Z", "expires_at": "2026-01-31T14:00:00Z"}],
     "tasks": [
       {"id": "shop-web-b-2", "revision": "bbb", "state": "starting", "health": "unknown", "restarts": 1,
        "addresses": [],
        "created_at": "2026-01-31T11:59:20Z", "reason": "waits for port 8000"},
       {"id": "shop-web-a-1", "revision": "aaa", "state": "running", "health": "healthy", "restarts": 0,
        "addresses": [{"ip": "10.0.0.2", "port": 8000, "container_port": 8000}],
        "created_at": "2026-01-31T10:00:00Z", "reason": ""}]},
    {"service": "shop", "instance": "worker", "state": "stopped", "desired": 0, "healthy": 0,
     "revision": "ccc",
     "reason": null, "endpoints": [], "revisions": [], "draining": [], "bounce": null, "overrides": [],
     "tasks": []}]
})";

Json status() {
  return *Json::parse(kStatus);
}
Json with(const std::string& key, Json value) {
  Json json = status().at("instances").as_array()[1];
  json[key] = std::move(value);
  return json;
}

TEST(StatusTable, HasOneLinePerInstance) {
  EXPECT_EQ(status_table(status(), kNow, Paint()),
            "SERVICE.INSTANCE  STATE     DESIRED  HEALTHY  REVISION  AGE  REASON\n"
            "shop.web          bouncing  3        2        bbb       40s  rolling to bbb; 1 override\n"
            "shop.worker       stopped   0        0        ccc       -\n");
}

TEST(StatusDetails, ShowTasksOverridesAndTheBounce) {
  EXPECT_EQ(status_details(status(), kNow, Paint()),
            "shop.web  bouncing  2 of 3 healthy  revision bbb\n"
            "  reason    rolling to bbb\n"
            "  endpoint  http://127.0.0.1:8000\n"
            "  bounce    crossover to bbb from aaa, 30s old: 1 new happy, 1 old left; waits for 2 of 3 tasks "
            "to become "
            "happy\n"
            "  override  scale to 3 by alice 3m ago, ends in 2h: sale\n"
            "  TASK          STATE     HEALTH   ADDRESS        REVISION  RESTARTS  AGE  REASON\n"
            "  shop-web-b-2  starting  unknown  -              bbb       1         40s  waits for port 8000\n"
            "  shop-web-a-1  running   healthy  10.0.0.2:8000  aaa       0         2h   draining\n"
            "\n"
            "shop.worker  stopped  0 of 0 healthy  revision ccc\n");
}

TEST(ClusterNotes, AreSilentWhenAllIsWell) {
  EXPECT_EQ(cluster_notes(status(), kNow, Paint()), "");
}

TEST(ClusterNotes, SayLoudlyWhatIsWrong) {
  Json json = status();
  json["isolation"] = "tasks are plain processes";
  json["trouble"] = "engine: no answer";
  json["broken"] = Json::Array{"shop"};
  json["problems"] = Json::Array{
      *Json::parse(
          R"({"service": "shop", "file": "/srv/shop/run.yaml", "line": 1, "column": 8, "message": "no cmd",
          "severity": "error"})"),
      *Json::parse(
          R"({"service": "shop", "file": "/srv/shop/run.yaml", "line": 2, "column": 1, "message": "odd",
          "severity": "warning"})")};
  EXPECT_EQ(cluster_notes(json, kNow, Paint()),
            "NOT ISOLATED: tasks are plain processes\n"
            "trouble: engine: no answer; what is shown may be stale\n"
            "service shop has broken files; what runs of it stays as it is\n"
            "  /srv/shop/run.yaml:1:8: no cmd\n"
            "1 problem in the configuration: see `slipway validate`\n");
}

TEST(ClusterNotes, TellAFreezeOnceForAllInstances) {
  const Json freeze =
      *Json::parse(R"({"kind": "freeze", "instance": "", "owner": "alice", "reason": "incident",
    "created_at": "2026-01-31T11:57:00Z", "expires_at": "2026-01-31T14:00:00Z"})");
  Json json = status();
  json["freeze"] = freeze;
  EXPECT_EQ(cluster_notes(json, kNow, Paint()),
            "FROZEN, no deploy begins: freeze by alice 3m ago, ends in 2h: incident\n");
  Json restart = freeze;
  restart["kind"] = "restart";  // and done: no bounce goes on
  json["instances"] = Json::Array{with("overrides", Json::Array{freeze, restart})};
  EXPECT_EQ(status_table(json, kNow, Paint()).find("override"), std::string::npos);
}

TEST(StatusView, ShowsNoControlBytesOfATask) {
  Json json = status();
  json["instances"] = Json::Array{with("reason", "evil \x1b[2J")};
  EXPECT_EQ(status_table(json, kNow, Paint()).find('\x1b'), std::string::npos);
  EXPECT_EQ(progress_lines(json, Paint()).front().text.find('\x1b'), std::string::npos);
}

TEST(Progress, IsGoodWhenAllWantedTasksAreHealthy) {
  Json json = with("state", "running");
  EXPECT_EQ(progress_of(json), Progress::Good);
  json["desired"] = 1;
  EXPECT_EQ(progress_of(json), Progress::Waiting);
  EXPECT_EQ(progress_of(with("state", "stopped")), Progress::Good);
  EXPECT_EQ(progress_of(status().at("instances").as_array()[0]), Progress::Waiting);
}

TEST(Progress, IsFailedWhereWaitingDoesNotHelp) {
  EXPECT_EQ(progress_of(with("state", "crashlooping")), Progress::Failed);
  EXPECT_EQ(progress_of(with("state", "stalled")), Progress::Failed);
  Json json = with("state", "starting");
  EXPECT_EQ(progress_of(json), Progress::Waiting);
  json["blocked"] = "image";
  EXPECT_EQ(progress_of(json), Progress::Failed);
}

TEST(ProgressLines, TellWhatIsWantedWhatThereIsAndWhatItWaitsFor) {
  const auto lines = progress_lines(status(), Paint());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].key, "shop.web");
  EXPECT_EQ(lines[0].text, "shop.web     bouncing      desired 3   starting 1   healthy 2   rolling to bbb");
  EXPECT_EQ(lines[1].text, "shop.worker  stopped       desired 0   starting 0   healthy 0");
}

TEST(Live, WritesOnlyLinesThatChangedWhereNobodyCanRedraw) {
  std::string written;
  Sink sink;
  sink.write = [&](std::string_view text) { written += text; };
  Output output(sink, sink, false);
  Live live(output);
  live.show({{"a", "a 1"}, {"b", "b 1"}});
  live.show({{"a", "a 1"}, {"b", "b 2"}});
  EXPECT_EQ(written, "a 1\nb 1\nb 2\n");
}

TEST(Live, RedrawsOnATerminalAndClipsToItsWidth) {
  std::string written;
  Sink sink;
  sink.write = [&](std::string_view text) { written += text; };
  sink.terminal = true;
  sink.columns = 5;
  Output output(sink, sink, true);
  Live live(output);
  live.show({{"a", "abcdefgh"}});
  live.show({{"a", "x"}});
  EXPECT_EQ(written, "abcd…\n\x1b[1A\x1b[Jx\n");
}

TEST(LogLine, IsMarkedWithTheShortTask) {
  const Json line = Json::Object{{"task", "shop-web-b-2"}, {"text", "hello \x1b[2J"}};
  EXPECT_EQ(log_line(line, Paint(), true), "2 | hello \x1b[2J\n");
  EXPECT_EQ(log_line(line, Paint(), false).find('\x1b'), std::string::npos);
}

TEST(LogLine, HasOneColourPerTask) {
  EXPECT_EQ(task_colour("a-1"), task_colour("a-1"));
  EXPECT_NE(task_colour("a-1"), Colour::Plain);
}

}  // namespace
}  // namespace slipway::cli
