#include "sim/terms.h"

#include <algorithm>
#include <cmath>

namespace slipway::sim {

namespace {

void apply(const model::Override& value, Terms& terms) {
  switch (value.kind) {
    case model::OverrideKind::Stop:
      terms.count = 0;
      return;
    case model::OverrideKind::Scale:
      terms.count = value.count;
      return;
    case model::OverrideKind::Pause:
      terms.frozen = true;
      return;
    case model::OverrideKind::Restart:
      terms.spec.restart_nonce = value.nonce;
      return;
    case model::OverrideKind::SkipHealth:
      terms.skip_health = true;
      return;
    case model::OverrideKind::Freeze:
      return;  // holds back new bounces, and nothing that is judged here
  }
}

void apply_overrides(const plan::Inputs& inputs, const model::InstanceId& id, Terms& terms) {
  bool stopped = false;
  for (const model::Override& value : inputs.overrides) {
    if (value.instance != id || (value.expires_at && *value.expires_at <= inputs.now)) continue;
    apply(value, terms);
    stopped = stopped || value.kind == model::OverrideKind::Stop;
  }
  if (stopped) terms.count = 0;
}

}  // namespace

int Terms::floor() const {
  return instance == nullptr ? 0 : static_cast<int>(std::ceil(count * instance->bounce.margin));
}

model::Drain Terms::drain() const {
  if (instance != nullptr) return instance->drain;
  model::Drain gentle;
  gentle.method = model::DrainMethod::Proxy;
  return gentle;
}

bool Terms::happy(const TaskTruth& task, Time now) const {
  if (!task.running || (proxied() && !refused && !task.in)) return false;
  if (skip_health) return true;
  const Duration uptime = instance == nullptr ? 0s : instance->bounce.min_task_uptime;
  return task.healthy_since && *task.healthy_since + uptime <= now;
}

Terms terms_of(const plan::Inputs& inputs, const model::InstanceId& id, bool refused) {
  Terms terms;
  terms.refused = refused;
  const auto found =
      std::ranges::find_if(inputs.desired->instances, [&](const model::Instance& i) { return i.id == id; });
  if (found != inputs.desired->instances.end()) {
    terms.instance = &*found;
    terms.spec = found->spec;
    terms.count = found->desired_state == "stop" ? 0 : found->count;
    apply_overrides(inputs, id, terms);
  } else {
    terms.frozen = std::ranges::find(inputs.desired->broken, id.service) != inputs.desired->broken.end();
  }
  if (inputs.shutting_down) {
    terms.count = 0;
    terms.frozen = false;
  }
  return terms;
}

}  // namespace slipway::sim
