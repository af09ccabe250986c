// The engine contract: an engine runs tasks, and decides nothing.
//
// Everything else (what should run, how to replace it, what is healthy enough) is decided outside, once, for
// all engines. The rules for every verb:
//   - it takes a deadline and returns by then, with Timeout if it must;
//   - its error is typed (not_found, conflict, unavailable, invalid, exhausted, timeout) and names the
//   engine's object;
//   - it is safe to repeat after an unknown outcome;
//   - it may be called from any thread, several at once;
//   - one that changes something takes the generation of the plan that asks; the engine keeps the highest it
//   has seen on
//     each object and refuses an older one with Conflict.
// Verbs that start or stop tasks return when the engine has taken the order (and would carry it on after a
// crash); observe() tells how far it is. What was taken shows in every later observation: one that is newer
// than a stop and shows the task running says that the stop was lost. test/contract holds the suite that
// every engine passes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/observed.h"

namespace slipway::engine {

// What an engine can do; the contract suite skips only what a capability excuses.
struct Capabilities {
  std::string name;  // "local", "fake", ...
  bool multi_node = false;
  bool runs_images = false;
  bool runs_commands = false;  // without an image
  bool health_http = false;    // kinds of health check that it does natively
  bool health_tcp = false;
  bool health_cmd = false;
  bool picks_victims = false;   // remove_tasks removes exactly the tasks named
  bool restarts_tasks = false;  // a task that ends is started again by the engine, with backoff
  bool exec = false;
  bool logs = false;
  bool one_off = false;  // run()
  bool enforces_cpu = false;
  bool enforces_memory = false;
  bool enforces_pids = false;
  bool enforces_disk = false;
  bool volumes = false;
  bool networks = false;  // each task has an address of its own (else: tasks share the host's)
  // What the nodes say they have is the truth: the engine starts no task that does not fit, so neither does
  // the planner. False where more is started than the node's figures add up to.
  bool limited_room = false;
};

enum class Stream { Out, Err };

struct LogLine {
  Time at{};
  Stream stream = Stream::Out;
  std::string text;  // without the newline; a line above 1 MiB is cut into pieces of that size
};

struct LogRequest {
  model::TaskId task;
  std::optional<Time> since;
  std::optional<int> tail;  // last N lines; after `since`
  bool follow = false;
  bool out = true;
  bool err = true;
};

// A log being read. One thread.
class LogReader {
 public:
  virtual ~LogReader() = default;
  // The next lines (at most 1,000), in order. Waits up to `wait` for the first when following. Empty and
  // !ended(): none came in time. With follow, ends when the task is removed.
  virtual Result<std::vector<LogLine>> read(Duration wait) = 0;
  virtual bool ended() const = 0;
};

struct ExecRequest {
  model::TaskId task;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  bool tty = false;
  int tty_rows = 24;
  int tty_columns = 80;
};

// A command running inside a task. read() from one thread, write() from another. Destroying it kills the
// command.
class ExecSession {
 public:
  struct Chunk {
    Stream stream = Stream::Out;
    std::string data;  // at most 64 KiB
  };
  virtual ~ExecSession() = default;
  // Output, waiting up to `wait`. nullopt: nothing in time, or both streams are closed (see finished()).
  virtual Result<std::optional<Chunk>> read(Duration wait) = 0;
  virtual Status write(std::string_view input) = 0;
  virtual Status close_input() = 0;
  virtual void resize(int rows, int columns) = 0;
  // All output has been read and the command has ended.
  virtual bool finished() const = 0;
  // Valid once finished: 0..255, 128+N for death by signal N.
  virtual int exit_code() const = 0;
};

struct RunRequest {
  model::Revision revision;  // its cmd already replaced where the caller wants another
  model::TaskId id;          // chosen by the caller, so that repeating the call starts nothing twice
  Duration timeout = 24h;    // then it is stopped
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual Capabilities capabilities() const = 0;

  // Everything of this cluster: every revision, every task, every node. Never a part passed off as the whole:
  // Unavailable instead.
  virtual Result<model::Observed> observe(Deadline deadline) = 0;

  // `changed` is called, from any thread and soon, when something may have changed: a hint, perhaps lost,
  // doubled or late. One watcher; an empty function ends the watch. It must not call back into the engine.
  virtual void watch(std::function<void()> changed) = 0;

  // Create-or-scale, idempotent: afterwards the engine keeps `count` tasks of the revision. Where the count
  // falls, the engine chooses whom to stop: unhealthy before healthy, younger before older.
  virtual Status scale(const model::Revision& revision, int count, model::Generation generation,
                       Deadline deadline) = 0;

  // Lower the count by exactly these tasks: stop signal, then SIGKILL after `grace`. Tasks unknown or already
  // stopping are no error and do not lower the count again.
  virtual Status remove_tasks(const model::RevisionId& revision, std::span<const model::TaskId> tasks,
                              Duration grace, model::Generation generation, Deadline deadline) = 0;

  // Stop all tasks of the revision and delete every trace. Unknown revision: fine.
  virtual Status remove(const model::RevisionId& revision, Duration grace, model::Generation generation,
                        Deadline deadline) = 0;

  // One task that ends and is not started again. It is observed (one_off) with its exit until collect().
  virtual Status run(const RunRequest& request, Deadline deadline) = 0;
  // Stop it if it still runs (after `grace`) and forget it. Unknown: fine.
  virtual Status collect(const model::TaskId& task, Duration grace, Deadline deadline) = 0;

  // Logs of tasks that are observed, ended or not. exec: NotFound: no such task; Conflict: it does not run.
  virtual Result<std::unique_ptr<LogReader>> logs(const LogRequest& request, Deadline deadline) = 0;
  virtual Result<std::unique_ptr<ExecSession>> exec(const ExecRequest& request, Deadline deadline) = 0;

  // Have the image at hand before the first task needs it. Idempotent; calls for one image share the work.
  // Build images are built here, where the engine can (runs_images).
  virtual Status prepare(const model::Image& image, Deadline deadline) = 0;

  // The engine is about to end, or all its tasks are: calls of prepare() under way return Unavailable soon,
  // and later ones that would have to work do so at once. Does not wait. Engines that only pass images on
  // have nothing to end.
  virtual void cancel_prepares() {}

  // Stop (start) placing tasks on the node. Tasks move by the planner's rules.
  virtual Status drain(const model::NodeId& node, model::Generation generation, Deadline deadline) = 0;
  virtual Status undrain(const model::NodeId& node, model::Generation generation, Deadline deadline) = 0;

  // After the last revision is gone: delete what the engine set up around tasks (networks, firewall rules,
  // caches that the cluster owns). `slipway down` calls it. Conflict while tasks are left.
  virtual Status release(Deadline deadline) = 0;
};

}  // namespace slipway::engine
