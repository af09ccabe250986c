#include "model/override.h"

#include "model/enum_text.h"
#include "model/json_fields.h"

namespace slipway::model {

namespace {
constexpr EnumTable<OverrideKind, 6> kKinds = {{{OverrideKind::Stop, "stop"},
                                                {OverrideKind::Scale, "scale"},
                                                {OverrideKind::Pause, "pause"},
                                                {OverrideKind::Restart, "restart"},
                                                {OverrideKind::SkipHealth, "skip_health"},
                                                {OverrideKind::Freeze, "freeze"}}};
}  // namespace

std::string_view to_text(OverrideKind kind) {
  return word_of(kKinds, kind);
}
std::optional<OverrideKind> override_kind_from(std::string_view text) {
  return value_of(kKinds, text);
}

Json to_json(const Override& value) {
  Json json;
  json["instance"] = value.kind == OverrideKind::Freeze ? std::string() : value.instance.text();
  json["kind"] = to_text(value.kind);
  if (value.kind == OverrideKind::Scale) json["count"] = value.count;
  if (value.kind == OverrideKind::Restart) json["nonce"] = value.nonce;
  json["owner"] = value.owner;
  json["reason"] = value.reason;
  json["created_at"] = to_text(value.created_at);
  json["expires_at"] = time_or_null(value.expires_at);
  return json;
}

Result<Override> override_from_json(const Json& json) {
  Override value;
  const auto kind = override_kind_from(json.at("kind").as_string());
  if (!kind) {
    return Error(ErrorCode::Invalid, "override kind '" + json.at("kind").as_string() +
                                         "' is none of stop, scale, pause, restart, skip_health, freeze");
  }
  value.kind = *kind;
  if (value.kind != OverrideKind::Freeze) {
    value.instance = TRY(parse_instance_id(json.at("instance").as_string()));
  } else if (!json.at("instance").as_string().empty()) {
    return Error(ErrorCode::Invalid,
                 "a freeze is of the whole cluster, not of " + json.at("instance").as_string());
  }
  if (value.kind == OverrideKind::Scale) {
    if (!json.at("count").is_int() || json.at("count").as_int() < 0 || json.at("count").as_int() > 100'000) {
      return Error(ErrorCode::Invalid, "a scale override has a count from 0 to 100000");
    }
    value.count = static_cast<int>(json.at("count").as_int());
  }
  value.nonce = json.at("nonce").as_string();
  value.owner = json.at("owner").as_string();
  value.reason = json.at("reason").as_string();
  if (json.at("created_at").is_string())
    value.created_at = TRY(parse_time(json.at("created_at").as_string()));
  value.expires_at = TRY(optional_time_from(json.at("expires_at")));
  return value;
}

}  // namespace slipway::model
