// Values with defaults for tests: say what matters to the test, and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/instance.h"
#include "model/observed.h"
#include "model/override.h"
#include "model/status.h"

namespace slipway::test {

inline model::InstanceId instance_id(std::string_view text) {
  const auto id = model::parse_instance_id(text);
  CHECK(id.has_value());
  return *id;
}

// An instance that runs a command on the host's filesystem: `count` tasks, behind port 8000 of the load
// balancer.
inline model::Instance instance(std::string_view id = "shop.web", int count = 3) {
  model::Instance instance;
  instance.id = instance_id(id);
  instance.count = count;
  instance.spec.cmd = std::vector<std::string>{"serve"};
  instance.spec.env["VERSION"] = "1";
  instance.spec.container_port = 80;
  instance.proxy = model::Proxy{.port = 8000, .mode = model::ProxyMode::Http, .domains = {}};
  instance.drain.method = model::DrainMethod::Proxy;
  return instance;
}

// The same without a port: nothing routes to it.
inline model::Instance worker(std::string_view id = "shop.worker", int count = 3) {
  model::Instance worker = instance(id, count);
  worker.spec.container_port.reset();
  worker.proxy.reset();
  worker.drain.method = model::DrainMethod::Noop;
  return worker;
}

inline model::Revision revision_of(const model::Instance& instance) {
  return model::make_revision(instance.id, instance.spec);
}

inline model::ObservedRevision observed_revision(const model::Revision& revision, int count) {
  return model::ObservedRevision{.revision = revision, .count = count, .generation = 1};
}

// A task that has only been asked for.
inline model::Task pending_task(const model::Revision& revision, const std::string& id,
                                Time created_at = {}) {
  model::Task task;
  task.id = model::TaskId(id);
  task.revision = revision.id;
  task.instance = revision.instance;
  task.node = model::NodeId("node-1");
  task.created_at = created_at;
  return task;
}

// A task that runs, and has been healthy since it was created.
inline model::Task healthy_task(const model::Revision& revision, const std::string& id,
                                Time created_at = {}) {
  model::Task task = pending_task(revision, id, created_at);
  task.state = model::TaskState::Running;
  task.health = model::Health::Healthy;
  task.started_at = task.healthy_since = created_at;
  if (const auto port = revision.spec.container_port) {
    task.addresses = {model::Address{.ip = "10.0.0.1", .port = *port, .container_port = *port}};
  }
  return task;
}

inline model::Task unhealthy_task(const model::Revision& revision, const std::string& id,
                                  Time created_at = {}) {
  model::Task task = healthy_task(revision, id, created_at);
  task.health = model::Health::Unhealthy;
  task.healthy_since.reset();
  task.reason = "http check: connection refused";
  return task;
}

// A task that has ended and waits to be started again.
inline model::Task crashed_task(const model::Revision& revision, const std::string& id, int restarts,
                                Time next) {
  model::Task task = pending_task(revision, id);
  task.state = model::TaskState::Failed;
  task.restarts = restarts;
  task.last_exit = model::Exit{.code = 3, .signal = {}, .oom_killed = false};
  task.next_start_at = next;
  task.last_lines = {"starting", "cannot read /etc/shop.conf"};
  return task;
}

inline model::Override override_of(std::string_view id, model::OverrideKind kind) {
  model::Override value;
  value.instance = instance_id(id);
  value.kind = kind;
  value.owner = "ana";
  value.reason = "maintenance";
  return value;
}

}  // namespace slipway::test
