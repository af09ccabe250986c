// Follows the configuration: looks when something may have changed, compiles what did, and hands over what is
// wanted. One look at a time, on a thread of its own, so that no older one overtakes a newer one.
//
// Owned by the control thread, on which it calls back. Must be destroyed before the loop that it posts to
// runs what it posted last.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "config/compiled_store.h"
#include "config/source.h"
#include "config/tree.h"
#include "io/event_loop.h"

namespace slipway::reconcile {

// What one look came to.
struct FilesLook {
  std::optional<model::Desired> desired;  // absent where nothing changed
  model::SourceStatus source;
  Status read;    // why the tree cannot be read; what was read last stays in force
  Status stored;  // why what is in force cannot be kept for the next process
};

class Files {
 public:
  using Taken = std::function<void(FilesLook)>;

  Files(io::EventLoop& loop, const Clock& clock, std::unique_ptr<config::Source> source,
        std::unique_ptr<config::CompiledStore> store, config::TreeOptions options, Taken taken);
  ~Files();

  // The first look, here and now, before anything is followed. An error where the tree cannot be read.
  Result<FilesLook> start();
  // Control thread: looks whenever there may be something, from now on.
  void follow();
  // Control thread: somebody says that something changed.
  void reload();

 private:
  FilesLook look(bool asked);
  void look_soon(bool asked);
  void look_ended(FilesLook look);
  void wait_for_changes();

  io::EventLoop& loop_;
  const Clock& clock_;
  Taken taken_;
  // The looking thread's, and the control thread's while no look is under way.
  std::unique_ptr<config::Source> source_;
  std::unique_ptr<config::CompiledStore> store_;
  config::Tree tree_;
  bool read_ = false;  // the last look at the tree succeeded
  Duration took_{};    // the last look at all of it

  // Control thread.
  bool looking_ = false;
  std::optional<bool> again_;  // another look is wanted; whether somebody asked
  std::optional<io::EventLoop::TimerId> timer_;
  int watched_fd_ = -1;

  io::WorkerPool thread_;  // last, so that it stops before what its tasks use
};

}  // namespace slipway::reconcile
