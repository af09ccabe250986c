#include "engine/local/log_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "engine/local/logs.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

constexpr size_t kLinesPerRead = 1000;
constexpr size_t kBlock = 64 << 10;
// A raw line is a piece of at most 8 KiB and its head; this much without a newline is no log of a monitor.
constexpr size_t kRawLineLimit = 2 << 20;

struct FoundFile {
  LogFile file;
  ino_t inode = 0;
};

// The files in order. One that is renamed or deleted between listing and looking is left out; callers look
// again.
Result<std::vector<FoundFile>> files_of(const std::filesystem::path& folder) {
  std::vector<FoundFile> files;
  for (LogFile& file : TRY(log_files(folder))) {
    struct stat info {};
    if (::stat(file.path.c_str(), &info) == 0) files.push_back({std::move(file), info.st_ino});
  }
  return files;
}

// Bytes of one open log file as raw lines.
class RawLines {
 public:
  void open(io::Fd file) {
    file_ = std::move(file);
    position_ = 0;
  }
  bool is_open() const { return file_.valid(); }
  int fd() const { return file_.get(); }
  off_t position() const { return position_; }

  // The next line, without its newline; valid until the next call. nullopt: a whole one is not there.
  std::optional<std::string_view> next() {
    const void* newline = std::memchr(buffer_.data() + begin_, '\n', buffer_.size() - begin_);
    if (newline == nullptr) return std::nullopt;
    const auto end = static_cast<size_t>(static_cast<const char*>(newline) - buffer_.data());
    const std::string_view line(buffer_.data() + begin_, end - begin_);
    begin_ = end + 1;
    return line;
  }

  // Reads on; false at the end of the file.
  Result<bool> fill() {
    buffer_.erase(0, begin_);
    begin_ = 0;
    if (buffer_.size() > kRawLineLimit) buffer_.push_back('\n');
    const size_t kept = buffer_.size();
    buffer_.resize(kept + kBlock);
    const ssize_t got = ::pread(file_.get(), buffer_.data() + kept, kBlock, position_);
    buffer_.resize(kept + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return errno_error(errno, "read a log");
    position_ += got;
    return got > 0;
  }

 private:
  io::Fd file_;
  off_t position_ = 0;
  std::string buffer_;
  size_t begin_ = 0;
};

class FileLogReader final : public LogReader {
 public:
  FileLogReader(std::filesystem::path folder, LogRequest request, const Clock& clock)
      : folder_(std::move(folder)), request_(std::move(request)), clock_(clock) {}

  Status start();
  Result<std::vector<LogLine>> read(Duration wait) override;
  bool ended() const override { return ended_; }

 private:
  // Where a reader that does not follow stops.
  struct End {
    ino_t inode = 0;
    off_t size = 0;
  };

  Result<bool> take_available(std::vector<LogLine>& lines);
  Result<bool> open_next();
  Result<bool> open_file(const std::vector<FoundFile>& files, size_t index);
  size_t successor(const std::vector<FoundFile>& files) const;
  bool at_fixed_end() const;
  void take(std::string_view raw, std::vector<LogLine>& lines);
  void keep_wanted(std::vector<LogLine>& lines);
  bool wanted(const LogLine& line) const;
  Result<size_t> count_wanted(const std::filesystem::path& path) const;
  Status begin_at_tail();
  Status await_change(Duration wait);

  std::filesystem::path folder_;
  LogRequest request_;
  const Clock& clock_;
  RawLines raw_;
  ino_t inode_ = 0;      // of the file being read; its number is not reused while we have it open
  uint64_t number_ = 0;  // of its rotation, or of the one before where it has none yet
  LineJoiner joiner_;
  std::vector<LogLine> joined_;  // what the last entry completed
  Time last_at_{};
  size_t skip_ = 0;  // wanted lines before the tail begins
  std::optional<End> end_;
  io::Fd changes_;
  bool ended_ = false;
};

Status FileLogReader::start() {
  if (request_.follow) {
    changes_ = io::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changes_.valid()) {
      if (errno != EMFILE) return errno_error(errno, "watch a log folder");
      return Error(ErrorCode::Exhausted, "follow a log",
                   Error(ErrorCode::Exhausted, "too many are followed; raise fs.inotify.max_user_instances"));
    }
    constexpr uint32_t kEvents = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF;
    if (::inotify_add_watch(changes_.get(), folder_.c_str(), kEvents) < 0) {
      return errno_error(errno, "watch log folder " + folder_.string());
    }
  } else {
    struct stat info {};
    const std::string newest = (folder_ / kLogName).string();
    if (::stat(newest.c_str(), &info) == 0) end_ = End{info.st_ino, info.st_size};
  }
  return request_.tail ? begin_at_tail() : Status();
}

Result<std::vector<LogLine>> FileLogReader::read(Duration wait) {
  const Deadline deadline = clock_.deadline_in(wait);
  std::vector<LogLine> lines;
  while (!ended_) {
    // Whether the task is gone is asked before its last bytes are read, so that none is missed.
    const bool gone = !io::exists(folder_);
    const bool more = TRY(take_available(lines));
    if (!lines.empty()) return lines;
    if (more) continue;
    if (!request_.follow || gone) {
      joiner_.finish(joined_);
      keep_wanted(lines);
      ended_ = true;
      return lines;
    }
    const Duration left = deadline.left(clock_.steady_now());
    if (left == 0ms) break;
    TRY(await_change(left));
  }
  return lines;
}

