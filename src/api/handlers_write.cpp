#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/lookup.h"
#include "base/text.h"

namespace slipway::api::handlers {

namespace {

// What was stored shows in the next snapshot. Waiting for that (not for long: it is stored already) lets a
// caller read what it has written.
void wait_until(const Context& context, const std::function<bool(const reconcile::Snapshot&)>& shown) {
  const Deadline deadline = context.clock.deadline_in(2s);
  auto snapshot = context.control.snapshot();
  while (!shown(*snapshot) && !deadline.passed(context.clock.steady_now())) {
    snapshot = context.control.wait_for_change(snapshot->sequence, deadline);
  }
}

// Null when none of this kind is in force. That of a freeze is of no instance.
const model::Override* find_override(const reconcile::Snapshot& snapshot, const model::InstanceId& id,
                                     model::OverrideKind kind) {
  const auto it =
      std::find_if(snapshot.overrides.begin(), snapshot.overrides.end(),
                   [&](const model::Override& one) { return one.instance == id && one.kind == kind; });
  return it == snapshot.overrides.end() ? nullptr : &*it;
}

Result<io::HttpAnswer> lift(Context& context, const model::InstanceId& id, model::OverrideKind kind,
                            Deadline deadline) {
  TRY(context.control.remove_override(id, kind, deadline));
  wait_until(context,
             [&](const reconcile::Snapshot& now) { return find_override(now, id, kind) == nullptr; });
  return json_response(Json::Object());
}

Result<io::HttpAnswer> set_draining(Context& context, const Call& call, bool draining) {
  reconcile::NodeDrain order{model::NodeId(call.text("node")), draining, call.body.at("owner").as_string(),
                             call.body.at("reason").as_string()};
  TRY(check_node(*context.control.snapshot(), order.node.str()));
  TRY(context.control.set_draining(order, call.deadline));
  const auto as_ordered = [&](const model::Node& node) {
    return node.id == order.node && node.draining == draining;
  };
  wait_until(context, [&](const reconcile::Snapshot& now) {
    return std::any_of(now.nodes->begin(), now.nodes->end(), as_ordered);
  });
  const auto nodes = context.control.snapshot()->nodes;
  for (const model::Node& node : *nodes) {
    if (node.id == order.node) return json_response(model::to_json(node));
  }
  return Error(ErrorCode::NotFound, fmt::format("node '{}' has gone", order.node.str()));
}

Result<std::vector<std::string>> words(const Json& body, const std::string& name) {
  std::vector<std::string> list;
  for (const Json& word : body.at(name).as_array()) {
    if (!word.is_string()) return Error(ErrorCode::Invalid, name + ": must be a list of strings");
    list.push_back(word.as_string());
  }
  return list;
}

}  // namespace

Result<io::HttpAnswer> put_override(Context& context, const Call& call) {
  model::Override value = TRY(model::override_from_json(call.body));
  if (value.kind != model::OverrideKind::Freeze) {
    TRY(check_known(*context.control.snapshot(), value.instance.service, value.instance.instance));
  }
  value.created_at = context.clock.now();
  if (value.expires_at && *value.expires_at <= value.created_at) {
    return Error(ErrorCode::Invalid, fmt::format("expires_at: {} is over already; give a time to come",
                                                 to_text(*value.expires_at)));
  }
  // A restart is a new nonce; the time will do where the caller has none.
  if (value.kind == model::OverrideKind::Restart && value.nonce.empty())
    value.nonce = to_text(value.created_at);
  TRY(context.control.put_override(value, call.deadline));
  wait_until(context, [&](const reconcile::Snapshot& snapshot) {
    const model::Override* shown = find_override(snapshot, value.instance, value.kind);
    return shown != nullptr && *shown == value;
  });
  return json_response(model::to_json(value));
}

Result<io::HttpAnswer> remove_override(Context& context, const Call& call) {
  const model::InstanceId id = TRY(model::parse_instance_id(call.text("instance")));
  const auto kind = model::override_kind_from(call.text("kind"));
  if (!kind) {
    return Error(ErrorCode::Invalid,
                 fmt::format("kind: '{}' is none of stop, scale, pause, restart, skip_health",
                             printable(call.text("kind"))));
  }
  if (*kind == model::OverrideKind::Freeze) {
    return Error(ErrorCode::Invalid,
                 "a freeze is of the whole cluster: DELETE /v1/overrides/freeze lifts it");
  }
  const auto snapshot = context.control.snapshot();
  if (find_override(*snapshot, id, *kind) == nullptr) {
    TRY(check_known(*snapshot, id.service, id.instance));
    return Error(ErrorCode::NotFound,
                 fmt::format("'{}' has no override of kind {}", id.text(), model::to_text(*kind)));
  }
  return lift(context, id, *kind, call.deadline);
}

Result<io::HttpAnswer> remove_freeze(Context& context, const Call& call) {
  if (find_override(*context.control.snapshot(), {}, model::OverrideKind::Freeze) == nullptr) {
    return Error(ErrorCode::NotFound, "the cluster is not frozen");
  }
  return lift(context, {}, model::OverrideKind::Freeze, call.deadline);
}

Result<io::HttpAnswer> drain_node(Context& context, const Call& call) {
  return set_draining(context, call, true);
}

Result<io::HttpAnswer> undrain_node(Context& context, const Call& call) {
  return set_draining(context, call, false);
}

Result<io::HttpAnswer> run(Context& context, const Call& call) {
  const model::InstanceId id = TRY(model::parse_instance_id(call.body.at("instance").as_string()));
  TRY(check_known(*context.control.snapshot(), id.service, id.instance));
  const model::TaskId task = TRY(context.control.run(id, TRY(words(call.body, "argv")), call.deadline));
  wait_until(context, [&](const reconcile::Snapshot& snapshot) {
    return find_task(snapshot, task.str()).has_value();
  });
  return json_response(Json::Object{{"task", task.str()}});
}

Result<io::HttpAnswer> remove_task(Context& context, const Call& call) {
  model::TaskId id(call.text("task"));
  const auto snapshot = context.control.snapshot();
  const auto found = find_task(*snapshot, id.str());
  if (!found.has_value() && found.error().code() == ErrorCode::Invalid) return found.error();
  if (found.has_value()) {
    const model::Task& task = **found;
    if (!task.one_off) {
      return Error(ErrorCode::Invalid,
                   fmt::format("'{}' is no one-off task but one of {}, which would only start another",
                               task.id.str(), task.instance.text()));
    }
    id = task.id;
  }
  // Unknown to the snapshot: perhaps too young for it, perhaps gone. Forgetting is idempotent, so either is
  // fine.
  TRY(context.control.collect(id, call.deadline));
  return json_response(Json::Object());
}

Result<io::HttpAnswer> reload(Context& context, const Call&) {
  return json_response(Json::Object{{"reload", context.control.reload()}});
}

Result<io::HttpAnswer> shut_down(Context& context, const Call& call) {
  const Json& keep = call.body.at("keep_tasks");
  if (!keep.is_null() && !keep.is_bool())
    return Error(ErrorCode::Invalid, "keep_tasks: must be true or false");
  context.control.shut_down(keep.as_bool());
  return json_response(Json::Object());
}

}  // namespace slipway::api::handlers
