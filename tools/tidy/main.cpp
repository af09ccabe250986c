// tidy [ROOT]: checks the tree below ROOT and prints one line a finding. Exit 1 when there are any.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "rules.h"

namespace {

namespace fs = std::filesystem;

bool is_hidden_or_built(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "build" || name == "node_modules" || (name.starts_with('.') && name != ".ci");
}

bool is_read(const fs::path& path) {
  const std::string end = path.extension().string();
  return end == ".h" || end == ".cpp" || end == ".md";
}

tidy::File read(const fs::path& root, const fs::path& path) {
  tidy::File file{fs::relative(path, root).generic_string(), {}};
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) file.lines.push_back(line);
  return file;
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path root = argc > 1 ? argv[1] : ".";
  std::vector<tidy::File> files;
  std::vector<std::string> all_paths;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    if (is_hidden_or_built(it->path())) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file()) continue;
    all_paths.push_back(fs::relative(it->path(), root).generic_string());
    if (is_read(it->path())) files.push_back(read(root, it->path()));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  const auto findings = tidy::check_all(files, all_paths);
  for (const auto& finding : findings) std::printf("%s\n", finding.to_text().c_str());
  std::printf("%zu files, %zu findings\n", files.size(), findings.size());
  return findings.empty() ? 0 : 1;
}
