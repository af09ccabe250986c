#include "api/server.h"

#include <thread>

#include <gtest/gtest.h>

#include "api/client.h"
#include "api/fake_control.h"
#include "api/routes.h"

namespace slipway::api {
namespace {

const SystemClock kClock;

model::InstanceStatus instance_status(const std::string& service, const std::string& instance,
                                      const std::vector<std::string>& tasks) {
  model::InstanceStatus status;
  status.id = {service, instance};
  status.state = model::InstanceState::Running;
  status.desired = status.healthy = static_cast<int>(tasks.size());
  status.causes = {{{}, "state", "because", {"a line"}}};
  status.endpoints = {"http://127.0.0.1:8080"};
  model::Sighting seen;
  for (const std::string& id : tasks) {
    model::Task task;
    task.id = model::TaskId(id);
    task.instance = status.id;
    task.state = model::TaskState::Running;
    seen.tasks.push_back(task);
  }
  status.seen = std::move(seen);
  return status;
}

model::Instance instance(const std::string& service, const std::string& name) {
  model::Instance made;
  made.id = {service, name};
  return made;
}

engine::LogLine line(int second, const std::string& text, engine::Stream stream = engine::Stream::Out) {
  return {Time(Duration(1'700'000'000'000) + std::chrono::seconds(second)), stream, text};
}

// A server over a real unix socket, with the project's own client.
class Server : public ::testing::Test {
 protected:
  Server() {
    control_.publish([](reconcile::Snapshot& snapshot) {
      snapshot.cluster = "test";
      snapshot.engine = "fake";
      snapshot.at = Time(Duration(1'700'000'000'000));
      model::Desired desired;
      desired.instances = {instance("shop", "web"), instance("shop", "worker")};
      desired.broken = {"api"};
      desired.problems = {{{"api/run.yaml", 3, 5}, "api", "", "unknown key 'memm'", "did you mean 'mem'?"}};
      snapshot.desired = std::move(desired);
      snapshot.instances = {instance_status("shop", "web", {"shop-web-a1", "shop-web-b2"}),
                            instance_status("shop", "worker", {"shop-worker-c3"})};
      std::vector<model::Node> nodes(1);
      nodes[0].id = model::NodeId("here");
      snapshot.nodes = std::move(nodes);
    });
    auto started = ApiServer::start(loop_, "unix:" + (folder_.path() / "api.sock").string(), control_,
                                    {"1.2.3", "test", "fake", "/config", "/state", 42}, kClock);
    EXPECT_TRUE(started.has_value()) << started.error().text();
    server_ = std::move(*started);
    client_.emplace(server_->endpoint(), kClock);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Server() override { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
    server_.reset();
  }

  io::HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = "") {
    io::HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    auto response = io::http_request(server_->endpoint(), request, kClock, kClock.deadline_in(60s));
    EXPECT_TRUE(response.has_value()) << response.error().text();
    return response.has_value() ? *response : io::HttpResponse();
  }
  // The body of an answer that must have this status.
  Json answer(const std::string& method, const std::string& target, int status = 200,
              const std::string& body = "") {
    const io::HttpResponse response = ask(method, target, body);
    EXPECT_EQ(response.status, status) << method << " " << target << ": " << *response.body;
    auto json = Json::parse(*response.body);
    EXPECT_TRUE(json.has_value()) << *response.body;
    return json.has_value() ? *json : Json();
  }
  std::string error_message(const std::string& method, const std::string& target, int status,
                            const std::string& body = "") {
    return answer(method, target, status, body).at("error").at("message").as_string();
  }
  // The next `count` objects of a stream.
  static std::vector<Json> take(LineStream& stream, size_t count) {
    std::vector<Json> lines;
    while (lines.size() < count && !stream.ended()) {
      auto next = stream.next(60s);
      EXPECT_TRUE(next.has_value()) << next.error().text();
      if (!next.has_value()) break;
      if (next->has_value()) lines.push_back(**next);
    }
    return lines;
  }
  static std::vector<std::string> texts(const std::vector<Json>& lines) {
    std::vector<std::string> out;
    for (const Json& one : lines) out.push_back(one.at("text").as_string());
    return out;
  }

