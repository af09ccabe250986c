// The commands against a control plane that answers what the test says.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "api/fake_control_plane.h"
#include "api/registry.h"
#include "cli/context.h"
#include "model/override.h"

namespace slipway::cli {
namespace {

class Commands : public testing::Test {
 protected:
  Commands() {
    variables_["SLIPWAY_API"] = plane_.endpoint();
    plane_.on("GET /v1/services", *Json::parse(R"({"services": [
      {"service": "shop", "instances": ["web", "worker"], "broken": false},
      {"service": "blog", "instances": ["main"], "broken": true}]})"));
    wiring_.version = "1.2.3";
  }

  // The exit code; what it wrote is in out_ and err_.
  int run(const std::vector<std::string>& words) {
    out_.clear();
    err_.clear();
    Sink out;
    out.write = [this](std::string_view text) { out_ += text; };
    Sink err;
    err.write = [this](std::string_view text) { err_ += text; };
    Output output(out, err, false);
    const Environment environment{.variables = variables_,
                                  .directory = plane_.folder(),
                                  .registry = plane_.folder() / "run",
                                  .user = "alice",
                                  .program = "/bin/false",
                                  .clock = clock_,
                                  .random = random_};
    return run_command(words, output, environment, wiring_);
  }

  static Json status(const std::string& state, int desired, int healthy, Json overrides = Json::Array()) {
    return Json::Object{{"sequence", 1},
                        {"settled", true},
                        {"instances", Json::Array{Json::Object{{"service", "shop"},
                                                               {"instance", "web"},
                                                               {"state", state},
                                                               {"desired", desired},
                                                               {"healthy", healthy},
                                                               {"overrides", std::move(overrides)}}}}};
  }

  static Json with(Json status, std::string_view name, Json value) {
    Json::Array instances = status.at("instances").as_array();
    instances[0][name] = std::move(value);
    status["instances"] = std::move(instances);
    return status;
  }

  api::FakeControlPlane plane_;
  SystemClock clock_;
  SeededRandom random_{1};
  std::map<std::string, std::string> variables_;
  Wiring wiring_;
  std::string out_;
  std::string err_;
  Json next_ = status("running", 3, 3);
};

TEST_F(Commands, StatusPassesTheObjectOnUnchanged) {
  const Json answer = status("running", 3, 3);
  plane_.on("GET /v1/status", answer);
  EXPECT_EQ(run({"status", "-o", "json"}), 0);
  EXPECT_EQ(*Json::parse(out_), answer);
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_NE(out_.find("shop.web          running  3        3"), std::string::npos) << out_;
}

TEST_F(Commands, StatusOfOneInstanceAsksForIt) {
  plane_.on("GET /v1/status", status("running", 3, 3));
  EXPECT_EQ(run({"status", "shop.web"}), 0);
  EXPECT_TRUE(plane_.was_asked("GET /v1/status?instance=web&service=shop"));
}

TEST_F(Commands, WhyShowsCausesIndented) {
  plane_.on("GET /v1/instances/blog.main/why", *Json::parse(R"({"state": "stalled", "causes": [
    {"at": null, "kind": "exit", "text": "a ended with exit code 3", "lines": ["no such table"]},
    {"at": "2026-01-31T12:00:00.250Z", "kind": "override", "text": "scaled to 3", "lines": []}]})"));
  EXPECT_EQ(run({"why", "blog"}), 0);
  EXPECT_EQ(out_,
            "blog.main is stalled\n"
            "  now                   exit        a ended with exit code 3\n"
            "                                    | no such table\n"
            "  2026-01-31T12:00:00Z  override    scaled to 3\n");
}

TEST_F(Commands, AMistypedNameGetsASuggestion) {
  EXPECT_EQ(run({"why", "shpo.web"}), 3);
  EXPECT_EQ(err_, "error: there is no service 'shpo'; did you mean 'shop'?\n");
  EXPECT_EQ(run({"why", "shop.wbe"}), 3);
  EXPECT_EQ(err_, "error: service 'shop' has no instance 'wbe'; did you mean 'shop.web'?\n");
  EXPECT_EQ(run({"why", "shop"}), 2);
  EXPECT_EQ(err_, "error: 'shop' has 2 instances; say which: shop.web, shop.worker\n");
}

