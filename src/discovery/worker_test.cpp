#include "discovery/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/master_cli.h"

namespace slipway::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

model::Route route(const std::string& task, int port, model::Traffic traffic = model::Traffic::In) {
  return {model::TaskId(task), {"10.1.0.2", port, 80}, traffic};
}

WorkerView view_with(std::map<ServerKey, WorkerServer> servers) {
  WorkerView view;
  view.backends = {"web.main"};
  view.servers = std::move(servers);
  return view;
}

WantedServers want(std::vector<model::Route> routes) {
  WorkerView view;
  view.backends = {"web.main"};
  return wanted_servers(view, {{{"web", "main"}, {}, std::move(routes)}});
}

const std::string kOptions(kServerOptions);

TEST(ParseWorker, ReadsStateAndSessionsOfEachServer) {
  const std::vector<std::string> answers = {
      "Name: HAProxy\ndescription: 3f9c\nTainted: 0",
      "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port\n"
      "3 web.main 1 up 10.1.0.2 2 0 8000\n3 web.main 2 drained 10.1.0.2 2 8 8001\n3 web.main 3 off 10.1.0.2 "
      "0 1 8002",
      "# "
      "pxname,svname,qcur,scur,status,lastchg,addr,\nport_1,FRONTEND,,5,OPEN,,,\nweb.main,up,1,2,UP,3,10.1.0."
      "2:8000,\n"
      "web.main,drained,0,4,DRAIN,9,10.1.0.2:8001,\nweb.main,off,0,0,MAINT,7,10.1.0.2:8002,\nweb.main,"
      "BACKEND,0,3,UP,3,,"};
  const Result<WorkerView> view = parse_worker(answers);
  ASSERT_TRUE(view) << view.error().text();
  EXPECT_EQ(view->signature, "3f9c");
  EXPECT_THAT(view->frontends, ElementsAre("port_1"));
  EXPECT_THAT(view->backends, ElementsAre("web.main"));
  EXPECT_EQ(view->undecided, 2);
  const WorkerServer up{.address = "10.1.0.2:8000", .up = true, .sessions = 3, .seconds_unchanged = 3};
  EXPECT_EQ(view->servers.at({"web.main", "up"}), up);
  EXPECT_TRUE(view->servers.at({"web.main", "drained"}).drained);
  EXPECT_EQ(view->servers.at({"web.main", "drained"}).sessions, 4);
  EXPECT_TRUE(view->servers.at({"web.main", "off"}).maintenance);
  EXPECT_FALSE(view->servers.at({"web.main", "off"}).up);
}

TEST(ParseWorker, RefusesTablesThatItCannotRead) {
  EXPECT_FALSE(parse_worker({"", "Unknown command", ""}));
  EXPECT_FALSE(parse_worker({""}));
}

TEST(Commands, AddAServerThatListensAsUpAndAnotherAsDown) {
  const WantedServers wanted = want({route("a", 8000), route("b", 8001)});
  EXPECT_THAT(new_addresses(view_with({}), wanted), ElementsAre("10.1.0.2:8000", "10.1.0.2:8001"));
  EXPECT_THAT(commands(view_with({}), wanted, {"10.1.0.2:8000"}),
              ElementsAre("add server web.main/a 10.1.0.2:8000 " + kOptions, "enable health web.main/a",
                          "set server web.main/a state ready",
                          "add server web.main/b 10.1.0.2:8001 " + kOptions, "enable health web.main/b",
                          "set server web.main/b state ready", "set server web.main/b health down"));
}

TEST(Commands, SayNothingWhenAllIsAsWanted) {
  const WorkerView view =
      view_with({{{"web.main", "a"}, {.address = "10.1.0.2:8000", .up = true}},
                 {{"web.main", "b"}, {.address = "10.1.0.2:8001", .up = true, .drained = true}}});
  const WantedServers wanted = want({route("a", 8000), route("b", 8001, model::Traffic::Drain)});
  EXPECT_THAT(new_addresses(view, wanted), IsEmpty());
  EXPECT_THAT(commands(view, wanted, {}), IsEmpty());
}

TEST(Commands, BringInTheNewBeforeTheyDrainTheOld) {
  const WorkerView view =
      view_with({{{"web.main", "a"}, {.address = "10.1.0.2:8000", .up = true}},
                 {{"web.main", "z"}, {.address = "10.1.0.2:8002", .up = true, .drained = true}}});
  const WantedServers wanted = want({route("a", 8000, model::Traffic::Drain), route("z", 8002)});
  EXPECT_THAT(commands(view, wanted, {}),
              ElementsAre("set server web.main/z state ready", "set server web.main/a state drain"));
}

TEST(Commands, FollowATaskThatMoved) {
  const WorkerView view = view_with({{{"web.main", "a"}, {.address = "10.1.0.2:8000", .up = true}}});
  EXPECT_THAT(commands(view, want({route("a", 9000)}), {}),
              ElementsAre("set server web.main/a addr 10.1.0.2 port 9000"));
}

TEST(Commands, TakeATaskOutAtOnceAndDeleteItWhenItsSessionsHaveEnded) {
  const ServerKey key{"web.main", "a"};
  EXPECT_THAT(commands(view_with({{key, {.up = true, .sessions = 1}}}), {}, {}),
              ElementsAre("set server web.main/a state maint", "del server web.main/a"));
  EXPECT_THAT(
      commands(view_with({{key, {.maintenance = true, .sessions = 1, .seconds_unchanged = 5}}}), {}, {}),
      ElementsAre("del server web.main/a"));
  EXPECT_THAT(
      commands(view_with({{key, {.maintenance = true, .sessions = 1, .seconds_unchanged = 500}}}), {}, {}),
      ElementsAre("shutdown sessions server web.main/a", "del server web.main/a"));
}

TEST(Commands, LeaveADrainedTaskAloneThatTheWorkerNeverHad) {
  EXPECT_THAT(commands(view_with({}), want({route("a", 8000, model::Traffic::Drain)}), {}), IsEmpty());
}

TEST(Commands, SpeakOnlyOfBackendsThatTheWorkerHas) {
  EXPECT_THAT(wanted_servers(view_with({}), {{{"api", "main"}, {}, {route("a", 8000)}}}), IsEmpty());
}

TEST(Refusals, AreToldFromWhatIsUsual) {
  EXPECT_FALSE(is_refusal(""));
  EXPECT_FALSE(is_refusal("New server registered."));
  EXPECT_FALSE(is_refusal("Server deleted."));
  EXPECT_FALSE(is_refusal("Server still has connections attached to it, cannot remove it."));
  EXPECT_TRUE(is_refusal("No such backend."));
}

TEST(ParseProcesses, TellsWorkersFromThoseThatEnd) {
  const Result<Processes> processes = parse_processes(
      "master> #<PID>          <type>          <reloads>       <uptime>        <version>\n"
      "9155            master          2 [failed: 1]   0d00h04m15s     2.6.12\n"
      "# workers\n10225           worker          1               0d00h00m26s     2.6.12\n"
      "# old workers\n9158            worker          2               0d00h04m14s     2.6.12\n# programs\n");
  ASSERT_TRUE(processes);
  EXPECT_EQ(*processes, (Processes{9155, 1, {10225}, {9158}}));
  EXPECT_FALSE(parse_processes(""));
}

}  // namespace
}  // namespace slipway::discovery