  const io::TemporaryDirectory folder_ = io::TemporaryDirectory::create().value();
  FakeControl control_{kClock};
  io::EventLoop loop_;
  std::unique_ptr<ApiServer> server_;
  std::optional<Client> client_;
  std::thread thread_;
};

TEST_F(Server, TellsItsVersionAndItsRoutes) {
  const Json version = client_->version().value();
  EXPECT_EQ(version.at("version").as_string(), "1.2.3");
  EXPECT_EQ(version.at("pid").as_int(), 42);
  EXPECT_EQ(answer("GET", "/v1").at("routes").as_array().size(), routes().size());
}

TEST_F(Server, TellsTheStatusOfAllAndOfOne) {
  for (int i = 0; i < 2; ++i) {  // made, then from the shared text
    const Json all = answer("GET", "/v1/status");
    EXPECT_EQ(all.at("instances").as_array().size(), 2u);
    EXPECT_EQ(all.at("sequence").as_int(), 1);
    EXPECT_EQ(all.at("problems").as_array().at(0).at("line").as_int(), 3);
    EXPECT_EQ(all.at("broken"), Json(Json::Array{"api"}));
    EXPECT_TRUE(all.at("trouble").is_null());
  }
  const Json one = answer("GET", "/v1/status?service=shop&instance=web");
  ASSERT_EQ(one.at("instances").as_array().size(), 1u);
  EXPECT_EQ(one.at("instances").as_array()[0].at("instance").as_string(), "web");
  EXPECT_TRUE(one.at("problems").as_array().empty());
  EXPECT_EQ(answer("GET", "/v1/status?service=api").at("broken").as_array().size(), 1u);
}

TEST_F(Server, AStatusIsNeverOlderThanTheSnapshot) {
  answer("GET", "/v1/status");
  control_.publish([](reconcile::Snapshot& snapshot) { snapshot.trouble = "engine: away"; });
  EXPECT_EQ(answer("GET", "/v1/status").at("trouble").as_string(), "engine: away");
}

TEST_F(Server, AnswersAWaitingStatusWhenThereIsNews) {
  std::thread publisher(
      [&] { control_.publish([](reconcile::Snapshot& snapshot) { snapshot.settled = true; }); });
  const Json news = client_->status({.wait = 60s, .seen = 1}).value();
  publisher.join();
  EXPECT_EQ(news.at("sequence").as_int(), 2);
  EXPECT_TRUE(news.at("settled").as_bool());
}

TEST_F(Server, AnswersAWaitingStatusWhenTheWaitIsOver) {
  EXPECT_EQ(client_->status({.wait = 20ms, .seen = 1})->at("sequence").as_int(), 1);
}

TEST_F(Server, SuggestsTheNameThatWasMeant) {
  EXPECT_NE(error_message("GET", "/v1/status?service=shp", 404).find("did you mean 'shop'"),
            std::string::npos);
  EXPECT_NE(error_message("GET", "/v1/instances/shop.wbe/why", 404).find("did you mean 'shop.web'"),
            std::string::npos);
  EXPECT_NE(error_message("GET", "/v1/config?service=shop&instance=workr", 404).find("'shop.worker'"),
            std::string::npos);
  EXPECT_NE(error_message("GET", "/v1/servces", 404).find("did you mean '/v1/services'"), std::string::npos);
  EXPECT_NE(error_message("GET", "/v1/status?service=api&instance=main", 404).find("have problems"),
            std::string::npos);
}

TEST_F(Server, RefusesUnknownMethodsAndBrokenInput) {
  const io::HttpResponse refused = ask("DELETE", "/v1/status");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.at("allow"), "GET");
  error_message("GET", "/", 404);
  error_message("POST", "/v1/run", 400, "{\"broken");
  error_message("POST", "/v1/run", 400, "[1]");
  error_message("POST", "/v1/run", 400, R"({"instance": "noDot"})");
  error_message("GET", "/v1/events?limit=many", 400);
  error_message("GET", "/v1/status?wait=soon", 400);
  error_message("GET", "/v1/logs?task=shop-web-a1&stream=both", 400);
  error_message("GET", "/v1/logs", 400);
}

TEST_F(Server, TellsServicesConfigNodesAndPlan) {
  const Json services = client_->services()->at("services");
  ASSERT_EQ(services.as_array().size(), 2u);
  EXPECT_TRUE(services.as_array()[0].at("broken").as_bool());
  EXPECT_EQ(services.as_array()[1].at("instances"), Json(Json::Array{"web", "worker"}));
  const Json shop = client_->service("shop").value();
  EXPECT_EQ(shop.at("instances").as_array().at(0).at("endpoints"),
            Json(Json::Array{"http://127.0.0.1:8080"}));
  EXPECT_EQ(shop.at("instances").as_array().at(0).at("config").at("cluster").as_string(), "test");
  EXPECT_TRUE(client_->config("shop", "web")->has("shop.web"));
  EXPECT_FALSE(client_->config("shop", "web")->has("shop.worker"));
  EXPECT_EQ(client_->nodes()->at("nodes").as_array().size(), 1u);
  EXPECT_TRUE(client_->plan()->at("steps").as_array().empty());
}

TEST_F(Server, ExplainsAnInstanceByCausesAndThenByEvents) {
  for (const char* text : {"first", "second"}) control_.add_event({0, Time(), "shop.web", "kind", text});
  const Json why = client_->why({"shop", "web"}).value();
  EXPECT_EQ(why.at("state").as_string(), "running");
  const Json::Array& causes = why.at("causes").as_array();
  ASSERT_EQ(causes.size(), 3u);
  EXPECT_EQ(causes[0].at("text").as_string(), "because");
  EXPECT_EQ(causes[0].at("lines"), Json(Json::Array{"a line"}));
  EXPECT_TRUE(causes[0].at("at").is_null());
  EXPECT_EQ(causes[1].at("text").as_string(), "second");
  EXPECT_EQ(causes[2].at("text").as_string(), "first");
  EXPECT_EQ(causes[2].at("at").as_string(), to_text(Time()));
}

TEST_F(Server, ExplainsByChangesOfTheFilesAndByNodesToo) {
  const Time start{Duration(1'700'000'000'000)};
  control_.publish([](reconcile::Snapshot& snapshot) {
    for (auto& shared : snapshot.instances) {
      model::InstanceStatus status = shared;
      model::Sighting seen = *status.seen;
      for (auto& task : seen.tasks) task.node = model::NodeId("here");
      status.seen = std::move(seen);
      shared = std::move(status);
    }
  });
  control_.add_event({0, start + 1s, "shop.web", "task_exited", "task a ended"});
  control_.add_event({0, start + 2s, "", "node_drain", "node here is drained by alex: new disk"});
  control_.add_event({0, start + 3s, "", "node_drain", "node there is drained by alex"});
  const Json why = client_->why({"shop", "web"}).value();
  std::vector<std::string> kinds;
  for (const Json& cause : why.at("causes").as_array()) kinds.push_back(cause.at("kind").as_string());
  EXPECT_EQ(kinds, (std::vector<std::string>{"state", "node", "exit"}));
}

TEST_F(Server, FreezesTheClusterAndLiftsIt) {
  model::Override freeze;
  freeze.kind = model::OverrideKind::Freeze;
  freeze.owner = "alex";
  freeze.reason = "incident";
  EXPECT_EQ(client_->remove_override({}, model::OverrideKind::Freeze).error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(client_->put_override(freeze));
  EXPECT_EQ(client_->status({})->at("freeze").at("reason").as_string(), "incident");
  const Json::Array shown = client_->overrides()->at("overrides").as_array();
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].at("kind").as_string(), "freeze");
  EXPECT_EQ(client_->remove_override({"shop", "web"}, model::OverrideKind::Scale).error().code(),
            ErrorCode::NotFound);
  ASSERT_TRUE(client_->remove_override({}, model::OverrideKind::Freeze));
  EXPECT_TRUE(client_->status({})->at("freeze").is_null());
}

