// Who stays and who goes: the decisions about one instance's tasks. Each adds to round.leaving and
// round.may_start.
#pragma once

#include "plan/round.h"

namespace slipway::plan {

// Everything goes.
void choose_all(Round& round);

// Of the wanted revision: those beyond the wanted count, else at most one that is unhealthy, by its backoff.
void choose_wanted(Round& round);

// Of all other revisions: as the bounce method says. Also decides whether the wanted revision may start.
void choose_old(Round& round);

}  // namespace slipway::plan
