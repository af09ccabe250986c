// Reads the log of a task across its rotated files, optionally following it as it grows.
#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "engine/engine.h"

namespace slipway::engine::local {

// `folder` holds the task's log files (see logs.h); with follow, the reader ends when the folder is deleted.
// Without, it ends at what was the end when it was opened. Exhausted when the machine has no inotify instance
// left to follow with.
Result<std::unique_ptr<LogReader>> open_log(const std::filesystem::path& folder, const LogRequest& request,
                                            const Clock& clock);

}  // namespace slipway::engine::local