TEST_F(Commands, ExitCodesFollowTheContract) {
  EXPECT_EQ(run({"nonsense"}), 2);
  plane_.fail("GET /v1/nodes", ErrorCode::Forbidden, "not you");
  EXPECT_EQ(run({"nodes"}), 7);
  plane_.fail("GET /v1/nodes", ErrorCode::Timeout, "too slow");
  EXPECT_EQ(run({"nodes"}), 5);
  variables_["SLIPWAY_API"] = "unix:/nonexistent/api.sock";
  EXPECT_EQ(run({"nodes"}), 6);
}

TEST_F(Commands, ListHasOneInstanceALine) {
  EXPECT_EQ(run({"list"}), 0);
  EXPECT_EQ(out_, "shop.web\nshop.worker\nblog.main\n");
  EXPECT_NE(err_.find("the files of blog have problems"), std::string::npos);
}

TEST_F(Commands, NodesAndHistoryAndPlanAreTables) {
  plane_.on("GET /v1/nodes", *Json::parse(R"({"nodes": [{"id": "here", "ready": true, "draining": false,
    "cpus": 2.0,
    "mem": 2048, "disk": 1024, "reason": ""}]})"));
  EXPECT_EQ(run({"nodes"}), 0);
  EXPECT_NE(out_.find("here  running  2     2.0 GiB"), std::string::npos) << out_;
  plane_.on("GET /v1/history/shop.web",
            *Json::parse(R"({"bounces": [{"id": 1, "revision": "aaa", "outcome": "done",
    "text": "image changed", "started_at": "2026-01-31T12:00:00.000Z", "ended_at": null}]})"));
  EXPECT_EQ(run({"history", "shop.web", "-n", "1"}), 0);
  EXPECT_NE(out_.find("aaa       done     image changed"), std::string::npos) << out_;
}

TEST_F(Commands, PlanRehearsesTheFilesOnWhatRuns) {
  const std::filesystem::path tree = plane_.folder() / "tree";
  std::filesystem::create_directories(tree / "web");
  std::ofstream(tree / "web/run.yaml") << "main:\n  cmd: [serve]\n";
  plane_.on("GET /v1/version",
            Json::Object{{"cluster", "prod"}, {"engine", "fake"}, {"config", tree.string()}});
  Json observed = model::to_json(model::Observed{});
  observed["limited_room"] = true;
  observed["rebalance"] = 2;
  plane_.on("GET /v1/observed", observed);
  plane_.on("GET /v1/config", Json::Object());
  plane_.on("GET /v1/overrides", Json::Object{{"overrides", Json::Array()}});
  RehearsalRequest asked;
  wiring_.rehearse = [&](const RehearsalRequest& request) {
    asked = request;
    RehearsalAnswer answer;
    answer.report = *Json::parse(R"({"converges": true, "seconds": 12.5, "steps": [
      {"instance": "web.main", "text": "web.main: have 1 task"}, {"instance": "blog.main", "text": "x"}],
      "instances": [{"instance": "web.main", "from": ["aaa"], "to": "bbb", "change": "env V",
        "method": "brutal",
        "desired": 1, "lowest_healthy": 0, "seconds": 2, "room": null, "reason": null,
        "steps": [{"at_seconds": 1.5, "text": "web.main: have 1 task"}]}]})");
    return answer;
  };
  EXPECT_EQ(run({"plan", "web.main", "--exit-code"}), 10) << err_;
  EXPECT_EQ(out_,
            "web.main  aaa -> bbb  (env V)  brutal\n"
            "     +1.5s  web.main: have 1 task\n"
            "  about 2.0s; never fewer than 0 of 1 healthy; there is room\n");
  ASSERT_EQ(asked.desired.instances.size(), 1U);
  EXPECT_EQ(asked.desired.instances.front().id.text(), "web.main");
  EXPECT_TRUE(asked.limited_room);
  EXPECT_EQ(asked.rebalance, 2);
  EXPECT_EQ(run({"plan", "wob.main"}), 3) << "no such instance";
}

