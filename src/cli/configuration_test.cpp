// The commands that read files themselves: validate, config show, up, down. No control plane is started.
#include "cli/configuration.h"

#include <thread>

#include <gtest/gtest.h>

#include "api/fake_control_plane.h"
#include "cli/context.h"

namespace slipway::cli {
namespace {

class Offline : public testing::Test {
 protected:
  Offline() {
    write("tree/slipway.yaml", "cluster: tiny\nengine: fake\nstate: " + (root() / "state").string() +
                                   "\napi: " + plane_.endpoint() + "\n");
    write("tree/web/run.yaml", "main:\n  cmd: [sleep, \"9\"]\n  instances: 2\n");
  }

  const std::filesystem::path& root() const { return folder_.path(); }
  void write(const std::string& file, const std::string& text) {
    const auto path = root() / file;
    ASSERT_TRUE(io::make_directories(path.parent_path()));
    ASSERT_TRUE(io::write_file(path, text));
  }
  // As if the control plane had taken exactly what the tree says.
  void take_the_tree() {
    const auto tree = load_tree(root() / "tree", clock_);
    ASSERT_TRUE(tree) << tree.error().text();
    Json config = Json::Object();
    for (const model::Instance& instance : tree->desired.instances) {
      config[instance.id.text()] = model::config_show_json(instance, "tiny");
    }
    plane_.on("GET /v1/config", config);
  }
  static Json status(const std::string& state, int healthy, const std::string& reason) {
    Json instance = Json::Object{{"service", "web"}, {"instance", "main"}, {"state", state}, {"desired", 2}};
    instance["healthy"] = healthy;
    instance["reason"] = reason;
    instance["endpoints"] = Json::Array{"http://127.0.0.1:8000"};
    Json answer = Json::Object{{"sequence", 1}, {"settled", true}};
    answer["instances"] = Json::Array{instance};
    return answer;
  }
  void control_plane_runs() {
    plane_.on("GET /v1/version", Json::Object{{"version", "1"}, {"pid", 1 << 30}});
    plane_.on("POST /v1/reload", Json::Object{});
    take_the_tree();
  }

  int run(const std::vector<std::string>& words) {
    out_.clear();
    err_.clear();
    Sink out;
    out.write = [this](std::string_view text) { out_ += text; };
    Sink err;
    err.write = [this](std::string_view text) { err_ += text; };
    Output output(out, err, false);
    const Environment environment{.variables = {},
                                  .directory = root(),
                                  .registry = root() / "run",
                                  .user = "alice",
                                  .program = program_,
                                  .clock = clock_,
                                  .random = random_};
    return run_command(words, output, environment, Wiring{});
  }

  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
  api::FakeControlPlane plane_;
  SystemClock clock_;
  SeededRandom random_{1};
  std::filesystem::path program_ = "/bin/false";
  std::string out_;
  std::string err_;
};

TEST_F(Offline, ValidateIsSilentOnATreeWithoutProblems) {
  EXPECT_EQ(run({"validate", "tree"}), 0) << out_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "no problems\n");
}

TEST_F(Offline, ValidateNamesFileLineAndColumnAsTypedHere) {
  write("tree/web/run.yaml", "main:\n  cmd: [sleep, \"9\"]\n  instancs: 2\n");
  EXPECT_EQ(run({"validate", "tree"}), 4);
  EXPECT_TRUE(out_.starts_with("tree/web/run.yaml:3:3: ")) << out_;
  EXPECT_EQ(err_, "1 problem\n");
  EXPECT_EQ(run({"validate", "tree", "-o", "json"}), 4);
  EXPECT_EQ(Json::parse(out_)->at("problems").as_array().at(0).at("line").as_int(), 3);
}

TEST_F(Offline, AFolderWithoutServicesIsNoValidTree) {
  write("empty/notes.txt", "");
  EXPECT_EQ(run({"validate", "empty"}), 4);
  EXPECT_NE(err_.find("a service is a folder with a run.yaml"), std::string::npos) << err_;
}

TEST_F(Offline, AMistypedClusterGetsASuggestion) {
  write("tree/web/run-prod.yaml", "main:\n  instances: 4\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"config", "show", "--config", "tree", "--cluster", "prd"},
        std::vector<std::string>{"validate", "tree", "--cluster", "prd"}}) {
    EXPECT_EQ(run(words), 0) << err_;
    EXPECT_NE(err_.find("no file is for the cluster 'prd'; did you mean 'prod'?"), std::string::npos) << err_;
  }
  EXPECT_EQ(run({"validate", "tree", "--cluster", "prod"}), 0) << err_;
  EXPECT_EQ(err_, "no problems\n");
}

TEST_F(Offline, AMissingTreeIsNotFound) {
  EXPECT_EQ(run({"validate", "nowhere"}), 3);
  EXPECT_EQ(run({"up", "nowhere"}), 3);
  EXPECT_EQ(run({"config", "show", "--config", "nowhere"}), 3);
}