TEST_F(Server, RefusesOverridesOfWhatIsNotThereOrIsOverAlready) {
  model::Override skip;
  skip.kind = model::OverrideKind::SkipHealth;
  skip.instance = {"shop", "wbe"};
  const Status unknown = client_->put_override(skip);
  EXPECT_EQ(unknown.error().code(), ErrorCode::NotFound);
  EXPECT_NE(unknown.error().text().find("did you mean 'shop.web'?"), std::string::npos);
  skip.instance = {"shop", "web"};
  skip.expires_at = Time();
  EXPECT_EQ(client_->put_override(skip).error().code(), ErrorCode::Invalid);
  skip.expires_at.reset();
  skip.kind = model::OverrideKind::Scale;
  skip.count = -1;
  EXPECT_EQ(client_->put_override(skip).error().code(), ErrorCode::Invalid);
}

TEST_F(Server, DrainsAndUndrainsANode) {
  const std::string node = client_->nodes()->at("nodes").as_array().at(0).at("id").as_string();
  EXPECT_TRUE(client_->set_draining(node, true, "alex", "new disk")->at("draining").as_bool());
  EXPECT_EQ(control_.calls().back(), "drain " + node + " by alex: new disk");
  EXPECT_FALSE(client_->set_draining(node, false, "alex", "")->at("draining").as_bool());
  const auto unknown = client_->set_draining("nowhere", true, "alex", "");
  EXPECT_EQ(unknown.error().code(), ErrorCode::NotFound);
  EXPECT_NE(unknown.error().text().find("the only one is '" + node + "'"), std::string::npos);
}