TEST_F(Commands, SimulateBringsUpThenChangesAndTellsFigures) {
  std::vector<RehearsalRequest> asked;
  wiring_.rehearse = [&](const RehearsalRequest& request) {
    asked.push_back(request);
    RehearsalAnswer answer;
    answer.report = *Json::parse(R"({"converges": true, "seconds": 130, "rounds": 7, "lowest": 19,
      "lowest_of": 20, "lowest_at_seconds": 3, "tasks_started": 22, "tasks_moved": 2, "steps_taken": 5})");
    answer.end.nodes = request.start.nodes;
    return answer;
  };
  EXPECT_EQ(run({"simulate", "--synthetic", "5x4", "--nodes", "40", "--lose", "5%", "--seed", "9"}), 0)
      << err_;
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].lost_nodes, 0);
  EXPECT_EQ(asked[1].lost_nodes, 2);
  EXPECT_EQ(asked[1].seed, 9U);
  EXPECT_EQ(asked[1].desired.instances.size(), 5U);
  EXPECT_NE(asked[0].desired.instances[0].spec, asked[1].desired.instances[0].spec);
  EXPECT_NE(out_.find("converged     after 2m 10s, in 7 rounds"), std::string::npos) << out_;
  EXPECT_NE(out_.find("95.00 % served: 19 of 20 tasks"), std::string::npos) << out_;
  EXPECT_EQ(run({"simulate", "--synthetic", "5", "--nodes", "40"}), 2);
  EXPECT_EQ(run({"simulate", "--synthetic", "5x4", "--lose", "150"}), 2);
  EXPECT_EQ(run({"simulate", "--synthetic", "5x4", "--nodes", "0"}), 2);
}

TEST_F(Commands, DrainSaysWhoAndWhyAndWaitsUntilTheNodeIsEmpty) {
  plane_.on("POST /v1/nodes/here/drain", *Json::parse(R"({"id": "here", "draining": true})"));
  Json instance = status("running", 3, 3).at("instances").as_array().at(0);
  instance["reason"] = "no node takes tasks";
  instance["tasks"] = *Json::parse(R"([{"id": "a", "node": "here", "state": "running"},
                                       {"id": "b", "node": "there", "state": "running"}])");
  Json busy = status("running", 3, 3);
  busy["instances"] = Json::Array{instance};
  plane_.on("GET /v1/status", busy);
  EXPECT_EQ(run({"drain", "here", "--reason", "new disk"}), 0);
  EXPECT_EQ(out_, "here: is being drained\n");
  EXPECT_EQ(*Json::parse(plane_.asked().back().second),
            *Json::parse(R"({"owner": "alice", "reason": "new disk"})"));
  EXPECT_EQ(run({"drain", "here", "--wait", "--timeout", "0s"}), 5);
  EXPECT_NE(err_.find("1 task still on here after 0ms: shop.web: no node takes tasks"), std::string::npos)
      << err_;
  busy["instances"] = Json::Array();
  plane_.on("GET /v1/status", busy);
  EXPECT_EQ(run({"drain", "here", "--wait"}), 0);
  plane_.on("POST /v1/nodes/here/undrain", *Json::parse(R"({"id": "here", "draining": false})"));
  EXPECT_EQ(run({"undrain", "here"}), 0);
  EXPECT_EQ(out_, "here: takes tasks again\n");
}

