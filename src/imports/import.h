// What others' files come to in ours: readers of the formats that teams bring along.
//
// An importer never guesses in silence: what it cannot say in our words is listed with its place, and what it
// writes passes our own validation. Nothing here writes to disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/instance.h"

namespace slipway::imports {

struct File {
  std::filesystem::path path;  // below the config tree: "web/run.yaml"
  std::string text;
};

struct Import {
  std::vector<File> files;               // sorted by path; none where there are problems
  std::vector<model::Problem> lost;      // what has no counterpart; its hint says what to do instead
  std::vector<model::Problem> problems;  // why nothing can be written
};

// Apps and groups as JSON, in any of the forms that Marathon's API takes or gives: one app, a list of apps,
// a group with groups inside, {"app": ...}, {"apps": [...]}. `name` is how people know the text.
Import import_marathon(std::string_view text, const std::string& name);

// A file of the Compose specification. Variables come from the `.env` beside it alone, so that one tree gives
// one result. `into`: the config tree that is written, which relative paths will start in. An error only
// where the file cannot be read.
Result<Import> import_compose(const std::filesystem::path& file, const std::filesystem::path& into);

// A folder with a Procfile, and perhaps an app.json. `into` as above.
Result<Import> import_procfile(const std::filesystem::path& folder, const std::filesystem::path& into);

}  // namespace slipway::imports
