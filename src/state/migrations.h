// How the database of one version of Slipway becomes that of the next.
//
// Rules: a migration that was released is never changed, only followed by another; each runs in a transaction
// of its own together with the note that it ran, so that a crash leaves the file at one version or the next,
// never between.
#pragma once

#include "state/sqlite.h"

namespace slipway::state {

// The version that this program writes.
int newest_schema();

// Brings the file to newest_schema(). Invalid when it is newer than that: an older program would not know
// what it breaks. Also takes the first `up_to` migrations only, for tests of later ones.
Status migrate(Database& database);
Status migrate(Database& database, int up_to);

}  // namespace slipway::state
