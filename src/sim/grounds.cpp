#include "sim/grounds.h"

#include "base/random.h"
#include "sim/room_placer.h"

namespace slipway::sim {

namespace {

engine::fake::NodeOptions draw_node(uint64_t number, bool tight, SeededRandom& random) {
  engine::fake::NodeOptions node;
  node.id = fmt::format("node-{}", number);
  if (tight) node.cpus = static_cast<double>(1 + random.below(5));
  node.attributes["zone"] = number % 2 == 0 ? "a" : "b";
  node.attributes["generation"] = std::to_string(1 + random.below(9));
  if (random.below(2) == 0) node.attributes["disk"] = "ssd";
  if (random.below(4) == 0) node.attributes["gpu"] = "old";
  return node;
}

engine::fake::NodeOptions spare_node(const char* zone) {
  engine::fake::NodeOptions node;
  node.id = fmt::format("spare-{}", zone);
  node.attributes = {{"zone", zone}, {"generation", "9"}, {"disk", "ssd"}};
  return node;
}

}  // namespace

Grounds Grounds::draw(uint64_t seed, bool ignores_rules) {
  SeededRandom random(seed ^ 0x5a5a);
  Grounds grounds;
  const uint64_t count = 1 + random.below(6);
  grounds.placed = random.below(2) == 0;
  grounds.tight = grounds.placed && random.below(2) == 0;
  grounds.options.nodes.clear();
  for (uint64_t i = 1; i <= count; ++i) grounds.options.nodes.push_back(draw_node(i, grounds.tight, random));
  if (!grounds.placed) return grounds;
  for (const char* zone : {"a", "b"}) grounds.options.nodes.push_back(spare_node(zone));
  if (!ignores_rules) grounds.options.placer = std::make_shared<RoomPlacer>();
  if (random.below(2) == 0) grounds.rebalance = static_cast<int>(1 + random.below(2));
  return grounds;
}

bool is_spare(const engine::fake::NodeOptions& node) {
  return node.id.starts_with("spare-");
}

}  // namespace slipway::sim