// Lines that are there, up to kLinesPerRead. False when all has been read.
Result<bool> FileLogReader::take_available(std::vector<LogLine>& lines) {
  while (lines.size() < kLinesPerRead) {
    if (raw_.is_open()) {
      if (const auto raw = raw_.next()) {
        take(*raw, lines);
        continue;
      }
      if (at_fixed_end()) return false;
      if (TRY(raw_.fill())) continue;
    }
    if (!TRY(open_next())) return false;
  }
  return true;
}

// Opens the file after the present one (the first, when there is none). A file has a successor only after the
// monitor has closed it, so what was read before the successor was seen may not be all of it: it is read to
// its end first.
Result<bool> FileLogReader::open_next() {
  // A rotation between listing and opening makes us look again; it would have to be hit every time.
  for (int attempt = 0; attempt < 10; ++attempt) {
    const std::vector<FoundFile> files = TRY(files_of(folder_));
    const size_t next = successor(files);
    if (next >= files.size()) return false;
    if (raw_.is_open() && TRY(raw_.fill())) return true;
    if (TRY(open_file(files, next))) return true;
  }
  return false;
}

size_t FileLogReader::successor(const std::vector<FoundFile>& files) const {
  if (!raw_.is_open()) return 0;
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].inode == inode_) return i + 1;
  }
  // Ours has been deleted: go on with the oldest that came after it.
  const auto newer = [this](const FoundFile& found) { return found.file.number > number_; };
  return static_cast<size_t>(std::ranges::find_if(files, newer) - files.begin());
}

// False when the name has come to mean another file since it was listed.
Result<bool> FileLogReader::open_file(const std::vector<FoundFile>& files, size_t index) {
  const FoundFile& found = files[index];
  io::Fd fd(::open(found.file.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return false;
    return errno_error(errno, "open log " + found.file.path.string());
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error(errno, "look at log " + found.file.path.string());
  if (info.st_ino != found.inode) return false;
  inode_ = found.inode;
  number_ = found.file.number;
  // The file being written has no number yet; it comes after the newest that has one.
  if (number_ == LogFile::kCurrent) number_ = index > 0 ? files[index - 1].file.number : 0;
  raw_.open(std::move(fd));
  return true;
}

bool FileLogReader::at_fixed_end() const {
  return end_ && inode_ == end_->inode && raw_.position() >= end_->size;
}

void FileLogReader::take(std::string_view raw, std::vector<LogLine>& lines) {
  if (const auto entry = parse_log_entry(raw)) {
    last_at_ = entry->at;
    joiner_.add(*entry, joined_);
  } else {
    // Not ours to judge: whatever wrote it, it is in the task's log.
    joined_.push_back(LogLine{last_at_, Stream::Out, std::string(raw)});
  }
  keep_wanted(lines);
}

void FileLogReader::keep_wanted(std::vector<LogLine>& lines) {
  for (LogLine& line : joined_) {
    if (!wanted(line)) continue;
    if (skip_ > 0) {
      --skip_;
    } else {
      lines.push_back(std::move(line));
    }
  }
  joined_.clear();
}

bool FileLogReader::wanted(const LogLine& line) const {
  if (request_.since && line.at < *request_.since) return false;
  return line.stream == Stream::Out ? request_.out : request_.err;
}

Result<size_t> FileLogReader::count_wanted(const std::filesystem::path& path) const {
  io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid())
    return errno == ENOENT ? Result<size_t>(0) : errno_error(errno, "open log " + path.string());
  RawLines raw;
  raw.open(std::move(fd));
  LineJoiner joiner;
  std::vector<LogLine> lines;
  size_t count = 0;
  while (true) {
    const auto line = raw.next();
    if (!line) {
      if (!TRY(raw.fill())) return count;
      continue;
    }
    if (const auto entry = parse_log_entry(*line)) joiner.add(*entry, lines);
    for (const LogLine& done : lines) count += wanted(done) ? 1 : 0;
    lines.clear();
  }
}

// Counts lines from the newest file back until there are enough, and begins in the file that has the first of
// them.
Status FileLogReader::begin_at_tail() {
  const auto tail = static_cast<size_t>(std::max(*request_.tail, 0));
  const std::vector<FoundFile> files = TRY(files_of(folder_));
  size_t count = 0;
  for (size_t i = files.size(); i-- > 0;) {
    count += TRY(count_wanted(files[i].file.path));
    if (count >= tail || i == 0) {
      skip_ = count > tail ? count - tail : 0;
      static_cast<void>(TRY(open_file(files, i)));
      break;
    }
  }
  return {};
}

Status FileLogReader::await_change(Duration wait) {
  pollfd poll{.fd = changes_.get(), .events = POLLIN, .revents = 0};
  constexpr Duration kLongest = 1h;  // fits poll's int; the caller comes back
  if (::poll(&poll, 1, static_cast<int>(std::min(wait, kLongest).count())) < 0 && errno != EINTR)
    return errno_error(errno, "wait for a log");
  // What changed does not matter, only that something did.
  char events[4096];
  while (::read(changes_.get(), events, sizeof events) > 0) {
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LogReader>> open_log(const std::filesystem::path& folder, const LogRequest& request,
                                            const Clock& clock) {
  if (!io::exists(folder)) return Error(ErrorCode::NotFound, "open the log of " + request.task.str());
  auto reader = std::make_unique<FileLogReader>(folder, request, clock);
  TRY_CONTEXT(reader->start(), "open the log of " + request.task.str());
  return reader;
}

}  // namespace slipway::engine::local
