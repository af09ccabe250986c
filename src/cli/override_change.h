// What start, stop, restart, scale, pause, skip-health and their opposites share: putting or lifting
// overrides, and waiting for the effect.
#pragma once

#include <vector>

#include "cli/context.h"
#include "model/override.h"

namespace slipway::cli {

// The argument S[.I], and the options that an override (--for, --reason) and its wait (--wait, --timeout)
// take.
Argument override_subject();
std::vector<Option> put_options();
std::vector<Option> override_options();  // without those of a wait
std::vector<Option> wait_options();

// Of this kind, by the user who acts, with the reason and the end that were given; of no instance yet.
model::Override new_override(const Context& context, model::OverrideKind kind);

// Puts one override of this kind on each instance that the argument S[.I] names, and says so.
Result<int> put_overrides(Context& context, model::OverrideKind kind, int count = 0);

// Lifts all overrides of these kinds from each of them, and says which. There being none is no failure.
Result<int> lift_overrides(Context& context, const std::vector<model::OverrideKind>& kinds);

}  // namespace slipway::cli
