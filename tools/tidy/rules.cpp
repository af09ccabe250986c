#include "rules.h"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

namespace tidy {

namespace {

constexpr size_t kColumns = 110;
constexpr size_t kFileLines = 700;
constexpr size_t kTestLines = 900;
constexpr size_t kFunctionLines = 70;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}
bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

bool is_source(const File& file) {
  return ends_with(file.path, ".cpp") || ends_with(file.path, ".h");
}
bool is_test(const File& file) {
  return starts_with(file.path, "test/") || ends_with(file.path, "_test.cpp") ||
         ends_with(file.path, "_test.h");
}

// The folder of src/ that a path lies in, engines with their own: "base", "engine", "engine/local".
std::string folder_of(const std::string& path) {
  if (!starts_with(path, "src/")) return "";
  const std::string inside = path.substr(4);
  const size_t slash = inside.rfind('/');
  return slash == std::string::npos ? "" : inside.substr(0, slash);
}

size_t columns(const std::string& line) {
  return static_cast<size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Who may include whom. A folder always may include itself.
const std::map<std::string, std::set<std::string>>& allowed_folders() {
  static const std::map<std::string, std::set<std::string>> table = {
      {"base", {}},
      {"model", {"base"}},
      {"plan", {"model", "base"}},
      {"io", {"base"}},
      {"config", {"model", "base", "io"}},
      // Others' formats come to text of ours: config's trees and schema are all that this needs.
      {"imports", {"config", "model", "base", "io"}},
      {"state", {"model", "base", "io"}},
      {"discovery", {"model", "base", "io"}},
      {"engine", {"model", "base"}},
      {"engine/fake", {"engine", "model", "base"}},
      {"engine/local", {"engine", "model", "base", "io"}},
      {"reconcile", {"plan", "config", "discovery", "engine", "state", "model", "base", "io"}},
      {"sim",
       {"plan", "reconcile", "engine", "engine/fake", "discovery", "state", "config", "model", "base"}},
      {"api", {"reconcile", "engine", "state", "model", "base", "io"}},
      {"cli", {"api", "config", "imports", "model", "base", "io"}},
  };
  return table;
}

// Of these folders only the named headers may be seen from outside.
const std::map<std::pair<std::string, std::string>, std::set<std::string>>& narrow_doors() {
  static const std::map<std::pair<std::string, std::string>, std::set<std::string>> table = {
      {{"reconcile", "engine"}, {"engine/engine.h"}},
      {{"reconcile", "state"}, {"state/store.h", "state/memory_store.h"}},
      {{"sim", "discovery"}, {"discovery/fake_proxy.h"}},
      {{"sim", "state"}, {"state/store.h", "state/memory_store.h"}},
      {{"sim", "config"}, {"config/config.h"}},
      {{"api", "reconcile"}, {"reconcile/control.h"}},
      {{"api", "engine"}, {"engine/engine.h"}},
      {{"api", "state"}, {"state/store.h"}},
      {{"cli", "imports"}, {"imports/import.h"}},
      {{"cli", "api"}, {"api/client.h", "api/registry.h"}},
  };
  return table;
}

struct ThirdParty {
  const char* header;  // how the include begins
  const char* where;   // path prefix that may
};

// Every library is in this table, or its header is a finding: a place is chosen for it before it is used.
constexpr ThirdParty kThirdParty[] = {
    {"fmt/", "src/"},
    {"gtest/", "src/"},
    {"gmock/", "src/"},
    {"tl/expected.hpp", "src/base/result.h"},
    {"yaml.h", "src/config/yaml.cpp"},
    {"boost/json", "src/base/json.cpp"},
    {"boost/asio", "src/io/"},
    {"boost/beast", "src/io/"},
    {"sqlite3.h", "src/state/sqlite"},
    {"CLI/", "src/cli/"},
    {"spdlog/", "src/base/log.cpp"},
    {"openssl/evp.h", "src/base/hash.cpp"},
    {"openssl/ssl.h", "src/engine/local/health_probe.cpp"},
    {"seccomp.h", "src/engine/local/seccomp"},
};

struct Banned {
  const char* pattern;
  const char* why;
  std::vector<std::string> allowed;  // path prefixes
};

const std::vector<Banned>& banned() {
  static const std::vector<Banned> list = {
      {R"(system_clock::now|steady_clock::now)",
       "time is an argument: take a Clock",
       {"src/base/clock.cpp", "src/io/", "test/"}},
      {R"(\bsleep_for\b|\bsleep_until\b|\busleep\b|\bnanosleep\b)",
       "wait for what you wait for, not for time to pass",
       {"src/io/"}},
      {R"(\bthrow\b)", "expected failures are Results, bugs are CHECKs", {}},
      {R"(\busing namespace (?!std::chrono_literals))", "name what you use", {}},
      {R"(std::(cout|cerr)\b)",
       "the log speaks for the daemon; commands print through cli/output.h",
       {"src/cli/", "tools/"}},
      {R"(\b(class|struct) \w*(Manager|Helper|Util|Utils)\b)", "say what it does", {}},
      {"\\b(TO"
       "DO|FIX"
       "ME|XX"
       "X)\\b",
       "finish it, or file it",
       {}},
      {R"(\bstd::rand\b|\brand\(\)|\bsrand\b)", "randomness is an argument: take a Random", {}},
      {R"(\bassert\()", "CHECK is always on", {"test/"}},
      {R"(\bstd::regex\b)", "slow, and throws on bad patterns: parse by hand", {"tools/tidy/"}},
  };
  return list;
}

std::string strip_comment_and_strings(const std::string& line) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (in_string) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        in_string = false;
      }
      continue;
    }
    if (line[i] == '/' && i + 1 < line.size() && line[i + 1] == '/') break;
    if (line[i] == '"') {
      in_string = true;
      continue;
    }
    out += line[i];
  }
  return out;
}

