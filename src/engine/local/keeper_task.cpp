// The keeper's hands: how a task is launched, watched, stopped and deleted.
#include <charconv>
#include <csignal>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/local/exec.h"
#include "engine/local/host_port.h"
#include "engine/local/keeper.h"
#include "engine/local/lifecycle.h"
#include "engine/local/logs.h"
#include "io/file.h"
#include "io/process.h"

namespace slipway::engine::local {

namespace {

// To start one container on a machine that is busy with many.
constexpr Duration kLaunchTime = 60s;
// To kill what is left of one and delete its files.
constexpr Duration kEndTime = 60s;
// To pull or build an image.
constexpr Duration kPrepareTime = 15min;
// After SIGKILL a process is gone at once, unless the kernel itself hangs on a disk or a network file system.
constexpr Duration kKillTime = 10s;
// Lines of its log that a failed task shows.
constexpr int kLastLines = 10;
// What a task's reason begins with while its end would not be noticed.
constexpr const char* kNotWatched = "runs, but cannot be watched: ";
// Before deleting a task is tried again.
constexpr Duration kRetryTime = 5s;

Duration until(Time at, Time now) {
  return std::max(at - now, Duration::zero());
}

std::optional<int> read_exit_code(const std::filesystem::path& path) {
  const auto text = io::read_file(path, 64);
  if (!text) return std::nullopt;
  const std::string_view number = trim(*text);
  int code = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), code);
  return error == std::errc() ? std::optional(code) : std::nullopt;
}

}  // namespace

Keeper::Kept* Keeper::find_kept(const model::TaskId& task) {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? nullptr : &found->second;
}

Keeper::Kept& Keeper::keep(TaskRecord record) {
  const model::TaskId id = record.task.id;
  Kept& kept = tasks_[id];
  kept.record = std::move(record);
  return kept;
}

// A record that cannot be written now (a full disk) is written later; until then a new keeper would find the
// task in its former state, from which it finds its way.
void Keeper::save(Kept& kept) {
  if (kept.deleting) return tell_watcher();
  const Status saved = records_.save(kept.record);
  if (!saved && !kept.unsaved) {
    log::error("engine.local", "record task {}: {}", kept.record.task.id.str(), saved.error().text());
  }
  kept.unsaved = !saved;
  tell_watcher();
}

void Keeper::start_job(io::WorkerPool* pool, Kept& kept, Job job) {
  CHECK(!kept.busy);
  if (stopping_) return;  // the next keeper does it
  kept.busy = true;
  const Status queued = pool->submit([this, id = kept.record.task.id, job = std::move(job)] {
    JobEnd end = job();
    loop_.post([this, id, end = std::move(end)] {
      Kept& ended = tasks_.at(id);  // a busy task is never dropped
      ended.busy = false;
      end(ended);
    });
  });
  CHECK(queued.has_value());  // one job a task, and the queue is longer than there may be tasks
}

void Keeper::set_timer(Kept& kept, Duration wait, void (Keeper::*then)(Kept&)) {
  clear_timer(kept);
  if (stopping_) return;
  kept.timer = loop_.after(wait, [this, then, id = kept.record.task.id] {
    Kept& due = tasks_.at(id);  // dropping a task clears its timer
    due.timer = 0;
    (this->*then)(due);
  });
}

void Keeper::clear_timer(Kept& kept) {
  if (kept.timer != 0) loop_.cancel(kept.timer);
  kept.timer = 0;
}

// --- Launch ---

void Keeper::launch(Kept& kept, bool image_ready) {
  ++kept.run;
  clear_timer(kept);
  kept.awaits_host = false;
  if (const Status can = parts_.launcher.can_launch(kept.record.revision.spec); !can) {
    return await_host(kept, can.error());
  }
  task_launching(kept.record);
  if (const Status ready = ready_to_launch(kept); !ready) return launch_failed(kept, ready.error());
  tell_watcher();
  start_job(starts_.get(), kept, launch_job(kept, image_ready));
}

