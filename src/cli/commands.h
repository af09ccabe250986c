// Every command, one function each, in a file of its name.
#pragma once

#include "cli/command.h"

namespace slipway::cli {

Command up_command();
Command down_command();
Command serve_command();
Command validate_command();
Command config_command();
Command import_command();
Command plan_command();
Command apply_command();
Command simulate_command();
Command status_command();
Command why_command();
Command list_command();
Command info_command();
Command clusters_command();
Command nodes_command();
Command logs_command();
Command exec_command();
Command run_task_command();
Command start_command();
Command stop_command();
Command restart_command();
Command scale_command();
Command pause_command();
Command resume_command();
Command skip_health_command();
Command check_health_command();
Command freeze_command();
Command unfreeze_command();
Command drain_command();
Command undrain_command();
Command events_command();
Command history_command();
Command version_command();
Command completion_command();
Command internal_command();

}  // namespace slipway::cli
