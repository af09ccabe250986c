// One function per route; the table in route_table.cpp says what each is for. See routes.h for the rules.
#pragma once

#include "api/routes.h"

namespace slipway::api::handlers {

// handlers_read.cpp: from the snapshot and the store.
Result<io::HttpAnswer> index(Context& context, const Call& call);
Result<io::HttpAnswer> version(Context& context, const Call& call);
Result<io::HttpAnswer> status(Context& context, const Call& call);
std::optional<io::HttpResponse> quick_status(Context& context, const Call& call);
Result<io::HttpAnswer> why(Context& context, const Call& call);
Result<io::HttpAnswer> services(Context& context, const Call& call);
Result<io::HttpAnswer> service(Context& context, const Call& call);
Result<io::HttpAnswer> config(Context& context, const Call& call);
Result<io::HttpAnswer> nodes(Context& context, const Call& call);
Result<io::HttpAnswer> plan(Context& context, const Call& call);
Result<io::HttpAnswer> observed(Context& context, const Call& call);
Result<io::HttpAnswer> history(Context& context, const Call& call);
Result<io::HttpAnswer> task(Context& context, const Call& call);
Result<io::HttpAnswer> overrides(Context& context, const Call& call);

// handlers_write.cpp: what changes something.
Result<io::HttpAnswer> put_override(Context& context, const Call& call);
Result<io::HttpAnswer> remove_override(Context& context, const Call& call);
Result<io::HttpAnswer> remove_freeze(Context& context, const Call& call);
Result<io::HttpAnswer> drain_node(Context& context, const Call& call);
Result<io::HttpAnswer> undrain_node(Context& context, const Call& call);
Result<io::HttpAnswer> run(Context& context, const Call& call);
Result<io::HttpAnswer> remove_task(Context& context, const Call& call);
Result<io::HttpAnswer> reload(Context& context, const Call& call);
Result<io::HttpAnswer> shut_down(Context& context, const Call& call);

// handlers_stream.cpp: answers that are written bit by bit.
Result<io::HttpAnswer> events(Context& context, const Call& call);
Result<io::HttpAnswer> logs(Context& context, const Call& call);
Result<io::HttpAnswer> exec(Context& context, const Call& call);

}  // namespace slipway::api::handlers