// Nothing is started that is not on record first.
Status Keeper::ready_to_launch(Kept& kept) {
  TaskRecord& record = kept.record;
  if (parts_.network != nullptr && record.ip.empty() && record.revision.spec.net == model::NetMode::Bridge) {
    record.ip = TRY_CONTEXT(parts_.network->allocate(), "find an address for " + record.task.id.str());
  }
  record.task.addresses = TRY(addresses_of(record));
  TRY(io::make_directories(records_.task_folder(record.task.id), 0700));
  TRY_CONTEXT(records_.save(record), "record task " + record.task.id.str());
  kept.unsaved = false;
  return {};
}

// Where the task's port is reached. Without a network of its own that is the host's loopback, and a port that
// no other task has, kept for all its lives.
Result<std::vector<model::Address>> Keeper::addresses_of(const TaskRecord& record) const {
  const model::TaskSpec& spec = record.revision.spec;
  if (!spec.container_port || spec.net == model::NetMode::None) return std::vector<model::Address>();
  const int declared = *spec.container_port;
  if (!record.ip.empty()) return std::vector{model::Address{record.ip, declared, declared}};
  if (!record.task.addresses.empty()) return record.task.addresses;
  std::set<int> taken;
  for (const auto& [id, kept] : tasks_) {
    if (!kept.record.ip.empty()) continue;
    for (const model::Address& address : kept.record.task.addresses) taken.insert(address.port);
  }
  const int port = TRY_CONTEXT(choose_host_port(declared, taken), "find a port for " + record.task.id.str());
  return std::vector{model::Address{"127.0.0.1", port, declared}};
}

Keeper::Job Keeper::launch_job(const Kept& kept, bool image_ready) {
  const auto& addresses = kept.record.task.addresses;
  const std::optional<int> port =
      addresses.empty() ? kept.record.revision.spec.container_port : std::optional(addresses.front().port);
  return [this, id = kept.record.task.id, revision = kept.record.revision, ip = kept.record.ip, port,
          image_ready]() -> JobEnd {
    std::optional<PreparedImage> image;
    if (parts_.launcher.runtime().kind() == RuntimeKind::Process &&
        revision.spec.image.kind != model::ImageKind::HostFilesystem) {
      const Error error(ErrorCode::Invalid, "run " + model::describe(revision.spec.image),
                        Error(ErrorCode::Invalid, "without isolation only the host's own commands can run"));
      return [this, error](Kept& ended) { launch_failed(ended, error); };
    }
    if (revision.spec.image.kind != model::ImageKind::HostFilesystem) {
      auto found = parts_.images.take_up(revision.spec.image);
      if (!found && found.error().code() == ErrorCode::NotFound && !image_ready) {
        return [this](Kept& ended) { prepare_image(ended); };
      }
      if (!found) return [this, error = found.error()](Kept& ended) { launch_failed(ended, error); };
      image = std::move(*found);
    }
    const LaunchRequest request{id, revision, image ? &*image : nullptr, ip, port};
    auto result = parts_.launcher.launch(request, parts_.clock.deadline_in(kLaunchTime));
    return [this, result = std::move(result), digest = image ? image->digest : ""](Kept& ended) {
      ended.record.image_digest = digest;
      if (result) {
        launched(ended, *result);
      } else {
        launch_failed(ended, result.error());
      }
    };
  };
}

void Keeper::launched(Kept& kept, const Launched& result) {
  kept.record.boot_id = boot_id_;
  task_running(kept.record, result, now());
  save(kept);
  follow_run(kept);
}

void Keeper::launch_failed(Kept& kept, const Error& error) {
  const std::string& id = kept.record.task.id.str();
  log::warning("engine.local", "launch {}: {}", id, error.text());
  task_launch_failed(kept.record, error, now());
  save(kept);
  if (kept.record.goal == Goal::Stop) return destroy(kept);
  if (!kept.record.task.one_off) schedule_start(kept);
}

// No timer: it is started as soon as the host has what it lacks.
void Keeper::await_host(Kept& kept, const Error& error) {
  const model::TaskId& id = kept.record.task.id;
  log::warning("engine.local", "launch {}: {}", id.str(), error.text());
  if (const Status made = io::make_directories(records_.task_folder(id), 0700); !made) {
    log::warning("engine.local", "record task {}: {}", id.str(), made.error().text());
  }
  task_lacks_host(kept.record, error);
  kept.awaits_host = !kept.record.task.one_off;
  save(kept);
}

