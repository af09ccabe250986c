#include "engine/local/logs.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/text.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

// How much of the end of a log is looked at for its last lines: ten lines of a usual length, and of ten long
// ones some.
constexpr off_t kTailBytes = 64 << 10;
// A shown line is for reading, not for archiving.
constexpr size_t kShownLine = 500;

// `count` digits at `position`; -1 when there are none.
int digits(std::string_view text, size_t position, size_t count) {
  if (position + count > text.size()) return -1;
  int value = 0;
  for (size_t i = position; i < position + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// "2026-01-31T09:15:00.250000000+01:00". Logs are read by the hundred thousand lines a second, so this is by
// hand.
std::optional<Time> parse_stamp(std::string_view text) {
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (std::min({year, month, day, hour, minute, second}) < 0) return std::nullopt;
  Duration fraction = 0ms;
  size_t end = 19;
  if (end < text.size() && text[end] == '.') {
    const int milliseconds = digits(text, end + 1, 3);
    if (milliseconds < 0) return std::nullopt;
    fraction = Duration(milliseconds);
    end = text.find_first_of("+-Z", end);
  }
  if (end >= text.size()) return std::nullopt;
  Duration offset = 0ms;
  if (text[end] != 'Z') {
    const int hours = digits(text, end + 1, 2), minutes = digits(text, end + 4, 2);
    if (hours < 0 || minutes < 0) return std::nullopt;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (text[end] == '-') offset = -offset;
  }
  const auto date = std::chrono::year(year) / month / day;
  if (!date.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + fraction - offset;
}

std::optional<uint64_t> rotation_number(std::string_view name) {
  if (!name.starts_with(kLogName) || name.size() < kLogName.size() + 2 || name[kLogName.size()] != '.') {
    return std::nullopt;
  }
  const std::string_view number = name.substr(kLogName.size() + 1);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return value;
}

std::string rotated_name(uint64_t number) {
  return std::string(kLogName) + "." + std::to_string(number);
}

// The numbers of the rotated files, ascending.
Result<std::vector<uint64_t>> rotations(const std::filesystem::path& folder) {
  std::vector<uint64_t> numbers;
  for (const std::string& name : TRY(io::list_directory(folder))) {
    if (const auto number = rotation_number(name)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::string read_tail(const std::filesystem::path& path) {
  const io::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) return {};
  const off_t start = std::max<off_t>(0, info.st_size - kTailBytes);
  std::string text(static_cast<size_t>(info.st_size - start), '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), start);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  // What stands before the first newline is the rest of a line that began earlier; it does not parse, or is
  // dropped.
  if (start > 0) text.erase(0, text.find('\n'));
  return text;
}

}  // namespace

std::optional<LogEntry> parse_log_entry(std::string_view line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto at = parse_stamp(line.substr(0, space));
  const std::string_view rest = line.substr(space + 1);
  const bool out = rest.starts_with("stdout ");
  if (!at || (!out && !rest.starts_with("stderr ")) || rest.size() < 9 || rest[8] != ' ') return std::nullopt;
  if (rest[7] != 'F' && rest[7] != 'P') return std::nullopt;
  return LogEntry{*at, out ? Stream::Out : Stream::Err, rest[7] == 'F', rest.substr(9)};
}

void LineJoiner::add(const LogEntry& entry, std::vector<LogLine>& lines) {
  const auto found = parts_.find(entry.stream);
  if (found == parts_.end() && entry.whole && entry.text.size() <= kLineLimit) {
    lines.push_back(LogLine{entry.at, entry.stream, std::string(entry.text)});  // nearly every line
    return;
  }
  Part& part = found != parts_.end() ? found->second : parts_[entry.stream];
  if (found == parts_.end()) part.at = entry.at;
  part.text.append(entry.text);
  while (part.text.size() > kLineLimit) {
    lines.push_back(LogLine{part.at, entry.stream, part.text.substr(0, kLineLimit)});
    part.text.erase(0, kLineLimit);
  }
  if (!entry.whole) return;
  lines.push_back(LogLine{part.at, entry.stream, std::move(part.text)});
  parts_.erase(entry.stream);
}

void LineJoiner::finish(std::vector<LogLine>& lines) {
  for (auto& [stream, part] : parts_) lines.push_back(LogLine{part.at, stream, std::move(part.text)});
  parts_.clear();
}

Result<std::vector<LogFile>> log_files(const std::filesystem::path& folder) {
  std::vector<LogFile> files;
  for (const uint64_t number : TRY(rotations(folder)))
    files.push_back({number, folder / rotated_name(number)});
  if (io::exists(folder / kLogName)) files.push_back({LogFile::kCurrent, folder / kLogName});
  return files;
}

Result<uint64_t> rotate_log(const std::filesystem::path& folder, uint64_t file_limit, int monitor) {
  const std::filesystem::path current = folder / kLogName;
  struct stat info {};
  if (::stat(current.c_str(), &info) != 0) {
    if (errno == ENOENT) return uint64_t{0};
    return errno_error(errno, "look at log " + current.string());
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size <= file_limit) return size;

  std::vector<uint64_t> numbers = TRY(rotations(folder));
  const uint64_t next = numbers.empty() ? 1 : numbers.back() + 1;
  const std::filesystem::path rotated = folder / rotated_name(next);
  if (::rename(current.c_str(), rotated.c_str()) != 0)
    return errno_error(errno, "rotate log " + current.string());
  if (monitor >= 0 && ::syscall(SYS_pidfd_send_signal, monitor, SIGUSR1, nullptr, 0) != 0 && errno != ESRCH) {
    return errno_error(errno, "tell the monitor to open a new log");
  }
  numbers.push_back(next);
  // `log` itself is one of the kLogFiles.
  for (size_t i = 0; i + kLogFiles - 1 < numbers.size(); ++i) {
    TRY(io::remove_all(folder / rotated_name(numbers[i])));
  }
  return uint64_t{0};
}

std::vector<std::string> last_log_lines(const std::filesystem::path& folder, int count) {
  const auto files = log_files(folder);
  if (!files) {
    log::warning("engine.local", "no last log lines: {}", files.error().text());
    return {};
  }
  std::vector<LogLine> lines;
  // Just after a rotation the newest file is short, and the one before has the rest.
  for (size_t i = files->size() >= 2 ? files->size() - 2 : 0; i < files->size(); ++i) {
    LineJoiner joiner;
    for (const std::string& text : split(read_tail((*files)[i].path), '\n')) {
      if (const auto entry = parse_log_entry(text)) joiner.add(*entry, lines);
    }
    joiner.finish(lines);
  }
  std::vector<std::string> last;
  const size_t shown = std::min(lines.size(), static_cast<size_t>(count));
  for (size_t i = lines.size() - shown; i < lines.size(); ++i) {
    std::string& text = lines[i].text;
    last.push_back(text.size() > kShownLine ? text.substr(0, kShownLine) + "..." : std::move(text));
  }
  return last;
}

}  // namespace slipway::engine::local
