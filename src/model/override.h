// An operator's live deviation from the files. It has an owner, a reason and an expiry, and `status` always
// shows it.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "model/ids.h"

namespace slipway::model {

enum class OverrideKind {
  Stop,        // run none
  Scale,       // run `count`
  Pause,       // change nothing: no bounce, no scaling; tasks go on and are restarted by the engine
  Restart,     // roll to a revision with `nonce`; has no expiry and is replaced by the next restart
  SkipHealth,  // what runs counts as healthy: for when it is the health check that is wrong
  Freeze,      // of the whole cluster: no bounce begins; what runs is kept running, scaled and healed
};

std::string_view to_text(OverrideKind kind);  // "stop", "scale", "pause", "restart", "skip_health", "freeze"
std::optional<OverrideKind> override_kind_from(std::string_view text);

// At most one of each kind per instance.
struct Override {
  InstanceId instance;  // empty exactly for Freeze
  OverrideKind kind = OverrideKind::Stop;
  int count = 0;      // of Scale
  std::string nonce;  // of Restart
  std::string owner;  // the user who said so
  std::string reason;
  Time created_at{};
  std::optional<Time> expires_at;  // absent: until lifted by hand
  bool operator==(const Override&) const = default;
};

Json to_json(const Override& value);
Result<Override> override_from_json(const Json& json);

}  // namespace slipway::model
