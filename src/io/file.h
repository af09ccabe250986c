// Files as whole values. Every error names the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::io {

// Owns a file descriptor; closes it. Movable.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

// Invalid when the file is larger than `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, uint64_t limit = 64 << 20);
// Replaces the file whole (write beside, rename over); a reader sees the old or the new. `durable`: fsync the
// file and its folder, so that it survives a power cut and not only a crash of ours.
Status write_file(const std::filesystem::path& path, std::string_view content, bool durable = false,
                  int mode = 0644);
Status make_directories(const std::filesystem::path& path, int mode = 0755);
// Missing is fine. Never follows symlinks, never crosses into another mount.
Status remove_all(const std::filesystem::path& path);
// Names in the folder, sorted; an empty list when it does not exist.
Result<std::vector<std::string>> list_directory(const std::filesystem::path& path);
bool exists(const std::filesystem::path& path);

// SHA-256 over relative paths, types, permission bits, link targets and contents of all below `directory`, in
// order. Invalid beyond `limit` bytes or 100,000 files.
Result<std::string> hash_tree(const std::filesystem::path& directory, uint64_t limit = 4ULL << 30);

// An exclusive advisory lock, held while the value lives and dropped by the kernel when the process dies.
// Conflict (naming the holder's pid, which the file contains) when another process has it.
Result<Fd> lock_file(const std::filesystem::path& path);

// Free bytes of the filesystem that holds `path`.
Result<uint64_t> free_bytes(const std::filesystem::path& path);

// The binary of this name in PATH, else in the sbin folder beside each bin folder there, where Debian keeps
// haproxy and nft and which the PATH of a plain user lacks (or the path itself when it has a slash); nullopt
// when there is none.
std::optional<std::string> find_program(std::string_view name);

// A folder of a fresh name under `parent`, removed with all in it on destruction.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> create();  // under TMPDIR, else /tmp
  static Result<TemporaryDirectory> create(const std::filesystem::path& parent);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept = default;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace slipway::io