TEST_F(Offline, ConfigShowResolvesATreeWithoutAControlPlane) {
  EXPECT_EQ(run({"config", "show", "--config", "tree", "--cluster", "tiny", "-o", "json"}), 0) << err_;
  const auto shown = Json::parse(out_);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->at("web.main").at("instances").at("count").as_int(), 2);
  EXPECT_EQ(run({"config", "show", "wbe", "--config", "tree"}), 3);
  EXPECT_NE(err_.find("did you mean 'web'?"), std::string::npos) << err_;
}

TEST_F(Offline, UpFindsARunningControlPlaneAndShowsEndpoints) {
  control_plane_runs();
  plane_.on("GET /v1/status", status("running", 2, ""));
  EXPECT_EQ(run({"up", "tree"}), 0) << err_;
  EXPECT_EQ(out_, "web.main  http://127.0.0.1:8000\n");
  EXPECT_TRUE(plane_.was_asked("POST /v1/reload"));
}

TEST_F(Offline, UpEndsWithTheReasonOfWhatFailed) {
  control_plane_runs();
  plane_.on("GET /v1/status", status("crashlooping", 0, "every task keeps ending: exit code 3"));
  EXPECT_EQ(run({"up", "tree"}), 1);
  EXPECT_NE(err_.find("error: web.main: every task keeps ending: exit code 3\n"), std::string::npos) << err_;
}

TEST_F(Offline, UpSaysWhatItStillWaitsForAtItsTimeout) {
  control_plane_runs();
  plane_.on("GET /v1/status", status("starting", 1, "waiting for 1 of 2 tasks"));
  EXPECT_EQ(run({"up", "tree", "--timeout", "1ms"}), 5);
  EXPECT_NE(err_.find("still waiting: web.main: waiting for 1 of 2 tasks\n"), std::string::npos) << err_;
  EXPECT_EQ(run({"up", "tree", "--detach"}), 0) << err_;
}

TEST_F(Offline, UpRunsTheRestOfATreeWithABrokenServiceAndTells) {
  control_plane_runs();
  write("tree/worker/run.yaml", "main:\n  cmd: [sleep, \"9\"]\n  nonsense: 1\n");
  plane_.on("GET /v1/status", status("running", 2, ""));
  EXPECT_EQ(run({"up", "tree"}), 1);
  EXPECT_TRUE(err_.starts_with("tree/worker/run.yaml:3:3: ")) << err_;
  EXPECT_EQ(out_, "web.main  http://127.0.0.1:8000\n");
}

TEST_F(Offline, UpStartsNothingForATreeWithoutServices) {
  write("empty/slipway.yaml", "cluster: tiny\nstate: " + (root() / "other").string() + "\n");
  EXPECT_EQ(run({"up", "empty"}), 4);
  EXPECT_NE(err_.find("a service is a folder with a run.yaml"), std::string::npos) << err_;
  EXPECT_FALSE(io::exists(root() / "other"));
}

TEST_F(Offline, UpTellsWhyTheControlPlaneDied) {
  write("tree/slipway.yaml", "engine: fake\nstate: " + (root() / "state").string() + "\n");
  program_ = root() / "dies";
  write("dies", "#!/bin/sh\necho \"no engine here\" >&2\nexit 1\n");
  std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
  EXPECT_EQ(run({"up", "tree"}), 1);
  EXPECT_NE(err_.find("the control plane ended at once"), std::string::npos) << err_;
  EXPECT_NE(err_.find("no engine here"), std::string::npos) << err_;
}

TEST_F(Offline, DownShutsDownAndDeletesTheState) {
  control_plane_runs();
  write("state/slipway.db", "x");
  plane_.on("POST /v1/shutdown", Json::Object{});
  Json gone = status("stopped", 0, "");
  gone["released"] = true;
  plane_.on("GET /v1/status", gone);
  EXPECT_EQ(run({"down", "tree"}), 0) << err_;
  EXPECT_FALSE(io::exists(root() / "state"));
  EXPECT_TRUE(io::exists(root() / "tree"));
}

TEST_F(Offline, DownWithKeepLeavesTheState) {
  control_plane_runs();
  write("state/slipway.db", "x");
  plane_.on("POST /v1/shutdown", Json::Object{});
  EXPECT_EQ(run({"down", "tree", "--keep"}), 0) << err_;
  EXPECT_TRUE(io::exists(root() / "state"));
  EXPECT_NE(plane_.asked().back().second.find("\"keep_tasks\":true"), std::string::npos);
}