TEST_F(Server, TellsHistoryAlsoOfWhatLeftTheFiles) {
  state::BounceRecord record;
  record.id = 7;
  record.instance = {"old", "gone"};
  record.outcome = "done";
  control_.history = {record};
  EXPECT_EQ(client_->history({"old", "gone"}, 5)->at("bounces").as_array().at(0).at("id").as_int(), 7);
  EXPECT_TRUE(client_->history({"shop", "web"}, 5)->at("bounces").as_array().empty());
  EXPECT_EQ(client_->history({"never", "was"}, 5).error().code(), ErrorCode::NotFound);
}

TEST_F(Server, FindsATaskByWhatItsNameBeginsWith) {
  EXPECT_EQ(client_->task("shop-web-a")->at("id").as_string(), "shop-web-a1");
  EXPECT_EQ(client_->task("shop-web").error().code(), ErrorCode::Invalid);
  EXPECT_EQ(client_->task("nothing").error().code(), ErrorCode::NotFound);
}

TEST_F(Server, KeepsOverridesAndShowsThemAtOnce) {
  model::Override stop;
  stop.instance = {"shop", "web"};
  stop.kind = model::OverrideKind::Stop;
  stop.owner = "tester";
  ASSERT_TRUE(client_->put_override(stop));
  const Json shown = client_->overrides()->at("overrides").as_array().at(0);
  EXPECT_EQ(shown.at("owner").as_string(), "tester");
  const model::Override stored = model::override_from_json(shown).value();
  EXPECT_GT(stored.created_at, Time()) << "the server says when";
  ASSERT_TRUE(client_->remove_override(stop.instance, stop.kind));
  EXPECT_TRUE(client_->overrides()->at("overrides").as_array().empty());
  EXPECT_EQ(client_->remove_override(stop.instance, stop.kind).error().code(), ErrorCode::NotFound);
  stop.instance.instance = "wbe";
  EXPECT_EQ(client_->put_override(stop).error().code(), ErrorCode::NotFound);
}

