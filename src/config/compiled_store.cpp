#include "config/compiled_store.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/log.h"
#include "config/compiled_codec.h"

namespace fs = std::filesystem;

namespace slipway::config {

namespace {

constexpr std::string_view kArea = "config";
constexpr std::string_view kHeader = "slipway compiled configuration 1\n";
// A record: its length and the first bytes of its digest, then service, key and content.
constexpr size_t kLengthSize = 8;
constexpr size_t kCheckSize = 16;
constexpr size_t kHeadSize = kLengthSize + kCheckSize;
constexpr uint64_t kMaxFile = 4ULL << 30;
// So much of the file may be outdated before it is written anew, beside as much as is in force.
constexpr size_t kSlack = 1 << 20;

std::string check_of(std::string_view payload) {
  return sha256_hex(payload).substr(0, kCheckSize);
}

void add_part(std::string& payload, std::string_view part) {
  payload += fmt::format("{:08x}", part.size());
  payload += part;
}

std::optional<size_t> hex_number(std::string_view text) {
  size_t value = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<size_t>(digit);
  }
  return value;
}

std::optional<std::string_view> take_part(std::string_view& payload) {
  if (payload.size() < kLengthSize) return std::nullopt;
  const auto size = hex_number(payload.substr(0, kLengthSize));
  payload.remove_prefix(kLengthSize);
  if (!size || *size > payload.size()) return std::nullopt;
  const std::string_view part = payload.substr(0, *size);
  payload.remove_prefix(*size);
  return part;
}

Status write_all(int fd, std::string_view bytes, const fs::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, fmt::format("write '{}'", file.string()));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace

CompiledStore::CompiledStore(fs::path file) : file_(std::move(file)) {
  load();
}

void CompiledStore::load() {
  if (!io::exists(file_)) return;
  auto text = io::read_file(file_, kMaxFile);
  if (!text.has_value()) {
    log::warning(kArea, "{}; everything is compiled anew", text.error().text());
    return;
  }
  loaded_ = std::move(*text);
  if (!loaded_.starts_with(kHeader)) {
    log::warning(kArea, "'{}' is no file of compiled configurations; everything is compiled anew",
                 file_.string());
    loaded_.clear();
    return;
  }
  size_t at = kHeader.size();
  for (size_t size = load_record(at); size != 0; size = load_record(at)) at += size;
  file_size_ = at;
  whole_ = at == loaded_.size();
  if (whole_) return;
  log::warning(kArea, "'{}' is damaged at byte {}: what followed is compiled anew", file_.string(), at);
}

// The size of the record there; 0 where there is none that is sound.
size_t CompiledStore::load_record(size_t at) {
  const std::string_view rest = std::string_view(loaded_).substr(at);
  if (rest.size() < kHeadSize) return 0;
  const auto length = hex_number(rest.substr(0, kLengthSize));
  if (!length || *length > rest.size() - kHeadSize) return 0;
  std::string_view payload = rest.substr(kHeadSize, *length);
  if (check_of(payload) != rest.substr(kLengthSize, kCheckSize)) return 0;
  const auto service = take_part(payload), key = take_part(payload), bytes = take_part(payload);
  if (!service || !key || !bytes) return 0;
  const size_t size = kHeadSize + *length;
  const auto old = records_.find(std::string(*service));
  if (old != records_.end()) {
    live_size_ -= old->second.size;
    records_.erase(old);
  }
  if (bytes->empty()) return size;
  records_[std::string(*service)] = {std::string(*key), *bytes, nullptr, size};
  live_size_ += size;
  return size;
}

std::shared_ptr<CompiledService> CompiledStore::find(const std::string& service,
                                                     const std::string& key) const {
  const auto found = records_.find(service);
  return found == records_.end() || found->second.key != key ? nullptr : last_good(service);
}

std::shared_ptr<CompiledService> CompiledStore::last_good(const std::string& service) const {
  const auto found = records_.find(service);
  if (found == records_.end() || found->second.bytes.empty()) return nullptr;
  auto decoded = decode_service(found->second.bytes);
  return decoded ? std::make_shared<CompiledService>(std::move(*decoded)) : nullptr;
}

void CompiledStore::keep(const std::string& service, std::shared_ptr<const CompiledService> compiled) {
  const auto found = records_.find(service);
  if (found == records_.end()) return;
  found->second.compiled = std::move(compiled);
  found->second.bytes = {};
}

void CompiledStore::drop_others() {
  for (const auto& [service, record] : records_) {
    if (record.compiled == nullptr) pending_[service] = true;
  }
  for (auto& [service, record] : records_) record.bytes = {};
  loaded_ = std::string();
}

void CompiledStore::put(const std::string& service, const std::string& key,
                        std::shared_ptr<const CompiledService> compiled) {
  Record& record = records_[service];
  record.key = key;
  record.compiled = std::move(compiled);
  pending_[service] = false;
}

void CompiledStore::drop(const std::string& service) {
  if (!records_.contains(service)) return;
  pending_[service] = true;
}

std::string CompiledStore::record_of(const std::string& service, const std::string& key,
                                     std::string_view bytes) {
  std::string payload;
  add_part(payload, service);
  add_part(payload, key);
  add_part(payload, bytes);
  return fmt::format("{:08x}{}", payload.size(), check_of(payload)) + payload;
}

Status CompiledStore::flush() {
  if (pending_.empty()) return {};
  std::string appended;
  for (const auto& [service, gone] : pending_) {
    const auto known = records_.find(service);
    if (known == records_.end()) continue;
    Record& record = known->second;
    const std::string text = record_of(service, record.key, gone ? "" : encode(*record.compiled));
    appended += text;
    live_size_ -= record.size;
    record.size = gone ? 0 : text.size();
    live_size_ += record.size;
    record.bytes = {};
    if (gone) records_.erase(known);
  }
  const bool outdated = file_size_ + appended.size() > 2 * live_size_ + kSlack;
  TRY(whole_ && !outdated ? append(appended) : rewrite());
  pending_.clear();
  return {};
}

Status CompiledStore::append(const std::string& records) {
  const io::Fd fd(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const Status written = fd.valid() ? write_all(fd.get(), records, file_)
                                    : Status(errno_error(errno, fmt::format("open '{}'", file_.string())));
  // Half a record may be there now, or the file be gone.
  if (!written.has_value()) return rewrite();
  file_size_ += records.size();
  return {};
}

Status CompiledStore::rewrite() {
  std::string text(kHeader);
  for (auto& [service, record] : records_) {
    const std::string one =
        record_of(service, record.key,
                  record.compiled != nullptr ? encode(*record.compiled) : std::string(record.bytes));
    record.size = one.size();
    text += one;
  }
  whole_ = false;
  TRY(io::write_file(file_, text, false, 0600));
  whole_ = true;
  file_size_ = text.size();
  live_size_ = text.size() - kHeader.size();
  return {};
}

}  // namespace slipway::config