// Tasks that wait for one image wait for one job.
void Keeper::prepare_image(Kept& kept) {
  if (kept.record.goal == Goal::Stop) return destroy(kept);
  if (stopping_) return;
  task_preparing(kept.record);
  save(kept);
  const model::Image image = kept.record.revision.spec.image;
  const std::string key = model::describe(image);
  std::vector<model::TaskId>& waiting = preparing_[key];
  waiting.push_back(kept.record.task.id);
  if (waiting.size() > 1) return;
  io::PatientPool& pool = image.kind == model::ImageKind::Build ? *builds_ : *pulls_;
  const Status queued = pool.submit([this, image, key] {
    auto result = parts_.images.prepare(image, parts_.clock.deadline_in(kPrepareTime));
    Status status = result ? Status() : Status(result.error());
    loop_.post([this, key, status = std::move(status)] { image_prepared(key, status); });
  });
  if (!queued) image_prepared(key, queued);
}

void Keeper::image_prepared(const std::string& image, const Status& result) {
  if (stopping_) return;  // the next keeper prepares it again
  const std::vector<model::TaskId> waiting = std::move(preparing_[image]);
  preparing_.erase(image);
  for (const model::TaskId& id : waiting) {
    Kept* kept = find_kept(id);
    if (kept == nullptr || kept->record.goal == Goal::Stop ||
        kept->record.task.state != model::TaskState::Preparing) {
      continue;  // stopped meanwhile
    }
    if (!result) {
      launch_failed(*kept, result.error());
    } else {
      launch(*kept, true);
    }
  }
}

void Keeper::schedule_start(Kept& kept) {
  // Wall time may have jumped since the time was noted; it never makes a task wait longer than it ever would.
  const Time due = kept.record.task.next_start_at.value_or(now());
  const Duration wait = std::min(until(due, now()), kept.record.revision.spec.max_launch_delay);
  if (wait == 0ms) return start_due(kept);
  set_timer(kept, wait, &Keeper::start_due);
}

void Keeper::start_due(Kept& kept) {
  if (!stopping_) launch(kept);
}

// --- Watch ---

// From here on its processes are on record. One that cannot be watched, for want of descriptors, is as well
// as it was: it is looked at again soon.
void Keeper::follow_run(Kept& kept) {
  std::string& reason = kept.record.task.reason;
  if (const Status watched = watch_monitor(kept); !watched) {
    if (watched.error().code() == ErrorCode::NotFound) return monitor_ended(kept);
    const std::string why = kNotWatched + watched.error().text();
    if (reason != why) log::warning("engine.local", "{} {}", kept.record.task.id.str(), why);
    reason = why;
    tell_watcher();
    return set_timer(kept, kLookAgain, &Keeper::follow_run);
  }
  if (reason.starts_with(kNotWatched)) {
    reason.clear();
    tell_watcher();
  }
  if (kept.record.goal == Goal::Stop) {
    return signal_stop(kept, until(kept.record.kill_at.value_or(now()), now()));
  }
  watch_run(kept);
  schedule_time_limit(kept);
}

// NotFound when the monitor has ended already; no other error says so.
Status Keeper::watch_monitor(Kept& kept) {
  io::Fd end = TRY(io::open_pidfd(kept.record.monitor.pid));
  // Asked with the descriptor in hand, so that it is this process that the descriptor means.
  TRY(check_alive(kept.record.monitor));
  TRY(loop_.on_readable(end.get(), [this, id = kept.record.task.id] { monitor_ended(tasks_.at(id)); }));
  kept.monitor_end = std::move(end);
  return {};
}

void Keeper::unwatch_monitor(Kept& kept) {
  if (kept.monitor_end.valid()) loop_.unwatch(kept.monitor_end.get());
  kept.monitor_end.reset();
}

// What is to be known of a task as long as its process runs.
void Keeper::watch_run(const Kept& kept) {
  watch_health(kept);
  if (!disk_) return;
  const TaskRecord& record = kept.record;
  disk_->watch(record.task.id,
               {.layer = parts_.launcher.paths(record.task.id).written(),
                .run = kept.run,
                .limit_bytes = static_cast<uint64_t>(record.revision.spec.resources.disk_mb) << 20});
}

