// What no compiler checks: who may include whom, sizes, banned words, dead headers, broken links in the docs.
//
// Every rule is a pure function of a file's path and text, so that the rules have tests of their own.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tidy {

struct File {
  std::string path;  // from the root of the tree, with '/'
  std::vector<std::string> lines;
};

struct Finding {
  std::string path;
  size_t line = 0;  // from 1; 0 for the whole file
  std::string text;
  std::string to_text() const;
};

// Lines over 110 columns; files over 700 lines (tests: 900); functions over 70.
std::vector<Finding> check_sizes(const File& file);
// A folder of src/ that has no row in the house's table.
std::vector<Finding> check_folder(const File& file);
// The house's table of folders, and third-party headers that stay behind one file.
std::vector<Finding> check_includes(const File& file);
// Words with a reason and what to use instead.
std::vector<Finding> check_words(const File& file);
// Headers open with a comment that says what they are, then #pragma once.
std::vector<Finding> check_header(const File& file);
// Headers that nobody includes.
std::vector<Finding> check_dead_headers(const std::vector<File>& files);
// Relative links in Markdown that lead nowhere.
std::vector<Finding> check_links(const File& file, const std::vector<std::string>& all_paths);

std::vector<Finding> check_all(const std::vector<File>& files, const std::vector<std::string>& all_paths);

}  // namespace tidy
