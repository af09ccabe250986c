// One Marathon app as the keys of an instance.
#pragma once

#include "imports/draft.h"

namespace slipway::imports {

// Fills `keys` from the app; what has no counterpart is told to the draft.
void read_marathon_app(const YamlNode& app, Json& keys, Draft& draft);

// Marathon's constraints as node selectors and placement rules. One that ours cannot say is lost.
void read_marathon_constraints(const YamlNode& constraints, Json& keys, Draft& draft);

}  // namespace slipway::imports
