#include "settled.h"

#include <algorithm>

#include <fmt/format.h>

namespace bench {
namespace {

namespace model = slipway::model;
using namespace std::chrono_literals;

constexpr int kTasksANode = 10;
constexpr int kCopies = static_cast<int>(kTasksAnInstance);

model::Instance instance(int number) {
  model::Instance instance;
  instance.id = {fmt::format("service-{:05}", number), "main"};
  instance.count = kCopies;
  instance.spec.cmd = std::vector<std::string>{"serve", "--port", "80"};
  instance.spec.env = {{"VERSION", "2026-01-31-1"}, {"LOG_LEVEL", "info"}};
  instance.spec.container_port = 80;
  instance.spec.resources.mem_mb = 256 + number % 4 * 256;
  instance.proxy = model::Proxy{.port = 10'000 + number, .mode = model::ProxyMode::Http, .domains = {}};
  instance.drain.method = model::DrainMethod::Proxy;
  return instance;
}

model::Task task(const model::Revision& revision, int number, slipway::Time since) {
  model::Task task;
  task.id = model::TaskId(
      fmt::format("{}-main-{}-{:06}", revision.instance.service, revision.id.str().substr(0, 8), number));
  task.revision = revision.id;
  task.instance = revision.instance;
  task.node = model::NodeId(fmt::format("node-{:05}", number / kTasksANode));
  task.state = model::TaskState::Running;
  task.health = model::Health::Healthy;
  task.addresses = {
      model::Address{fmt::format("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255), 80, 80}};
  task.created_at = since;
  task.started_at = task.healthy_since = since;
  return task;
}

}  // namespace

slipway::plan::Inputs Settled::inputs(const slipway::plan::Memory& remembered) const {
  return {.desired = desired,
          .observed = observed,
          .routing = routing,
          .overrides = overrides,
          .images = images,
          .memory = remembered,
          .now = now};
}

Settled settled_cluster(int tasks) {
  Settled settled;
  const slipway::Time since = slipway::Time(slipway::Duration(1'700'000'000'000));
  settled.now = since + 1h;
  settled.observed.at = settled.now;
  settled.routing.known = true;
  for (int i = 0; i < tasks / kTasksANode; ++i) {
    model::Node node;
    node.id = model::NodeId(fmt::format("node-{:05}", i));
    node.cpus = 16;
    node.mem_mb = 65'536;
    node.attributes = {{"zone", fmt::format("z{}", i % 4)}};
    settled.observed.nodes.push_back(std::move(node));
  }
  model::Desired desired;
  for (int i = 0; i < tasks / kCopies; ++i) {
    desired.instances.push_back(instance(i));
    const model::Instance& wanted = desired.instances.back();
    const model::Revision revision = model::make_revision(wanted.id, wanted.spec);
    for (int copy = 0; copy < kCopies; ++copy) {
      settled.observed.tasks.push_back(task(revision, i * kCopies + copy, since));
      settled.routing.tasks[settled.observed.tasks.back().id].in = true;
    }
    settled.observed.revisions.push_back(model::ObservedRevision{revision, kCopies, 1});
  }
  settled.desired = std::move(desired);
  std::sort(settled.observed.revisions.begin(), settled.observed.revisions.end(),
            [](const auto& a, const auto& b) { return a.revision.id < b.revision.id; });
  return settled;
}

}  // namespace bench
