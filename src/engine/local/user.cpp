// resolve_user of oci_spec.h: the one part of the specification that reads files.
#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "engine/local/oci_spec.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

// A user database is small; what is larger is not one.
constexpr size_t kDatabaseLimit = 4 << 20;

// The file's text, with symbolic links followed as the task itself would, never out of its root. Empty when
// absent.
std::string read_inside(const std::filesystem::path& rootfs, const char* path) {
  const io::Fd root(::open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const io::Fd file(static_cast<int>(::syscall(SYS_openat2, root.get(), path, &how, sizeof(how))));
  std::string text;
  char buffer[16384];
  for (ssize_t got = 0; text.size() < kDatabaseLimit; text.append(buffer, static_cast<size_t>(got))) {
    got = ::read(file.get(), buffer, sizeof(buffer));
    if (got <= 0) break;
  }
  return text;
}

std::optional<uint32_t> number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

using Fields = std::vector<std::string>;

// Lines of at least `least` fields, the third of them a number: "name:x:uid:gid:..." or "name:x:gid:members".
std::vector<Fields> entries(const std::string& text, size_t least) {
  std::vector<Fields> found;
  for (const std::string& line : split(text, '\n')) {
    Fields fields = split(line, ':');
    if (fields.size() >= least && number(fields[2])) found.push_back(std::move(fields));
  }
  return found;
}

const Fields* find_entry(const std::vector<Fields>& all, const std::string& name,
                         std::optional<uint32_t> id) {
  for (const Fields& fields : all) {
    if (fields[0] == name || (id && number(fields[2]) == id)) return &fields;
  }
  return nullptr;
}

}  // namespace

Result<User> resolve_user(std::string_view text, const std::filesystem::path& rootfs) {
  const size_t colon = text.find(':');
  std::string user_name(text.substr(0, colon));
  const std::string group_name(colon == std::string_view::npos ? "" : text.substr(colon + 1));
  if (user_name.empty()) user_name = "0";

  const std::vector<Fields> users = entries(read_inside(rootfs, "etc/passwd"), 6);
  const std::vector<Fields> groups = entries(read_inside(rootfs, "etc/group"), 3);
  User user;
  const std::optional<uint32_t> uid = number(user_name);
  const Fields* entry = find_entry(users, user_name, uid);
  if (entry == nullptr && !uid) {
    return Error(ErrorCode::Invalid, fmt::format("user `{}` is not in the image's /etc/passwd", user_name));
  }
  user.uid = entry != nullptr ? *number((*entry)[2]) : *uid;
  if (entry != nullptr) {
    user.gid = number((*entry)[3]).value_or(0);
    if (!(*entry)[5].empty()) user.home = (*entry)[5];
  } else if (user.uid == 0) {
    user.home = "/root";
  }

  if (!group_name.empty()) {
    const std::optional<uint32_t> gid = number(group_name);
    const Fields* group = find_entry(groups, group_name, gid);
    if (group == nullptr && !gid) {
      return Error(ErrorCode::Invalid,
                   fmt::format("group `{}` is not in the image's /etc/group", group_name));
    }
    user.gid = group != nullptr ? *number((*group)[2]) : *gid;
    user.groups = {user.gid};
    return user;  // a group that is asked for by name is the only one
  }
  // The primary group too: a file that shuts out a group shuts out its members, also after they changed their
  // group.
  user.groups.push_back(user.gid);
  for (const Fields& group : groups) {
    if (entry == nullptr || group.size() < 4) continue;
    const std::vector<std::string> members = split(group[3], ',');
    const uint32_t gid = *number(group[2]);
    if (gid != user.gid && std::find(members.begin(), members.end(), (*entry)[0]) != members.end()) {
      user.groups.push_back(gid);
    }
  }
  std::sort(user.groups.begin(), user.groups.end());
  return user;
}

}  // namespace slipway::engine::local