size_t indent_of(const std::string& line) {
  const size_t at = line.find_first_not_of(' ');
  return at == std::string::npos ? line.size() : at;
}

// Whether a function's body opens on this line: a parameter list that ends in an opening brace, outside other
// bodies.
bool opens_function(const std::string& line) {
  static const std::regex pattern(
      R"(^(  )?[A-Za-z~_(].*\)( const| override| final| noexcept)*( -> [^{]+)? \{$|^ {4,}[^{]*\)( const| override| noexcept)* \{$)");
  static const std::regex control(R"(^\s*(if|for|while|switch|else|do|return|namespace|\}).*)");
  return std::regex_match(line, pattern) && !std::regex_match(line, control);
}

}  // namespace

std::string Finding::to_text() const {
  return path + ":" + std::to_string(line) + ": " + text;
}

std::vector<Finding> check_sizes(const File& file) {
  std::vector<Finding> findings;
  const bool prose = ends_with(file.path, ".md");
  if (!is_source(file) && !prose) return findings;
  const size_t limit = is_test(file) ? kTestLines : kFileLines;
  if (is_source(file) && file.lines.size() > limit) {
    findings.push_back(
        {file.path, 0, std::to_string(file.lines.size()) + " lines; the stop is " + std::to_string(limit)});
  }
  size_t begin = 0;
  size_t indent = 0;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (!prose && columns(line) > kColumns && line.find("R\"") == std::string::npos) {
      findings.push_back(
          {file.path, i + 1,
           std::to_string(columns(line)) + " columns; the stop is " + std::to_string(kColumns)});
    }
    if (prose) continue;
    // A wrapped parameter list opens deeper than its body closes: the body closes at the indent of the first
    // line.
    if (begin == 0 && opens_function(line)) {
      size_t first = i;
      while (first > 0 && indent_of(file.lines[first]) >= 4 && indent_of(file.lines[first - 1]) > 0) --first;
      if (first > 0 && indent_of(file.lines[first]) >= 4) --first;
      begin = i + 1;
      indent = indent_of(file.lines[first]);
    } else if (begin != 0 && line == std::string(indent, ' ') + "}") {
      const size_t length = i + 1 - begin;
      if (length > kFunctionLines && !ends_with(file.path, "_test.cpp")) {
        findings.push_back({file.path, begin,
                            "a function of " + std::to_string(length) + " lines; the stop is " +
                                std::to_string(kFunctionLines)});
      }
      begin = 0;
    }
  }
  return findings;
}

// What is wrong with including this header of ours from there; empty where nothing is.
std::string trouble_with_ours(const File& file, const std::string& target) {
  const std::string folder = folder_of(file.path);
  const std::string target_folder = folder_of("src/" + target);
  if (target_folder == folder || is_test(file)) return "";
  if (folder == "main" || folder.empty()) return "";  // main names everything; tools are outside the house
  const auto row = allowed_folders().find(folder);
  if (row == allowed_folders().end()) return "";  // check_folder says it once
  if (!row->second.contains(target_folder)) return folder + " may not include " + target_folder;
  const auto door = narrow_doors().find({folder, target_folder});
  if (door == narrow_doors().end() || door->second.contains(target)) return "";
  return folder + " may include only " + *door->second.begin() + " and the like of " + target_folder;
}

// C++'s own headers have no ending; C's and the system's stand in these folders, or have these names.
bool is_system(const std::string& target) {
  if (target.find('.') == std::string::npos) return true;
  for (const char* folder : {"sys/", "linux/", "net/", "netinet/", "arpa/"}) {
    if (starts_with(target, folder)) return true;
  }
  static const std::set<std::string> names = {"dirent.h", "fcntl.h",   "grp.h",   "malloc.h",
                                              "netdb.h",  "poll.h",    "pwd.h",   "sched.h",
                                              "signal.h", "termios.h", "unistd.h"};
  return names.contains(target);
}

