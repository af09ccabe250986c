// What an import comes to: its files written into a folder and compiled as any config tree is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/config.h"
#include "imports/import.h"
#include "io/file.h"

namespace slipway::test {

class CompiledImport {
 public:
  explicit CompiledImport(const imports::Import& import, const std::string& cluster = "local") {
    for (const model::Problem& problem : import.problems) ADD_FAILURE() << problem.text();
    for (const imports::File& file : import.files) {
      const auto path = folder_.path() / file.path;
      EXPECT_TRUE(io::make_directories(path.parent_path()).has_value());
      EXPECT_TRUE(io::write_file(path, file.text).has_value());
    }
    auto desired = config::compile(folder_.path(), cluster);
    EXPECT_TRUE(desired.has_value());
    if (!desired.has_value()) return;
    for (const model::Problem& problem : desired->problems) problems.push_back(problem.text());
    for (model::Instance& instance : desired->instances) {
      instances.emplace(instance.id.text(), std::move(instance));
    }
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, instance] : instances) all.push_back(name);
    return all;
  }

  std::vector<std::string> problems;
  std::map<std::string, model::Instance> instances;

 private:
  io::TemporaryDirectory folder_ = *io::TemporaryDirectory::create();
};

// "line:column: message" of each.
inline std::vector<std::string> lines_of(const std::vector<model::Problem>& problems) {
  std::vector<std::string> lines;
  for (const model::Problem& problem : problems) {
    lines.push_back(std::to_string(problem.origin.line) + ":" + std::to_string(problem.origin.column) + ": " +
                    problem.message);
  }
  return lines;
}

}  // namespace slipway::test
