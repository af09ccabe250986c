// How far an instance is on its way to what is wanted, and waiting for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/client.h"
#include "base/clock.h"
#include "cli/output.h"

namespace slipway::cli {

// Good: as wanted. Failed: something must change (outside or in the files) before it can be; the control
// plane goes on trying. Waiting: on its way.
enum class Progress { Good, Failed, Waiting };

// Of one object of the status' `instances`.
Progress progress_of(const Json& instance);

// One line per instance: what is wanted, what there is, what it waits for. And one for what ails the whole
// cluster.
std::vector<Live::Line> progress_lines(const Json& status, const Paint& paint);

// Asks for the status again and again, each time as soon as it changed, and shows it to `done` until that
// says true. False: the deadline passed first. No deadline: until interrupted.
Result<bool> watch_status(const api::Client& client, const api::StatusQuery& query, const Clock& clock,
                          std::optional<Deadline> deadline, const std::function<bool(const Json&)>& done);

// "web.main", of an object with `service` and `instance`.
std::string instance_name(const Json& instance);

}  // namespace slipway::cli
