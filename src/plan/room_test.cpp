#include "plan/room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/builders.h"

namespace slipway::plan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Op = model::SelectorOperator;

model::Node node(const std::string& id, const std::string& zone = "", int64_t mem_mb = 1000) {
  model::Node node;
  node.id = model::NodeId(id);
  node.cpus = 4;
  node.mem_mb = mem_mb;
  if (!zone.empty()) node.attributes["zone"] = zone;
  return node;
}

// 100 MB and a tenth of a core.
model::Revision revision(const std::string& id, const model::Placement& placement = {},
                         std::string_view instance = "shop.web") {
  model::Revision revision;
  revision.id = model::RevisionId(id);
  revision.instance = test::instance_id(instance);
  revision.spec.resources.mem_mb = 100;
  revision.spec.placement = placement;
  return revision;
}

model::Task task(const std::string& id, const model::Revision& revision, const std::string& node) {
  model::Task task = test::healthy_task(revision, id);
  task.node = model::NodeId(node);
  return task;
}

Room room_of(const std::vector<model::Node>& nodes) {
  Room room;
  for (const model::Node& node : nodes) room.set_node(node);
  return room;
}

std::string where(Room& room, const model::Revision& revision) {
  const auto node = room.place(revision);
  return node ? node->str() : "nowhere";
}

std::vector<std::string> names(const Room& room, const std::vector<NodeNumber>& nodes) {
  std::vector<std::string> names;
  for (const NodeNumber number : nodes) names.push_back(room.node_id(number).str());
  return names;
}

TEST(Room, BalancesOverTheEmptiestNodesAndTiesGoById) {
  Room room = room_of({node("b"), node("a"), node("c")});
  EXPECT_THAT(names(room, room.place_many(revision("r"), 7)), ElementsAre("a", "b", "c", "a", "b", "c", "a"));
}

TEST(Room, PacksTheFullestNodeThatHasRoom) {
  model::Placement pack;
  pack.packing = model::Packing::Pack;
  Room room = room_of({node("a", "", 300), node("b", "", 200)});
  EXPECT_THAT(names(room, room.place_many(revision("r", pack), 9)), ElementsAre("b", "b", "a", "a", "a"));
}

TEST(Room, SpreadsBeforeItBalances) {
  model::Placement placement;
  placement.spread = {"zone"};
  Room room = room_of({node("a1", "a"), node("a2", "a"), node("a3", "a"), node("b1", "b", 500)});
  EXPECT_THAT(names(room, room.place_many(revision("r", placement), 6)),
              ElementsAre("a1", "b1", "a2", "b1", "a3", "b1"));
}

TEST(Room, SpreadsOverTheSecondAttributeWithinTheFirst) {
  model::Placement placement;
  placement.spread = {"zone", "rack"};
  std::vector<model::Node> nodes = {node("a1", "a"), node("a2", "a"), node("b1", "b"), node("b2", "b")};
  nodes[0].attributes["rack"] = nodes[2].attributes["rack"] = "1";
  nodes[1].attributes["rack"] = nodes[3].attributes["rack"] = "2";
  Room room = room_of(nodes);
  // Racks are counted over all zones: after a1 rack 1 has a task, so zone b begins with rack 2.
  EXPECT_THAT(names(room, room.place_many(revision("r", placement), 4)), ElementsAre("a1", "b2", "a2", "b1"));
}

TEST(Room, CountsOnlyTheRevisionItselfSoThatARollCanSurge) {
  model::Placement one;
  one.max_per_node = 1;
  Room room = room_of({node("a"), node("b")});
  EXPECT_EQ(room.place_many(revision("old", one), 5).size(), 2U);
  EXPECT_EQ(room.place_many(revision("new", one), 5).size(), 2U);
  EXPECT_EQ(where(room, revision("new", one)), "nowhere");
}

TEST(Room, LimitsTasksPerValueAndNodesWithoutTheAttributeAreOneValue) {
  model::Placement placement;
  placement.max_per = {{"zone", 2}};
  Room room = room_of({node("a1", "a"), node("a2", "a"), node("x1"), node("x2")});
  EXPECT_THAT(names(room, room.place_many(revision("r", placement), 9)), ElementsAre("a1", "a2", "x1", "x2"));
  EXPECT_EQ(room.explain(revision("r", placement)).text(),
            "no node of 4 can take it: 4 are where max_per allows no more, 2 per zone (a1 has zone a, a2 has "
            "zone a, x1 has no zone, ...)");
}

TEST(Room, KeepsApartFromOthersAndNeverFromTheInstanceItself) {
  model::Placement placement;
  placement.apart_from = {{"shop", ""}};
  const model::Revision api = revision("api", {}, "shop.api");
  const model::Revision web = revision("web", placement, "shop.web");
  Room room = room_of({node("a"), node("b")});
  room.occupy(task("t1", api, "a"), api);
  EXPECT_THAT(names(room, room.place_many(web, 2)), ElementsAre("b", "b"));
  room.vacate(model::TaskId("t1"));
  EXPECT_EQ(where(room, web), "a");
}

TEST(Room, GivesAHostPortOnceANode) {
  model::Revision web = revision("web");
  web.spec.net = model::NetMode::Host;
  web.spec.container_port = 80;
  Room room = room_of({node("a"), node("b")});
  EXPECT_THAT(names(room, room.place_many(web, 3)), ElementsAre("a", "b"));
  EXPECT_EQ(room.explain(web).text(), "no node of 2 can take it: 2 have port 80 taken (a, b)");
}

