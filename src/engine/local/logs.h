// The log files of a task: their line format, their order, their rotation.
//
// The task's monitor appends to `log` one line per line of output, as Kubernetes' runtimes do:
//   2026-01-31T09:15:00.250000000+00:00 stdout F text
// where P instead of F says that the line goes on in the next one of that stream. When the file has grown to
// a quarter of the task's limit it is renamed to `log.N`, N growing, and the monitor is told (SIGUSR1) to
// open a new one; it writes into the renamed file until it does, so nothing is lost. At most kLogFiles files
// are kept.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace slipway::engine::local {

constexpr std::string_view kLogName = "log";
constexpr int kLogFiles = 4;
constexpr size_t kLineLimit = 1 << 20;  // a longer line is cut into pieces of this size

// One line of the file, without its newline.
struct LogEntry {
  Time at{};
  Stream stream = Stream::Out;
  bool whole = true;      // F; otherwise the text goes on
  std::string_view text;  // into the line given
};
// nullopt: not in the format.
std::optional<LogEntry> parse_log_entry(std::string_view line);

// Puts pieces together into lines, each stream for itself. A line has the time of its first piece.
class LineJoiner {
 public:
  // Appends to `lines` what the entry completes: a line, or pieces of kLineLimit bytes of one that is too
  // long.
  void add(const LogEntry& entry, std::vector<LogLine>& lines);
  // What is left when no more will come.
  void finish(std::vector<LogLine>& lines);

 private:
  struct Part {
    Time at{};
    std::string text;
  };
  std::map<Stream, Part> parts_;
};

struct LogFile {
  static constexpr uint64_t kCurrent = UINT64_MAX;
  uint64_t number = kCurrent;  // of a rotated file
  std::filesystem::path path;
};
// The rotated files, oldest first, then `log` where it exists.
Result<std::vector<LogFile>> log_files(const std::filesystem::path& folder);

// Rotates when log is larger than `file_limit` bytes. `monitor` is a pidfd of the process that writes it; -1:
// none runs.
// Returns the size of log (0 after a rotation, and where there is none).
Result<uint64_t> rotate_log(const std::filesystem::path& folder, uint64_t file_limit, int monitor);

// The last `count` lines of both streams, read from the end; for reasons, so anything unreadable counts as no
// lines.
std::vector<std::string> last_log_lines(const std::filesystem::path& folder, int count);

}  // namespace slipway::engine::local