TEST_F(Commands, AFreezeIsOfTheWholeCluster) {
  plane_.on("PUT /v1/overrides", Json::Object{});
  EXPECT_EQ(run({"freeze", "--for", "2h", "--reason", "incident"}), 0);
  const auto sent = model::override_from_json(*Json::parse(plane_.asked().back().second));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->kind, model::OverrideKind::Freeze);
  EXPECT_EQ(sent->reason, "incident");
  EXPECT_TRUE(sent->expires_at);
  plane_.on("DELETE /v1/overrides/freeze", Json::Object{});
  EXPECT_EQ(run({"unfreeze"}), 0);
  EXPECT_EQ(out_, "the cluster: lifted freeze\n");
  EXPECT_EQ(run({"unfreeze", "-o", "json"}), 0);
  EXPECT_TRUE(Json::parse(out_)->at("overrides").as_array().empty()) << out_;
  plane_.fail("DELETE /v1/overrides/freeze", ErrorCode::NotFound, "the cluster is not frozen");
  EXPECT_EQ(run({"unfreeze"}), 0);
  EXPECT_NE(err_.find("nothing to lift"), std::string::npos);
}

TEST_F(Commands, SkipHealthPutsAnOverrideOnEveryInstanceOfTheService) {
  plane_.on("PUT /v1/overrides", Json::Object{});
  EXPECT_EQ(run({"skip-health", "shop", "--for", "1h", "--reason", "the check is wrong"}), 0);
  const auto sent = model::override_from_json(*Json::parse(plane_.asked().back().second));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->kind, model::OverrideKind::SkipHealth);
  EXPECT_EQ(sent->instance.text(), "shop.worker");
}

TEST_F(Commands, ScalePutsAnOverrideWithOwnerReasonAndEnd) {
  plane_.on("PUT /v1/overrides", Json::Object{});
  EXPECT_EQ(run({"scale", "shop.web", "6", "--for", "2h", "--reason", "sale"}), 0);
  const auto sent = model::override_from_json(*Json::parse(plane_.asked().back().second));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->count, 6);
  EXPECT_EQ(sent->owner, "alice");
  EXPECT_EQ(sent->reason, "sale");
  EXPECT_EQ(*sent->expires_at - sent->created_at, 2h);
  EXPECT_NE(out_.find("shop.web: scale to 6 by alice 0s ago, ends in"), std::string::npos) << out_;
}

TEST_F(Commands, StopOfAServiceStopsAllItsInstances) {
  plane_.on("PUT /v1/overrides", Json::Object{});
  EXPECT_EQ(run({"stop", "shop", "-o", "json"}), 0);
  EXPECT_EQ(Json::parse(out_)->at("overrides").as_array().size(), 2U);
}

TEST_F(Commands, StartLiftsStopAndScaleAndNothingElse) {
  plane_.on("GET /v1/overrides", *Json::parse(R"({"overrides": [
    {"instance": "shop.web", "kind": "stop", "owner": "bob", "created_at": "2026-01-31T12:00:00Z"},
    {"instance": "shop.web", "kind": "pause", "owner": "bob", "created_at": "2026-01-31T12:00:00Z"},
    {"instance": "blog.main", "kind": "stop", "owner": "bob", "created_at": "2026-01-31T12:00:00Z"}]})"));
  plane_.on("DELETE /v1/overrides/shop.web/stop", Json::Object{});
  EXPECT_EQ(run({"start", "shop.web"}), 0);
  EXPECT_NE(out_.find("shop.web: lifted stop by bob"), std::string::npos) << out_;
  EXPECT_EQ(plane_.asked().back().first, "DELETE /v1/overrides/shop.web/stop");
}

TEST_F(Commands, WaitEndsWhenTheChangeIsDone) {
  plane_.on("PUT /v1/overrides", [this](const io::HttpRequest& request) {
    // The next picture has the override and what came of it.
    next_ = status("running", 6, 6, Json::Array{*Json::parse(request.body)});
    return io::HttpResponse::text(200, "{}");
  });
  plane_.on("GET /v1/status",
            [this](const io::HttpRequest&) { return io::HttpResponse::text(200, next_.dump()); });
  EXPECT_EQ(run({"scale", "shop.web", "6", "--wait"}), 0) << err_;
}

TEST_F(Commands, WaitThatIsNotOverInTimeIsATimeout) {
  plane_.on("PUT /v1/overrides", Json::Object{});
  plane_.on("GET /v1/status", status("running", 3, 3));
  EXPECT_EQ(run({"scale", "shop.web", "6", "--wait", "--timeout", "1ms"}), 5);
  EXPECT_NE(err_.find("not done within 1ms"), std::string::npos) << err_;
}