void Keeper::unwatch_run(const model::TaskId& task) {
  prober_->forget(task);
  if (disk_) disk_->forget(task);
}

void Keeper::watch_health(const Kept& kept) {
  const TaskRecord& record = kept.record;
  if (record.revision.spec.health.mode == model::HealthMode::None) return;
  ProbeTarget target;
  target.task = record.task.id;
  target.revision = record.task.revision;
  target.run = kept.run;
  target.check = record.revision.spec.health;
  if (!record.task.addresses.empty()) target.address = record.task.addresses.front();
  const Duration age =
      record.task.started_at ? std::max(now() - *record.task.started_at, Duration::zero()) : 0ms;
  target.started_at = parts_.clock.steady_now() - age;
  target.healthy = record.task.health == model::Health::Healthy;
  prober_->watch(std::move(target));
}

void Keeper::take_report(const HealthReport& report) {
  Kept* kept = find_kept(report.task);
  if (kept == nullptr || kept->run != report.run || kept->record.goal == Goal::Stop) return;
  if (kept->record.task.state != model::TaskState::Running) return;
  if (task_health(kept->record, report.health, report.reason, now())) {
    save(*kept);
  } else {
    tell_watcher();
  }
}

// No grace: it would go on writing. On record first, so that whoever sees its end knows why.
void Keeper::take_disk_report(const model::TaskId& task, uint64_t run, uint64_t used) {
  Kept* kept = find_kept(task);
  if (kept == nullptr || kept->run != run || kept->record.goal == Goal::Stop) return;
  if (kept->record.task.state != model::TaskState::Running) return;
  constexpr uint64_t kMegabyte = 1 << 20;
  kept->record.wrote_mb = static_cast<int64_t>((used + kMegabyte - 1) / kMegabyte);
  save(*kept);
  kill(*kept);
}

std::optional<Status> Keeper::check_command(const ProbeTarget& target) {
  const bool containers = parts_.launcher.runtime().kind() == RuntimeKind::Container;
  if (containers && !parts_.launcher.runtime_of(target.task)) return std::nullopt;
  return run_check(target);
}

Status Keeper::run_check(const ProbeTarget& target) {
  // At its deadline the runtime is killed with what we started, which does not reach into the task: the
  // command itself is found by the pid that the runtime wrote down.
  const std::filesystem::path pid_file = parts_.launcher.paths(target.task).folder / "check.pid";
  TRY(io::remove_all(pid_file));
  const ExecOptions options{.argv = target.check.cmd, .env = {}, .pid_file = pid_file};
  const io::Command command = TRY(parts_.launcher.exec_command(target.task, options));
  const auto finished = io::run(command, parts_.clock, parts_.clock.deadline_in(target.check.timeout));
  if (!finished) {
    parts_.launcher.kill_exec(target.task, pid_file);
    if (finished.error().code() != ErrorCode::Timeout) return finished.error();
    return Error(ErrorCode::Timeout, "did not end within " + to_text(target.check.timeout));
  }
  if (finished->ok()) return {};
  const std::string lines = finished->last_lines(1);
  return Error(ErrorCode::Unavailable,
               fmt::format("exit code {}{}{}", finished->exit_code, lines.empty() ? "" : ": ", lines));
}

void Keeper::monitor_ended(Kept& kept) {
  const model::TaskId id = kept.record.task.id;
  unwatch_monitor(kept);
  clear_timer(kept);
  unwatch_run(id);
  const TaskPaths paths = parts_.launcher.paths(id);
  std::optional<model::Exit> exit;
  if (const auto code = read_exit_code(paths.exit_file(id))) {
    exit = exit_of(*code, parts_.launcher.was_out_of_memory(id));
  }
  task_ended(kept.record, exit, last_log_lines(paths.folder, kLastLines), now());
  save(kept);
  if (kept.busy) return;  // it is being deleted
  if (kept.record.goal == Goal::Stop) return destroy(kept);
  clean_up(kept);
}

