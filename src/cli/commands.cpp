#include "cli/commands.h"

namespace slipway::cli {

Command command_tree() {
  Command root;
  root.name = "slipway";
  root.summary = "a private platform as a service: says in files what should run, makes it so, keeps it so";
  root.details =
      "Services are described in YAML files, a folder each; `slipway up DIR` runs them in containers behind "
      "a load\n"
      "balancer on this machine. Every other command talks to the control plane that `up` started: the one "
      "of the\n"
      "current folder, or the only one there is, unless -C, --cluster or --api says which.\n"
      "\n"
      "S[.I] is a service (web) or one of its instances (web.main).";
  root.examples = {{"slipway up examples/shop", "bring everything up and watch until it is healthy"},
                   {"slipway status -v", "what runs, where, in which version, and what is wrong"}};
  root.children = {up_command(),           down_command(),       status_command(),   why_command(),
                   logs_command(),         exec_command(),       run_task_command(), list_command(),
                   info_command(),         start_command(),      stop_command(),     restart_command(),
                   scale_command(),        pause_command(),      resume_command(),   skip_health_command(),
                   check_health_command(), freeze_command(),     unfreeze_command(), validate_command(),
                   config_command(),       import_command(),     plan_command(),     apply_command(),
                   simulate_command(),     history_command(),    events_command(),   nodes_command(),
                   drain_command(),        undrain_command(),    clusters_command(), serve_command(),
                   version_command(),      completion_command(), internal_command()};
  return root;
}

}  // namespace slipway::cli