TEST_F(Server, RunsAOneOffTaskAndForgetsIt) {
  const std::string task = client_->run({"shop", "web"}, {"migrate"}).value();
  EXPECT_EQ(client_->task(task)->at("reason").as_string(), "migrate");
  ASSERT_TRUE(client_->collect(task));
  EXPECT_EQ(client_->task(task).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(client_->collect("shop-web-a1").error().code(), ErrorCode::Invalid) << "no one-off task";
}

TEST_F(Server, PassesReloadAndShutdownOn) {
  ASSERT_TRUE(client_->reload());
  ASSERT_TRUE(client_->shut_down(true));
  ASSERT_TRUE(client_->shut_down(false));
  EXPECT_EQ(control_.calls(), (std::vector<std::string>{"reload", "shut down, keep", "shut down"}));
}

TEST_F(Server, ListsAndFollowsEvents) {
  for (int i = 1; i <= 5; ++i)
    control_.add_event({0, Time(), i % 2 ? "shop.web" : "shop.worker", "k", std::to_string(i)});
  LineStream newest = client_->events({.limit = 2}).value();
  EXPECT_EQ(texts(take(newest, 9)), (std::vector<std::string>{"4", "5"}));
  LineStream after = client_->events({.after = 1, .limit = 2}).value();
  EXPECT_EQ(texts(take(after, 9)), (std::vector<std::string>{"2", "3"}));
  LineStream followed = client_->events({.limit = 1, .subject = "shop.web", .follow = true}).value();
  EXPECT_EQ(texts(take(followed, 1)), std::vector<std::string>{"5"});
  control_.add_event({0, Time(), "shop.worker", "k", "not asked for"});
  control_.add_event({0, Time(), "shop.web", "k", "7"});
  EXPECT_EQ(texts(take(followed, 1)), std::vector<std::string>{"7"});
}

TEST_F(Server, MergesTheLogsOfAnInstanceByTime) {
  for (const int second : {1, 3, 5})
    control_.log("shop-web-a1")->add(line(second, "a" + std::to_string(second)));
  for (const int second : {2, 4}) {
    control_.log("shop-web-b2")->add(line(second, "b" + std::to_string(second), engine::Stream::Err));
  }
  const LogQuery all{.service = "shop", .instance = "web"};
  LineStream merged = client_->logs(all).value();
  const std::vector<Json> lines = take(merged, 9);
  EXPECT_EQ(texts(lines), (std::vector<std::string>{"a1", "b2", "a3", "b4", "a5"}));
  EXPECT_EQ(lines[1].at("stream").as_string(), "err");
  EXPECT_EQ(lines[1].at("task").as_string(), "shop-web-b2");
  EXPECT_EQ(parse_time(lines[1].at("at").as_string()).value(), line(2, "").at);

  LogQuery tail = all;
  tail.tail = 2;
  LineStream last = client_->logs(tail).value();
  EXPECT_EQ(texts(take(last, 9)), (std::vector<std::string>{"b4", "a5"}));
  LogQuery err = all;
  err.stream = "err";
  LineStream errors = client_->logs(err).value();
  EXPECT_EQ(texts(take(errors, 9)), (std::vector<std::string>{"b2", "b4"}));
  LogQuery since = all;
  since.since = to_text(line(4, "").at);
  LineStream late = client_->logs(since).value();
  EXPECT_EQ(texts(take(late, 9)), (std::vector<std::string>{"b4", "a5"}));
}

TEST_F(Server, FollowsALogToItsEnd) {
  control_.log("shop-worker-c3")->add(line(1, "one"));
  LineStream followed = client_->logs({.task = "shop-worker", .follow = true}).value();
  EXPECT_EQ(texts(take(followed, 1)), std::vector<std::string>{"one"});
  control_.log("shop-worker-c3")->add(line(2, "two"));
  control_.log("shop-worker-c3")->end();
  EXPECT_EQ(texts(take(followed, 9)), std::vector<std::string>{"two"});
}

TEST_F(Server, FollowsTheTasksThatStartLater) {
  LineStream followed = client_->logs({.service = "shop", .instance = "worker", .follow = true}).value();
  control_.log("shop-worker-c3")->end();
  control_.publish([](reconcile::Snapshot& snapshot) {
    snapshot.instances[1] = instance_status("shop", "worker", {"shop-worker-d4"});
  });
  control_.log("shop-worker-d4")->add(line(1, "from the new task"));
  EXPECT_EQ(texts(take(followed, 1)), std::vector<std::string>{"from the new task"});
}

TEST_F(Server, CarriesAnExecSession) {
  Json request;
  request["task"] = "shop-web-a";
  request["argv"] = Json::Array{"cat"};
  ExecChannel channel = client_->exec(request).value();
  const auto next = [&] {
    while (true) {
      auto frame = channel.read(60s);
      if (!frame.has_value()) return Frame{FrameType::Error, frame.error().text()};
      if (frame->has_value()) return **frame;
    }
  };
  const std::string bytes("bytes \0 of any kind\xff", 20);
  ASSERT_TRUE(channel.write({FrameType::Stdin, bytes}));
  EXPECT_EQ(next(), (Frame{FrameType::Stdout, bytes}));
  ASSERT_TRUE(channel.write({FrameType::Resize, "40 100"}));
  EXPECT_EQ(next(), (Frame{FrameType::Stderr, "40x100"}));
  ASSERT_TRUE(channel.write({FrameType::Stdin, ""}));
  EXPECT_EQ(next(), (Frame{FrameType::Exit, "3"}));
}

TEST_F(Server, AnExecThatCannotStartIsAPlainError) {
  Json request;
  request["task"] = "shop-web-a1";
  request["argv"] = Json::Array{"no-such"};
  const auto refused = client_->exec(request);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::NotFound);
  error_message("POST", "/v1/exec", 400,
                R"({"task": "shop-web-a1", "argv": ["cat"]})");  // without the upgrade
}

TEST_F(Server, ClosingEndsFollowersAndSessions) {
  LineStream events = client_->events({.limit = 1, .follow = true}).value();
  LineStream logs = client_->logs({.service = "shop", .instance = "web", .follow = true}).value();
  Json request;
  request["task"] = "shop-web-a1";
  request["argv"] = Json::Array{"cat"};
  ExecChannel channel = client_->exec(request).value();
  stop();
  EXPECT_TRUE(take(events, 1).empty());
  EXPECT_TRUE(take(logs, 1).empty());
  EXPECT_FALSE(channel.read(60s).has_value());
}

TEST(ApiDocs, DescribeEveryRoute) {
  const std::string text = api_docs_markdown();
  for (const Route& route : routes()) {
    EXPECT_NE(text.find("## " + route.method + " " + route.pattern + "\n"), std::string::npos)
        << route.pattern;
    EXPECT_FALSE(route.summary.empty() || route.example.empty() || route.answer.empty()) << route.pattern;
    EXPECT_NE(route.handler, nullptr) << route.pattern;
  }
}

}  // namespace
}  // namespace slipway::api
