// Logs and commands of fake tasks, as streams of the contract.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "engine/fake/cluster.h"

namespace slipway::engine::fake {

Result<std::unique_ptr<LogReader>> open_log(std::shared_ptr<FakeCluster> cluster, const LogRequest& request);
Result<std::unique_ptr<ExecSession>> open_exec(std::shared_ptr<FakeCluster> cluster,
                                               const ExecRequest& request);

}  // namespace slipway::engine::fake