TEST_F(Offline, UpAndDownAnswerInTheFormatThatIsAskedFor) {
  control_plane_runs();
  plane_.on("GET /v1/status", status("running", 2, ""));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"up", "tree", "-o", "json"}, {"up", "tree", "--detach", "-o", "json"}}) {
    EXPECT_EQ(run(words), 0) << err_;
    const auto shown = Json::parse(out_);
    ASSERT_TRUE(shown) << out_;
    EXPECT_EQ(shown->at("instances").as_array().size(), 1U);
  }
  plane_.on("POST /v1/shutdown", Json::Object{});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"down", "tree", "--keep", "-o", "json"},
        {"down", "nowhere-up", "-o", "json"}}) {
    write("nowhere-up/slipway.yaml", "state: " + (root() / "none").string() + "\n");
    EXPECT_EQ(run(words), 0) << err_;
    const auto shown = Json::parse(out_);
    ASSERT_TRUE(shown) << out_;
    EXPECT_TRUE(shown->at("left").as_array().empty());
  }
}

TEST_F(Offline, DownDeletesWhatIsOursAndLeavesAFolderAboveTheTree) {
  write("tree/slipway.yaml",
        "engine: fake\nstate: " + root().string() + "\napi: " + plane_.endpoint() + "\n");
  control_plane_runs();
  write("slipway.db", "x");
  plane_.on("POST /v1/shutdown", Json::Object{});
  plane_.on("GET /v1/status", Json::Object{{"released", true}});
  EXPECT_EQ(run({"down", "tree"}), 0) << err_;
  EXPECT_TRUE(io::exists(root() / "tree/web/run.yaml"));
  EXPECT_FALSE(io::exists(root() / "slipway.db"));
}

TEST_F(Offline, DownOfWhatIsNotUpIsDone) {
  write("tree/slipway.yaml", "engine: fake\nstate: " + (root() / "state").string() + "\n");
  EXPECT_EQ(run({"down", "tree"}), 0) << err_;
  EXPECT_EQ(run({"down"}), 0) << err_;
  EXPECT_EQ(err_, "nothing is up\n");
}

TEST_F(Offline, ImportShowsWritesAndNeverWritesOver) {
  write("app.json", R"({"id": "/shop/web", "cmd": "serve", "uris": ["x"]})");
  EXPECT_EQ(run({"import", "marathon", "app.json"}), 0);
  EXPECT_EQ(out_,
            "# shop/run.yaml\n# Written by `slipway import marathon`.\nweb:\n  cmd: serve\n  cpus: 1\n  mem: "
            "128\n\n");
  EXPECT_EQ(
      err_,
      "app.json:1:37: warning: uris has no counterpart\n1 file would be written (--into DIR); 1 without a "
      "counterpart\n");
  EXPECT_EQ(run({"import", "marathon", "app.json", "--into", "new"}), 0);
  EXPECT_EQ(out_, (root() / "new/shop/run.yaml").string() + "\n");
  EXPECT_EQ(run({"import", "marathon", "app.json", "--into", "new"}), 1);
  EXPECT_NE(err_.find("shop/run.yaml exists; --force writes over it"), std::string::npos) << err_;
  EXPECT_EQ(run({"import", "marathon", "app.json", "--into", "new", "--force"}), 0);
  EXPECT_EQ(run({"validate", "new"}), 0);
}

TEST_F(Offline, ImportOfABrokenSourceWritesNothing) {
  write("app.json", "{\"id\": }");
  EXPECT_EQ(run({"import", "marathon", "app.json", "--into", "new"}), 4);
  EXPECT_EQ(err_, "app.json:1:8: \"}\" stands where a value should be\n1 problem: nothing is written\n");
  EXPECT_FALSE(io::exists(root() / "new"));
  EXPECT_EQ(run({"import", "marathon", "none.json"}), 3);
  EXPECT_EQ(run({"import", "marathon", "app.json", "-o", "json"}), 4);
  EXPECT_EQ(Json::parse(out_)->at("problems").as_array().size(), 1U);
}

TEST_F(Offline, ImportAsksARunningMarathon) {
  io::EventLoop loop;
  auto server = *io::HttpServer::listen(
      loop, "127.0.0.1:0", [](const io::HttpRequest& request, const io::HttpRespond& respond) {
        const bool known = request.target == "/v2/groups";
        respond(io::HttpResponse::text(known ? 200 : 404, R"({"apps": [{"id": "/a", "cmd": "x"}]})"));
      });
  std::thread thread([&loop] { loop.run(); });
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port());
  EXPECT_EQ(run({"import", "marathon", url}), 0);
  EXPECT_EQ(out_.substr(0, 14), "# a/run.yaml\n#");
  EXPECT_EQ(run({"import", "marathon", url + "/other"}), 6);
  EXPECT_EQ(err_, "error: fetch " + url + "/other: it answers with status 404\n");
  EXPECT_EQ(run({"import", "marathon", "https://marathon"}), 2);
  loop.post([&server] { server->close(); });
  loop.stop();
  thread.join();
}

}  // namespace
}  // namespace slipway::cli