TEST_F(Commands, ApplyDoesNotEndOnAPictureFromBeforeTheReload) {
  // The first two look as if all were done: they know nothing of the files yet.
  int asked = 0;
  plane_.on("POST /v1/reload", Json::Object{{"reload", 8}});
  plane_.on("GET /v1/status", [&](const io::HttpRequest&) {
    Json answer = status("running", 3, 3);
    answer["reload"] = ++asked < 3 ? 7 : 8;
    answer["sequence"] = asked;
    if (asked == 3) answer = with(answer, "state", "bouncing");
    return io::HttpResponse::text(200, answer.dump());
  });
  EXPECT_EQ(run({"apply"}), 0) << err_;
  EXPECT_EQ(asked, 4);
}

TEST_F(Commands, ApplyWaitsUntilWhatIsTooManyHasDrained) {
  int asked = 0;
  plane_.on("POST /v1/reload", Json::Object{{"reload", 8}});
  plane_.on("GET /v1/status", [&](const io::HttpRequest&) {
    Json answer = status("running", 3, 3);
    answer["reload"] = 8;
    answer["sequence"] = asked;
    if (++asked == 1) answer = with(answer, "draining", Json::Array{"shop-web-x"});
    return io::HttpResponse::text(200, answer.dump());
  });
  EXPECT_EQ(run({"apply"}), 0) << err_;
  EXPECT_EQ(asked, 2);
}

TEST_F(Commands, ApplyEndsWhereSomethingMustChangeFirst) {
  plane_.on("POST /v1/reload", Json::Object{{"reload", 8}});
  Json answer = status("stalled", 3, 1);
  answer["reload"] = 8;
  answer["settled"] = false;
  plane_.on("GET /v1/status", answer);
  EXPECT_EQ(run({"apply"}), 1);
  EXPECT_NE(err_.find("slipway why S.I"), std::string::npos) << err_;
}

TEST_F(Commands, LogsOfAServiceAreMergedByTime) {
  plane_.on("GET /v1/logs", [](const io::HttpRequest& request) {
    const bool web = request.query().at("instance") == "web";
    io::HttpStreamed streamed;
    streamed.body = [web](io::HttpStream& stream) {
      static_cast<void>(stream.write(web ? R"({"task": "w-1", "at": "2026-01-31T12:00:00.000Z", "text": "a"})"
                                           "\n"
                                           R"({"task": "w-1", "at": "2026-01-31T12:00:02.000Z", "text": "c"})"
                                           "\n"
                                         : R"({"task": "k-2", "at": "2026-01-31T12:00:01.000Z", "text": "b"})"
                                           "\n"));
    };
    return streamed;
  });
  EXPECT_EQ(run({"logs", "shop"}), 0) << err_;
  EXPECT_EQ(out_, "1 | a\n2 | b\n1 | c\n");
  EXPECT_EQ(run({"logs", "shop.web", "-n", "5", "--since", "10m"}), 0);
  EXPECT_TRUE(plane_.was_asked("GET /v1/logs?instance=web&service=shop&since=10m&tail=5"));
}

TEST_F(Commands, LogsWantToKnowWhose) {
  EXPECT_EQ(run({"logs"}), 2);
  EXPECT_EQ(run({"logs", "shop.web", "--since", "yesterday"}), 2);
}

TEST_F(Commands, RunShowsTheLogOnceAndEndsWithTheTasksCode) {
  plane_.on("POST /v1/run", Json::Object{{"task", "shop-web-run-1"}});
  plane_.stream("GET /v1/logs",
                "{\"task\": \"shop-web-run-1\", \"at\": \"2026-01-31T12:00:00.000Z\", \"text\": \"hi\"}\n");
  plane_.on("GET /v1/tasks/shop-web-run-1", *Json::parse(R"({"state": "exited", "last_exit": {"code": 3}})"));
  plane_.on("DELETE /v1/tasks/shop-web-run-1", Json::Object{});
  EXPECT_EQ(run({"run", "shop.web", "--", "sh", "-c", "echo hi; exit 3"}), 3);
  EXPECT_EQ(out_, "1 | hi\n");
  EXPECT_TRUE(plane_.was_asked("DELETE /v1/tasks/shop-web-run-1"));
}

