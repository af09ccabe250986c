#include "cli/override_change.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "cli/status_view.h"
#include "cli/target.h"
#include "cli/wait.h"

namespace slipway::cli {

namespace {

// Whether the instance shows that the control plane has taken the change in.
using Taken = std::function<bool(const Json& instance)>;

const Json* override_of(const Json& instance, model::OverrideKind kind) {
  for (const Json& value : instance.at("overrides").as_array()) {
    if (value.at("kind").as_string() == model::to_text(kind)) return &value;
  }
  return nullptr;
}

Result<int> wait_for(Context& context, const api::Client& client, const std::vector<model::InstanceId>& ids,
                     const Taken& taken) {
  return wait_until_done(
      context, client,
      {.taken =
           [&](const Json& status) { return std::ranges::all_of(status.at("instances").as_array(), taken); },
       .only = ids});
}

void tell(Context& context, const Json::Array& changed, const std::string& verb) {
  if (context.out.structured(context.format(), Json::Object{{"overrides", changed}})) return;
  std::string text;
  for (const Json& value : changed) {
    text += fmt::format("{}: {}{}\n", value.at("instance").as_string(), verb,
                        override_text(value, context.now()));
  }
  context.out.result(text);
}

}  // namespace

Argument override_subject() {
  return {.name = "S[.I]",
          .help = "the instance, or all instances of the service",
          .completes = Completes::Instances};
}

std::vector<Option> wait_options() {
  return {{.name = "wait", .help = "until it is done, showing how far it is"},
          timeout_option("with --wait: ")};
}

std::vector<Option> override_options() {
  return {{.name = "for",
           .kind = Kind::Duration,
           .value = "DURATION",
           .help = "ends by itself after this long (default: when lifted by hand)"},
          {.name = "reason",
           .kind = Kind::Text,
           .value = "TEXT",
           .help = "why, for whoever reads `status` next"}};
}

std::vector<Option> put_options() {
  std::vector<Option> options = override_options();
  for (Option& option : wait_options()) options.push_back(std::move(option));
  return options;
}

model::Override new_override(const Context& context, model::OverrideKind kind) {
  model::Override value;
  value.kind = kind;
  value.owner = context.environment.user;
  value.reason = context.args.text("reason");
  value.created_at = context.now();
  if (const auto wait = context.args.duration("for")) value.expires_at = value.created_at + *wait;
  return value;
}

Result<int> put_overrides(Context& context, model::OverrideKind kind, int count) {
  const api::Client client = TRY(connect(context));
  const auto ids = TRY(instances_of(client, context.args.text("S[.I]")));
  model::Override value = new_override(context, kind);
  value.count = count;
  if (kind == model::OverrideKind::Restart) value.nonce = context.environment.random.token(8);
  Json::Array changed;
  for (const model::InstanceId& id : ids) {
    value.instance = id;
    TRY_CONTEXT(client.put_override(value), fmt::format("{} {}", model::to_text(kind), id.text()));
    changed.push_back(model::to_json(value));
  }
  tell(context, changed, "");
  if (!context.args.has("wait")) return 0;
  return wait_for(context, client, ids, [&](const Json& instance) {
    const Json* in_force = override_of(instance, kind);
    return in_force != nullptr && in_force->at("count").as_int() == value.count &&
           in_force->at("nonce").as_string() == value.nonce;
  });
}

Result<int> lift_overrides(Context& context, const std::vector<model::OverrideKind>& kinds) {
  const api::Client client = TRY(connect(context));
  const auto ids = TRY(instances_of(client, context.args.text("S[.I]")));
  const Json overrides = TRY(client.overrides());
  Json::Array lifted;
  for (const Json& value : overrides.at("overrides").as_array()) {
    const auto read = TRY_CONTEXT(model::override_from_json(value), "read the overrides");
    const bool meant = std::ranges::find(ids, read.instance) != ids.end();
    if (!meant || std::ranges::find(kinds, read.kind) == kinds.end()) continue;
    const Status removed = client.remove_override(read.instance, read.kind);
    // It may have ended by itself a moment ago, which is as good.
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed.error();
    lifted.push_back(value);
  }
  if (lifted.empty()) context.out.note("there is no such override: nothing to lift");
  tell(context, lifted, "lifted ");
  if (!context.args.has("wait")) return 0;
  return wait_for(context, client, ids, [&](const Json& instance) {
    return std::ranges::none_of(
        kinds, [&](model::OverrideKind kind) { return override_of(instance, kind) != nullptr; });
  });
}

}  // namespace slipway::cli
