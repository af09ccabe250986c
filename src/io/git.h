// A copy of one commit of a git repository on this disk, which follows a ref of the repository.
//
// The git program does the work: each call to another machine is a process that is killed at its deadline,
// with the credentials, proxies and known hosts that git has on this machine. Nothing asks on a terminal.
// Used by one thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace slipway::io {

struct GitChange {
  bool all = false;                // more than could be told, or all that there is
  std::vector<std::string> paths;  // in the repository
};

class GitCopy {
 public:
  virtual ~GitCopy() = default;
  // The commit whose files are in the folder, 40 hexadecimal digits; empty before the first check_out.
  virtual const std::string& commit() const = 0;
  // The commit that the ref is at now, fetched.
  virtual Result<std::string> fetch(Deadline deadline) = 0;
  // Brings the folder to that commit, which was fetched. Returns what differs from what was there; after an
  // error the folder is what it was or some of both, and the next call mends it.
  virtual Result<GitChange> check_out(const std::string& commit, Deadline deadline) = 0;
};

// The copy in `folder`, which nobody else may write to, as an earlier process left it. NotFound where there
// is no git program.
Result<std::unique_ptr<GitCopy>> open_git_copy(const std::filesystem::path& folder, const std::string& url,
                                               const std::string& ref, const Clock& clock);

// The address without the password that may stand in it, for people.
std::string without_password(const std::string& url);

}  // namespace slipway::io
