// Where the config tree comes from: a folder that people edit, or a git repository that is followed.
//
// Used by one thread at a time; fd() and wait() may be read by another between two looks.
#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "io/file.h"
#include "io/folder_watch.h"
#include "io/git.h"
#include "model/source_status.h"

namespace slipway::config {

class Source {
 public:
  virtual ~Source() = default;
  // Brings the tree's folder up to date, and tells which entries of it may have changed since the last look;
  // at first, all. `asked`: somebody says that there is something new. What cannot be followed just now is no
  // error: the folder stays as it is, and status() says why.
  virtual Result<io::FolderChanges> look(bool asked) = 0;
  // Readable when it is time for another look; -1 where nothing tells.
  virtual int fd() const = 0;
  // Another look at the latest after so long.
  virtual Duration wait() const = 0;
  virtual model::SourceStatus status() const = 0;
};

// A folder, watched where the system can do that, else looked through each second.
std::unique_ptr<Source> directory_source(const std::filesystem::path& folder, const Clock& clock,
                                         size_t most_watches = 500'000);

// A copy of a git repository; `git.path` in it is the tree. Asked every `git.poll`, with growing waits while
// it cannot be reached.
std::unique_ptr<Source> git_source(const GitSource& git, std::unique_ptr<io::GitCopy> copy,
                                   const Clock& clock);

// The one that the cluster file names. Before the first commit is here, an error where it cannot be had.
Result<std::unique_ptr<Source>> open_source(const ClusterConfig& cluster, const Clock& clock);

// For whoever wants to look at the files once, beside the control plane: has a copy of `git` fetched and
// points `config` into it; null where the tree is a folder. The copy goes with the value.
Result<std::shared_ptr<const io::TemporaryDirectory>> fetch_tree(ClusterConfig& cluster, const Clock& clock);

}  // namespace slipway::config