std::string trouble_with_foreign(const File& file, const std::string& target) {
  if (!starts_with(file.path, "src/") || is_system(target)) return "";
  std::string trouble = target + " is of a library that has no place yet: add it to kThirdParty";
  for (const ThirdParty& party : kThirdParty) {
    if (!starts_with(target, party.header)) continue;
    if (starts_with(file.path, party.where)) return "";
    trouble = target + " stays behind " + party.where;
  }
  return trouble;
}

std::vector<Finding> check_includes(const File& file) {
  std::vector<Finding> findings;
  static const std::regex include(R"(^#include (["<])([^">]+)[">].*)");
  for (size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_match(file.lines[i], match, include)) continue;
    const std::string trouble =
        match[1] == "<" ? trouble_with_foreign(file, match[2]) : trouble_with_ours(file, match[2]);
    if (!trouble.empty()) findings.push_back({file.path, i + 1, trouble});
  }
  return findings;
}

// A folder that the table does not know could include everything: it is given a row first.
std::vector<Finding> check_folder(const File& file) {
  const std::string folder = folder_of(file.path);
  if (!is_source(file) || folder.empty() || folder == "main" || allowed_folders().contains(folder)) return {};
  return {{file.path, 1, "src/" + folder + " has no row in the table of who may include whom"}};
}

std::vector<Finding> check_words(const File& file) {
  std::vector<Finding> findings;
  if (!is_source(file)) return findings;
  for (const Banned& word : banned()) {
    const bool allowed =
        std::any_of(word.allowed.begin(), word.allowed.end(),
                    [&](const std::string& prefix) { return starts_with(file.path, prefix); });
    if (allowed) continue;
    const std::regex pattern(word.pattern);
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (std::regex_search(strip_comment_and_strings(file.lines[i]), pattern)) {
        findings.push_back({file.path, i + 1, std::string("banned here: ") + word.why});
      }
    }
  }
  return findings;
}

std::vector<Finding> check_header(const File& file) {
  if (!ends_with(file.path, ".h")) return {};
  std::vector<Finding> findings;
  if (file.lines.empty() || !starts_with(file.lines[0], "//")) {
    findings.push_back({file.path, 1, "a header opens with a comment that says what it is"});
  }
  if (std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end()) {
    findings.push_back({file.path, 1, "#pragma once is missing"});
  }
  return findings;
}

std::vector<Finding> check_dead_headers(const std::vector<File>& files) {
  std::set<std::string> included;
  static const std::regex include(R"(^#include "([^"]+)\".*)");
  for (const File& file : files) {
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (std::regex_match(line, match, include)) included.insert(match[1]);
    }
  }
  std::vector<Finding> findings;
  for (const File& file : files) {
    if (!ends_with(file.path, ".h")) continue;
    const std::string name = std::filesystem::path(file.path).filename().string();
    const bool alive = std::any_of(included.begin(), included.end(), [&](const std::string& target) {
      return target == name || ends_with(file.path, "/" + target);
    });
    if (!alive) findings.push_back({file.path, 0, "nobody includes this header"});
  }
  return findings;
}

std::vector<Finding> check_links(const File& file, const std::vector<std::string>& all_paths) {
  if (!ends_with(file.path, ".md")) return {};
  std::vector<Finding> findings;
  static const std::regex link(R"(\]\(([^)#\s]+)(#[^)]*)?\))");
  for (size_t i = 0; i < file.lines.size(); ++i) {
    for (std::sregex_iterator it(file.lines[i].begin(), file.lines[i].end(), link), end; it != end; ++it) {
      const std::string target = (*it)[1];
      if (target.find(":") != std::string::npos) continue;
      const auto folder = std::filesystem::path(file.path).parent_path();
      std::string path = (folder / target).lexically_normal().string();
      if (ends_with(path, "/")) path.pop_back();
      const bool there = std::any_of(all_paths.begin(), all_paths.end(), [&](const std::string& known) {
        return known == path || starts_with(known, path + "/");
      });
      if (!there) findings.push_back({file.path, i + 1, "a link to " + target + ", which is not there"});
    }
  }
  return findings;
}

std::vector<Finding> check_all(const std::vector<File>& files, const std::vector<std::string>& all_paths) {
  std::vector<Finding> findings = check_dead_headers(files);
  const auto add = [&](std::vector<Finding> more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  for (const File& file : files) {
    add(check_sizes(file));
    add(check_folder(file));
    add(check_includes(file));
    add(check_words(file));
    add(check_header(file));
    add(check_links(file, all_paths));
  }
  return findings;
}

}  // namespace tidy
