// The life of a task in the fake cluster, from its first start to its last exit. Part of World.
#include <csignal>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "engine/fake/world.h"

namespace slipway::engine::fake {

using model::Health;
using model::TaskState;

namespace {

constexpr size_t kLastLines = 10;

model::Exit death_by(int signal) {
  model::Exit exit;
  exit.signal = signal;
  return exit;
}

}  // namespace

// Puts `action` on the agenda; it lapses when the task has ended, or started again, by then.
void World::later(Task& task, Duration wait, Action action) {
  agenda_.add(steady_ + wait, [this, known = task.weak_from_this(), run = task.run, action] {
    const std::shared_ptr<Task> still = known.lock();
    if (still && still->run == run) (this->*action)(*still);
  });
}

const TaskKnobs& World::knobs_of(const Task& task) const {
  if (task.knobs) return *task.knobs;
  const auto own = revision_knobs_.find(task.revision.id);
  return own == revision_knobs_.end() ? knobs_ : own->second;
}

void World::prepare(Task& task) {
  ++task.run;
  if (draw_) task.knobs = draw_(task.revision, random_);
  task.seen.state = TaskState::Preparing;
  task.seen.next_start_at.reset();
  changed();
  later(task, knobs_of(task).prepare_delay, &World::start);
}

void World::start(Task& task) {
  if (const auto missing = missing_part(task)) {
    fail_start(task, *missing);
    return;
  }
  task.seen.state = TaskState::Starting;
  changed();
  later(task, knobs_of(task).start_delay, &World::start_process);
}

std::optional<std::string> World::missing_part(const Task& task) const {
  const model::TaskSpec& spec = task.revision.spec;
  const std::set<std::string>& missing = options_.missing;
  if (missing.contains(spec.image.name))
    return fmt::format("there is no image {}", model::describe(spec.image));
  for (const model::Volume& volume : spec.volumes) {
    if (missing.contains(volume.host_path)) return fmt::format("volume {}: no such folder", volume.host_path);
  }
  if (!task.argv.empty() && missing.contains(task.argv[0]))
    return fmt::format("{}: no such command", task.argv[0]);
  return std::nullopt;
}

void World::start_process(Task& task) {
  const TaskKnobs& knobs = knobs_of(task);
  if (!knobs.start_error.empty()) {
    fail_start(task, knobs.start_error);
    return;
  }
  const auto program = parse_program(task.argv);
  if (!program) {
    fail_start(task, program.error().text());
    return;
  }
  if (task.started_before) ++task.seen.restarts;
  task.started_before = true;
  task.layer.clear();
  task.tally.emplace(task.revision.spec.health, false);
  task.seen.state = TaskState::Running;
  task.seen.started_at = wall_;
  task.seen.reason.clear();
  if (task.revision.spec.container_port && task.seen.addresses.empty()) {
    ++last_ip_;
    const std::string ip =
        fmt::format("10.{}.{}.{}", last_ip_ >> 16 & 255, last_ip_ >> 8 & 255, last_ip_ & 255);
    const int port = *task.revision.spec.container_port;
    task.seen.addresses = {model::Address{ip, port, port}};
    by_ip_[ip] = task.seen.id;
  }
  changed();
  task.process = std::make_unique<Process>(*program, surroundings_of(task));
  if (knobs.exit) later(task, knobs.exit_after, &World::end_by_knob);
  if (task.revision.spec.health.mode == model::HealthMode::None) {
    set_health(task, Health::Healthy);
  } else {
    later(task, 0ms, &World::check_health);
  }
  carry_on(task);
}

Surroundings World::surroundings_of(Task& task) {
  Surroundings around;
  around.revision = &task.revision;
  around.argv = &task.argv;
  around.env = &task.env;
  around.host = &files_;
  around.layer = &task.layer;
  around.print = [this, log = task.log](Stream stream, const std::string& line) {
    log->append(wall_, stream, line);
  };
  return around;
}

// Runs the process until it waits, and comes back when that is over.
void World::carry_on(Task& task) {
  const Process::Pause pause = task.process->run();
  if (pause.exit) {
    exited(task, *pause.exit);
  } else if (pause.wait) {
    later(task, *pause.wait, &World::carry_on);
  }
}

void World::end_by_knob(Task& task) {
  if (const auto& exit = knobs_of(task).exit) exited(task, *exit);
}

void World::set_health(Task& task, Health health) {
  if (task.seen.health == health) return;
  task.seen.health = health;
  task.seen.healthy_since.reset();
  if (health == Health::Healthy) task.seen.healthy_since = wall_;
  changed();
}

// Why a health check made now would fail; empty when it would pass.
std::string World::failing_check(Task& task) {
  if (task.sick) return "as it was seen";
  const TaskKnobs& knobs = knobs_of(task);
  const Duration age = wall_ - task.seen.started_at.value_or(wall_);
  if (knobs.unhealthy || age < knobs.healthy_after) return "the check was made to fail";
  if (knobs.flap_period > 0ms && (age / knobs.flap_period) % 2 == 1) return "the check flaps";
  const model::HealthCheck& check = task.revision.spec.health;
  switch (check.mode) {
    case model::HealthMode::None:
      return "";
    case model::HealthMode::Http:
    case model::HealthMode::Https:
    case model::HealthMode::Tcp: {
      if (!task.process->listens()) return fmt::format("{}: connection refused", model::to_text(check.mode));
      if (check.mode == model::HealthMode::Tcp) return "";
      const std::optional<int> status = task.process->http_status();
      if (!status) return fmt::format("no answer within {}", to_text(check.timeout));
      return *status < 400 ? "" : fmt::format("status {}", *status);
    }
    case model::HealthMode::Cmd: {
      const auto program = parse_program(check.cmd);
      if (!program) return program.error().text();
      Surroundings around = surroundings_of(task);
      around.print = [](Stream, const std::string&) {};
      const Process::Pause pause = Process(*program, around).run();
      const int code = pause.exit ? pause.exit->code.value_or(1) : 0;
      return code == 0 ? "" : fmt::format("the health command ended with {}", code);
    }
  }
  UNREACHABLE();
}

void World::check_health(Task& task) {
  const std::string failing = failing_check(task);
  const Duration age = wall_ - task.seen.started_at.value_or(wall_);
  if (failing.empty() ? task.tally->pass() : task.tally->fail(failing, age)) {
    task.seen.reason = task.tally->reason();
    changed();
  }
  set_health(task, task.tally->health());
  Duration wait = task.tally->next_wait(age);
  // Checks within the grace that are known to fail tell nobody anything.
  const Duration fails_until = std::min(knobs_of(task).healthy_after, task.revision.spec.health.grace_period);
  if (task.seen.health == Health::Unknown && fails_until > age) wait = std::max(wait, fails_until - age);
  later(task, wait, &World::check_health);
}

void World::stop(Task& task, Duration grace) {
  task.stopping = true;
  changed();
  if (!task.process) {
    erase(task);
    return;
  }
  task.seen.state = TaskState::Stopping;
  task.seen.reason = fmt::format("stopping: SIGKILL in {}", to_text(grace));
  later(task, grace, &World::kill);
  const TaskKnobs& knobs = knobs_of(task);
  if (task.process->heeds_stop() && !knobs.ignores_stop_signal) later(task, knobs.stop_delay, &World::heed);
}

void World::heed(Task& task) {
  exited(task, task.process->heeded().value_or(death_by(SIGTERM)));
}

void World::kill(Task& task) {
  exited(task, death_by(SIGKILL));
}

Status World::kill_task(const model::TaskId& id, int signal) {
  Task* task = find(id);
  if (!task || !task->process)
    return Error(ErrorCode::NotFound, fmt::format("no task \"{}\" runs", id.str()));
  exited(*task, death_by(signal));
  return {};
}

void World::exited(Task& task, const model::Exit& exit) {
  ++task.run;
  task.process.reset();
  if (task.stopping) {
    erase(task);
    return;
  }
  PastRun run;
  run.lasted = wall_ - task.seen.started_at.value_or(wall_);
  if (task.seen.healthy_since) run.healthy_for = wall_ - *task.seen.healthy_since;
  run.checked = task.revision.spec.health.mode != model::HealthMode::None;
  task.seen.last_exit = exit;
  task.seen.state = exit.code == 0 ? TaskState::Exited : TaskState::Failed;
  task.seen.last_lines = task.log->last(kLastLines);
  task.seen.reason = exit_reason(exit, task.revision.spec);
  set_health(task, Health::Unknown);
  changed();
  if (task.seen.one_off) return;
  start_again(task, restart_after_exit(task.failures, run, task.revision.spec.max_launch_delay));
}

void World::fail_start(Task& task, const std::string& reason) {
  ++task.run;
  if (task.failures > 0) ++task.seen.restarts;
  task.seen.state = TaskState::Failed;
  task.seen.reason = reason;
  changed();
  if (task.stopping) {
    erase(task);
    return;
  }
  if (task.seen.one_off) return;
  start_again(task, restart_after_failed_launch(task.failures, task.revision.spec.max_launch_delay));
}

void World::start_again(Task& task, const Restart& restart) {
  task.failures = restart.failures;
  task.seen.next_start_at = wall_ + restart.delay;
  task.seen.reason = with_restart(task.seen.reason, task.seen.restarts + 1, restart.delay);
  later(task, restart.delay, &World::prepare);
}

Result<std::unique_ptr<Process>> World::process_in(const ExecRequest& request,
                                                   std::function<void(Stream, std::string)> print) {
  Task* task = find(request.task);
  if (!task) return Error(ErrorCode::NotFound, fmt::format("no task \"{}\"", request.task.str()));
  if (!task->process) {
    return Error(ErrorCode::Conflict,
                 fmt::format("task {} does not run: {}", request.task.str(), task->seen.reason));
  }
  if (request.argv.empty()) return Error(ErrorCode::Invalid, "a command to execute has at least one word");
  if (options_.missing.contains(request.argv[0])) {
    return Error(ErrorCode::NotFound, fmt::format("{}: no such command", request.argv[0]));
  }
  // A command that is no program of ours ends at once, where a task's would be taken for a service.
  const Program program = is_program(request.argv) ? TRY(parse_program(request.argv)) : Program{};
  Surroundings around = surroundings_of(*task);
  around.print = std::move(print);
  return std::make_unique<Process>(program, around);
}

}  // namespace slipway::engine::fake
