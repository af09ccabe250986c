// Placements a second on 10,000 nodes in four zones and 200 racks, with a pool, selectors, limits and spread,
// in batches of 100, as a revision of 100 tasks is placed. Beside it a first-fit loop that knows only sizes.
#include <array>
#include <string>

#include <fmt/format.h>

#include "bench.h"
#include "plan/room.h"

namespace bench {
namespace {

namespace model = slipway::model;
namespace plan = slipway::plan;

constexpr int kNodes = 10'000;
constexpr int kBatch = 100;

std::vector<model::Node> cluster() {
  std::vector<model::Node> nodes;
  for (int i = 0; i < kNodes; ++i) {
    model::Node node;
    node.id = model::NodeId(fmt::format("node-{:05}", i));
    node.cpus = 32 + i % 3 * 16;
    node.mem_mb = 131'072 + i % 5 * 32'768;
    node.attributes = {{"zone", fmt::format("z{}", i % 4)},
                       {"rack", fmt::format("r{}", i % 200)},
                       {"generation", fmt::format("{}", 1 + i % 7)}};
    if (i % 10 == 0) node.attributes["pool"] = "batch";
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<model::Revision> revisions(int tasks) {
  std::vector<model::Revision> all;
  for (int i = 0; i < tasks / kBatch; ++i) {
    model::Revision revision;
    revision.id = model::RevisionId(fmt::format("{:012x}", i));
    revision.instance = {fmt::format("service-{}", i), "main"};
    revision.spec.resources.cpus = 0.1 + 0.05 * (i % 5);
    revision.spec.resources.mem_mb = 256 + 128 * (i % 4);
    model::Placement& placement = revision.spec.placement;
    placement.selectors = {{"generation", model::SelectorOperator::Gt, {"1"}},
                           {"rack", model::SelectorOperator::NotIn, {"r7", "r8", "r9"}}};
    placement.max_per_node = 2;
    placement.spread = {"zone"};
    all.push_back(std::move(revision));
  }
  return all;
}

plan::Room room_of(const std::vector<model::Node>& nodes) {
  plan::Room room;
  for (const model::Node& node : nodes) room.set_node(node);
  return room;
}

int place_all(plan::Room& room, const std::vector<model::Revision>& wanted) {
  size_t placed = 0;
  for (const model::Revision& revision : wanted) placed += room.place_many(revision, kBatch).size();
  return static_cast<int>(placed);
}

// The floor: the first node that has room, and nothing else asked. A batch goes on where its last task went,
// since what was full for one is full for the next.
int first_fit(const std::vector<model::Node>& nodes, const std::vector<model::Revision>& wanted) {
  struct Free {
    int64_t cpu, mem;
  };
  std::vector<Free> free;
  for (const model::Node& node : nodes) free.push_back({static_cast<int64_t>(node.cpus * 1000), node.mem_mb});
  int placed = 0;
  for (const model::Revision& revision : wanted) {
    const plan::Demand demand = plan::demand_of(revision.spec);
    size_t at = 0;
    for (int i = 0; i < kBatch; ++i) {
      while (at < free.size() &&
             (free[at].cpu < demand.amount[plan::kCpu] || free[at].mem < demand.amount[plan::kMemory]))
        ++at;
      if (at == free.size()) break;
      free[at].cpu -= demand.amount[plan::kCpu];
      free[at].mem -= demand.amount[plan::kMemory];
      ++placed;
    }
  }
  keep(free);
  return placed;
}

}  // namespace

Figures bench_place() {
  const slipway::SystemClock clock;
  const std::vector<model::Node> nodes = cluster();
  Figures figures;
  for (const int tasks : {10'000, 100'000, 1'000'000}) {
    const std::vector<model::Revision> wanted = revisions(tasks);
    std::vector<Spent> rates;  // a second, rather than milliseconds
    std::vector<double> floors;
    for (int run = 0; run < kRuns; ++run) {
      plan::Room room = room_of(nodes);
      int placed = 0;
      const Spent took = spend(clock, [&] { placed = place_all(room, wanted); });
      rates.push_back(Spent{placed / took.wall * 1000, placed / took.cpu * 1000});
      floors.push_back(placed / spend(clock, [&] { placed = first_fit(nodes, wanted); }).wall * 1000);
    }
    figures.push_back(Figure{"place.rate", fmt::format("{} tasks, {} nodes", tasks, kNodes),
                             median(rates).wall, "placements/s", median(rates).cpu,
                             Reference{"first-fit", median(floors)}, "1000000/s"});
  }
  return figures;
}

}  // namespace bench
