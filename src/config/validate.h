// Everything that is wrong with a config tree: what the compiler finds for each cluster, and what only a look
// at all files together can find.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/instance.h"

namespace slipway::config {

// A kind of problem, by which tools group and silence.
struct ValidationRule {
  std::string_view id;       // "autoscaling"
  std::string_view summary;  // one sentence
};
const std::vector<ValidationRule>& validation_rules();

struct Violation {
  std::string_view rule;  // the id of one of validation_rules()
  model::Problem problem;
};

struct Validation {
  std::vector<Violation> violations;  // by file and place, each once
  bool services = false;              // the tree has any for one of the clusters
};

// `clusters`: those that the tree is compiled for; files of other clusters are
// left out. An error only where the tree itself cannot be read.
Result<Validation> validate(const std::filesystem::path& tree, const std::vector<std::string>& clusters);

}  // namespace slipway::config