TEST_F(Commands, EventsArePrintedOneALine) {
  plane_.stream("GET /v1/events", R"({"at": "T", "instance": null, "kind": "k", "text": "t"})");
  EXPECT_EQ(run({"events", "-n", "1"}), 0);
  EXPECT_EQ(out_, "T  cluster  k  t\n");
}

TEST_F(Commands, VersionWorksWithoutAControlPlane) {
  variables_.erase("SLIPWAY_API");
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_EQ(out_, "slipway 1.2.3\n");
}

TEST_F(Commands, CompletionOffersWhatRuns) {
  plane_.on("GET /v1/status", status("running", 1, 1));
  EXPECT_EQ(run({"internal", "complete", "--", "logs", "sh"}), 0);
  EXPECT_EQ(out_, "shop\t\nshop.web\t\n");
  EXPECT_EQ(run({"internal", "complete", "--", "up", ""}), 0);
  EXPECT_EQ(out_, ":dirs\n");
}

TEST_F(Commands, FindTheControlPlaneOfTheCurrentFolder) {
  variables_.erase("SLIPWAY_API");
  EXPECT_EQ(run({"list"}), 6);
  EXPECT_EQ(err_, "error: no control plane runs here; `slipway up DIR` starts one\n");
  const auto registry = plane_.folder() / "run";
  ASSERT_TRUE(api::register_control_plane(registry, {.cluster = "far",
                                                     .directory = "/far",
                                                     .source = "/far",
                                                     .endpoint = "unix:/far/api.sock",
                                                     .state = "/far-state"}));
  ASSERT_TRUE(api::register_control_plane(registry, {.cluster = "near",
                                                     .directory = plane_.folder(),
                                                     .source = plane_.folder(),
                                                     .endpoint = plane_.endpoint(),
                                                     .state = plane_.folder() / "state"}));
  EXPECT_EQ(run({"list"}), 0) << err_;
  EXPECT_EQ(run({"list", "--cluster", "near"}), 0) << err_;
  EXPECT_EQ(run({"list", "--cluster", "naer"}), 3);
  EXPECT_NE(err_.find("did you mean 'near'?"), std::string::npos) << err_;
  EXPECT_EQ(run({"clusters"}), 0);
  EXPECT_NE(out_.find("near"), std::string::npos);
}

TEST_F(Commands, SayWhichWhenSeveralControlPlanesRun) {
  variables_.erase("SLIPWAY_API");
  for (const std::string name : {"one", "two"}) {
    ASSERT_TRUE(api::register_control_plane(plane_.folder() / "run", {.cluster = name,
                                                                      .directory = "/" + name,
                                                                      .source = "/" + name,
                                                                      .endpoint = "unix:/x/" + name,
                                                                      .state = "/state-" + name}));
  }
  EXPECT_EQ(run({"list"}), 2);
  EXPECT_NE(
      err_.find(
          "2 control planes run here; say which by -C DIR, --cluster NAME or --api ENDPOINT:\n  one  /one"),
      std::string::npos)
      << err_;
}

TEST_F(Commands, WhatThisBuildLacksIsSaid) {
  EXPECT_EQ(run({"internal", "api-docs"}), 1);
  EXPECT_EQ(run({"serve", "--dir", "/x"}), 1);
  EXPECT_EQ(run({"serve"}), 2);
}

TEST_F(Commands, ServeHandsAnAbsolutePathToTheDaemon) {
  std::optional<ServeOptions> given;
  wiring_.serve = [&](const ServeOptions& options) {
    given = options;
    return 0;
  };
  EXPECT_EQ(run({"serve", "--dir", "shop/"}), 0);
  EXPECT_EQ(*given->directory, std::filesystem::weakly_canonical(plane_.folder()) / "shop");
  EXPECT_FALSE(given->file);
}

}  // namespace
}  // namespace slipway::cli
