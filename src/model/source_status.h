// Where the configuration comes from, and how well it can be followed.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace slipway::model {

struct SourceStatus {
  std::string kind = {};     // "directory" or "git"
  std::string where = {};    // the folder, or the repository's address without a password
  std::string ref = {};      // of git: what is followed
  std::string commit = {};   // of git: whose files are in force
  std::string polled = {};   // of a directory: why it is looked through again and again rather than watched
  std::string trouble = {};  // why it cannot be followed now; what was read last stays in force
  std::optional<Time> trouble_since = {};  // since when
  bool operator==(const SourceStatus&) const = default;
};

// `config` in `slipway status -o json`: null where a field says nothing.
Json to_json(const SourceStatus& source);

}  // namespace slipway::model