TEST(Room, TakesRoomUntilATaskIsGoneOrLost) {
  const model::Revision web = revision("web");
  model::Revision big = revision("big");
  big.spec.resources.mem_mb = 950;
  Room room = room_of({node("a")});
  model::Task seen = task("t", web, "a");
  const auto blocks = [&] {
    room.occupy(seen, web);
    return room.explain(big).fitting == 0;
  };
  EXPECT_TRUE(blocks());
  seen.state = model::TaskState::Stopping;
  EXPECT_TRUE(blocks());
  seen.state = model::TaskState::Failed;
  EXPECT_FALSE(blocks());
  seen.next_start_at = Time();
  EXPECT_TRUE(blocks());
  seen.state = model::TaskState::Lost;
  EXPECT_FALSE(blocks());
}

TEST(Room, OneOffTasksTakeRoomAndCountForNothing) {
  model::Placement one;
  one.max_per_node = 1;
  const model::Revision web = revision("web", one);
  Room room = room_of({node("a")});
  model::Task run = task("t", web, "a");
  run.one_off = true;
  room.occupy(run, web);
  EXPECT_EQ(where(room, web), "a");
  EXPECT_EQ(where(room, web), "nowhere");
}

TEST(Room, IsBuiltFromWhatIsObserved) {
  const model::Revision web = revision("web");
  model::Observed observed;
  observed.nodes = {node("a"), node("b")};
  observed.revisions = {test::observed_revision(web, 1)};
  observed.tasks = {task("t1", web, "a"), task("t2", revision("unknown"), "b"), task("t3", web, "")};
  Room room(observed);
  EXPECT_EQ(where(room, web), "b");
}

TEST(Room, ANodeThatComesBackHasItsTasksStill) {
  const model::Revision big = [] {
    model::Revision revision_of_big = revision("big");
    revision_of_big.spec.resources.mem_mb = 600;
    return revision_of_big;
  }();
  Room room = room_of({node("a")});
  EXPECT_EQ(where(room, big), "a");
  room.remove_node(model::NodeId("a"));
  EXPECT_EQ(room.explain(big).text(), "there is no node");
  room.set_node(node("a"));
  EXPECT_EQ(where(room, big), "nowhere");
  room.give_back(big, model::NodeId("a"));
  EXPECT_EQ(where(room, big), "a");
}

TEST(Room, SaysWhyNothingFitsFilterByFilter) {
  model::Placement placement;
  placement.selectors = {{"zone", Op::In, {"a", "b"}}};
  model::Revision web = revision("web", placement);
  web.spec.resources.mem_mb = 512;
  std::vector<model::Node> nodes = {node("n1", "a", 100), node("n2", "a", 200), node("n3", "b", 300),
                                    node("n4", "b", 400), node("n5", "c"),      node("n6"),
                                    node("n7", "a"),      node("n8", "a")};
  nodes[6].draining = true;
  nodes[7].attributes["pool"] = "big";
  const Room room = room_of(nodes);
  const Explanation why = room.explain(web);
  EXPECT_EQ(
      why.text(),
      "no node of 8 can take it: 4 lack memory (needs 512 MB; n1 has 100 MB free, n2 has 200 MB free, n3 has "
      "300 MB free, ...), 2 do not match zone In [a, b] (n5 has zone c, n6 has no zone), 1 is draining (n7), "
      "1 is not in pool default (n8)");
  EXPECT_EQ(to_json(why).at("exclusions").as_array()[0].dump(),
            R"({"examples":[{"has":"100 MB free","node":"n1"},{"has":"200 MB free","node":"n2"},)"
            R"({"has":"300 MB free","node":"n3"}],"filter":"memory","nodes":4,"rule":"512 MB"})");
}

TEST(Room, SaysWhatItWouldChooseAndWhatComesNext) {
  model::Placement placement;
  placement.spread = {"zone"};
  const model::Revision web = revision("web", placement);
  Room room = room_of({node("a1", "a"), node("b1", "b", 400), node("x")});
  room.occupy(task("t", web, "a1"), web);
  EXPECT_EQ(
      room.explain(web).text(),
      "3 of 3 nodes can take it; it goes to x (0 tasks without zone, 10.0 % of its memory used then); next: "
      "b1 "
      "(0 tasks in zone b, 25.0 % of its memory used then), a1 (1 task in zone a, 20.0 % of its memory used "
      "then)");
}

TEST(Room, TellsAtOnceWhatCouldNeverRun) {
  model::Revision web = revision("web");
  web.spec.resources.cpus = 0.5;
  Room room = room_of({node("a"), node("b", "", 50)});
  room.place_many(web, 100);
  EXPECT_EQ(room.explain(web).fitting, 0);
  EXPECT_EQ(room.explain_ever(web).text(), "1 of 2 nodes could take it");
  web.spec.resources.cpus = 6.5;
  EXPECT_EQ(room.explain_ever(web).text(),
            "no node of 2 could ever take it: 2 lack cpu (needs 6.5; a has 4, b has 4)");
}

TEST(Room, PlacesNothingWhereNothingIsAskedOrThere) {
  Room room;
  EXPECT_EQ(where(room, revision("r")), "nowhere");
  EXPECT_EQ(room.explain(revision("r")).text(), "there is no node");
  room.set_node(node("a"));
  EXPECT_THAT(room.place_many(revision("r"), 0), IsEmpty());
  EXPECT_THAT(room.place_many(revision("r"), -3), IsEmpty());
}

TEST(Room, HugeAndAbsurdAmountsFitNowhereThatSaysHowMuchItHas) {
  model::Revision huge = revision("huge");
  huge.spec.resources.mem_mb = INT64_MAX;
  huge.spec.resources.disk_mb = INT64_MAX;
  model::Node large = node("large", "", INT64_MAX);
  const Room room = room_of({large});
  EXPECT_EQ(room.explain_ever(huge).exclusions.at(0).filter, Filter::Mem);
}

}  // namespace
}  // namespace slipway::plan