// Whatever the task's first process left behind goes before the next one is started.
void Keeper::clean_up(Kept& kept) {
  start_job(ends_.get(), kept, [this, id = kept.record.task.id, ip = kept.record.ip]() -> JobEnd {
    const Status result = parts_.launcher.stop(id, ip, parts_.clock.deadline_in(kEndTime));
    return [this, result](Kept& ended) {
      if (!result) {
        // The next launch begins by removing remains, and says why it cannot.
        log::warning("engine.local", "clean up after {}: {}", ended.record.task.id.str(),
                     result.error().text());
      }
      if (ended.record.goal == Goal::Stop) return destroy(ended);
      if (!ended.record.task.one_off) schedule_start(ended);
    };
  });
}

void Keeper::schedule_time_limit(Kept& kept) {
  if (kept.record.stop_at) set_timer(kept, until(*kept.record.stop_at, now()), &Keeper::time_is_over);
}

// It stays, Exited, until it is collected.
void Keeper::time_is_over(Kept& kept) {
  signal_stop(kept, kept.record.revision.spec.stop_grace);
}

// --- Stop ---

void Keeper::stop(Kept& kept, Duration grace) {
  const bool signalled = kept.record.goal == Goal::Stop;
  unwatch_run(kept.record.task.id);
  task_stopping(kept.record, grace, now());
  save(kept);
  if (kept.busy) return;  // the end of the job sees what is wanted now
  if (!kept.monitor_end.valid()) {
    const bool unwatched = kept.record.monitor.pid != 0 && !kept.deleting;
    return unwatched ? follow_run(kept) : destroy(kept);
  }
  const Duration wait = until(*kept.record.kill_at, now());
  if (signalled) {
    set_timer(kept, wait, &Keeper::kill);
  } else {
    signal_stop(kept, wait);
  }
}

void Keeper::signal_stop(Kept& kept, Duration grace) {
  if (grace == 0ms) return kill(kept);
  const Status sent = signal_process(kept.record.container, stop_signal(kept.record.revision.spec));
  // Gone already: then its monitor is about to end as well.
  if (!sent && sent.error().code() != ErrorCode::NotFound) {
    log::error("engine.local", "stop {}: {}", kept.record.task.id.str(), sent.error().text());
  }
  set_timer(kept, grace, &Keeper::kill);
}

// The spec's; where that is the usual one, what the image's maker asked for.
int Keeper::stop_signal(const model::TaskSpec& spec) const {
  std::string name = spec.stop_signal;
  if (name == model::TaskSpec().stop_signal && spec.image.kind != model::ImageKind::HostFilesystem) {
    const auto image = parts_.images.lookup(spec.image);
    if (image && !image->config.stop_signal.empty()) name = image->config.stop_signal;
  }
  return io::signal_number(name).value_or(SIGTERM);
}

void Keeper::kill(Kept& kept) {
  const Status sent = parts_.launcher.kill(kept.record.container);
  if (!sent && sent.error().code() != ErrorCode::NotFound) {
    log::error("engine.local", "kill {}: {}", kept.record.task.id.str(), sent.error().text());
  }
  // The monitor's end is what we wait for; should it hang, it is removed with the rest.
  if (kept.record.goal == Goal::Stop) set_timer(kept, kKillTime, &Keeper::destroy);
}

void Keeper::destroy(Kept& kept) {
  clear_timer(kept);
  unwatch_monitor(kept);
  kept.deleting = true;
  start_job(ends_.get(), kept, [this, id = kept.record.task.id, ip = kept.record.ip]() -> JobEnd {
    const Status result = parts_.launcher.destroy(id, ip, parts_.clock.deadline_in(kEndTime));
    return [this, result](Kept& ended) { destroyed(ended.record.task.id, result); };
  });
}

void Keeper::destroyed(const model::TaskId& task, const Status& result) {
  Kept& kept = tasks_.at(task);
  if (!result) {
    log::error("engine.local", "delete {}: {}", task.str(), result.error().text());
    kept.record.task.reason = "cannot be deleted: " + result.error().text();
    tell_watcher();
    return set_timer(kept, kRetryTime, &Keeper::destroy);
  }
  if (parts_.network != nullptr && !kept.record.ip.empty()) parts_.network->release(kept.record.ip);
  const model::RevisionId revision = kept.record.task.revision;
  tasks_.erase(model::TaskId(task));
  forget_if_gone(revision);
  tell_watcher();
}

}  // namespace slipway::engine::local
