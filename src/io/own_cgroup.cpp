#include "io/own_cgroup.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

namespace slipway::io {

namespace fs = std::filesystem;

namespace {

// Of version 1 and hybrid hosts. The first two are what systemd follows processes by.
constexpr const char* kHierarchies[] = {"systemd", "unified", "cpu", "memory", "pids"};
// An empty group that is not removed within this time is somebody else's.
constexpr Duration kEmptyTime = 2s;

std::vector<fs::path> hierarchies(const fs::path& root) {
  if (io::exists(root / "cgroup.controllers")) return {root};
  std::vector<fs::path> found;
  for (const char* name : kHierarchies) {
    if (io::exists(root / name / "cgroup.procs")) found.push_back(root / name);
  }
  return found;
}

Result<Fd> open_door(const fs::path& hierarchy, const std::string& group) {
  fs::path folder = hierarchy;
  for (const fs::path& part : fs::path(group).relative_path()) {
    folder /= part;
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
      return errno_error(errno, fmt::format("make control group {}", folder.string()));
    }
  }
  const fs::path procs = folder / "cgroup.procs";
  Fd door(::open(procs.c_str(), O_WRONLY | O_CLOEXEC));
  if (!door.valid()) return errno_error(errno, fmt::format("open {}", procs.string()));
  return door;
}

// False while somebody is in it.
bool remove_from(const fs::path& hierarchy, const std::string& group) {
  const fs::path relative = fs::path(group).relative_path();
  if (::rmdir((hierarchy / relative).c_str()) != 0 && errno != ENOENT) return false;
  for (fs::path above = relative.parent_path(); !above.empty(); above = above.parent_path()) {
    if (::rmdir((hierarchy / above).c_str()) != 0) break;
  }
  return true;
}

}  // namespace

Result<OwnCgroup> OwnCgroup::open(const std::string& group, const fs::path& root) {
  OwnCgroup own;
  for (const fs::path& hierarchy : hierarchies(root)) {
    own.doors_.push_back(TRY(open_door(hierarchy, group)));
  }
  if (own.doors_.empty()) return Error(ErrorCode::NotFound, "control groups at " + root.string());
  return own;
}

void OwnCgroup::enter() const {
  // 0 is the process that writes.
  for (const Fd& door : doors_) static_cast<void>(!::write(door.get(), "0", 1));
}

void OwnCgroup::remove(const std::string& group, const Clock& clock, Deadline deadline,
                       const fs::path& root) {
  const Deadline end{std::min(deadline.at, clock.deadline_in(kEmptyTime).at)};
  for (const fs::path& hierarchy : hierarchies(root)) {
    // No event tells of a process's leaving its group.
    while (!remove_from(hierarchy, group) && errno == EBUSY && !end.passed(clock.steady_now())) {
      ::poll(nullptr, 0, 1);
    }
  }
}

}  // namespace slipway::io
