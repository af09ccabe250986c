#include "engine/local/images.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <shared_mutex>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/text.h"
#include "engine/local/image_tools.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

constexpr Duration kSweepTime = 30s;

// What a user means, as a key: the same text is the same image until its source on this machine changes.
struct Source {
  std::string key;
  std::string stamp;  // of a file or folder of this machine: changes when it is written again
};

// "oci:DIR[:TAG]" and the like; empty for an image of a registry.
fs::path local_path(const std::string& reference) {
  if (reference.starts_with("docker://")) return {};
  const std::string rest = reference.substr(reference.find(':') + 1);
  if (reference.starts_with("dir:") || io::exists(rest)) return rest;
  return rest.substr(0, rest.rfind(':'));
}

std::string stamp_of(const fs::path& path) {
  struct stat info {};
  const fs::path index = path / "index.json";
  const fs::path& file = io::exists(index) ? index : path;
  if (path.empty() || ::stat(file.c_str(), &info) != 0) return "";
  return fmt::format("{}:{}.{:09}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

Result<Source> source_of(const model::Image& image) {
  switch (image.kind) {
    case model::ImageKind::HostFilesystem:
      return Error(ErrorCode::Invalid, "the host's filesystem is no image to prepare");
    case model::ImageKind::Build: {
      const std::string digest = image.digest.empty() ? TRY(io::hash_tree(image.name)) : image.digest;
      return Source{"build:" + digest, ""};
    }
    case model::ImageKind::Reference: {
      std::string reference = TRY(normalize_reference(image.name));
      if (!image.digest.empty() && reference.starts_with("docker://") &&
          reference.find('@') == std::string::npos) {
        reference += "@" + image.digest;
      }
      return Source{reference, stamp_of(local_path(reference))};
    }
  }
  return Error(ErrorCode::Internal, "unknown kind of image");
}

// A tag and a digest together are too much for skopeo: the digest says it all.
std::string pull_name(const std::string& reference) {
  const size_t at = reference.find('@');
  if (at == std::string::npos) return reference;
  const std::string name = reference.substr(0, at);
  const size_t slash = name.rfind('/');
  const size_t tag = name.find(':', slash);
  return (tag == std::string::npos ? name : name.substr(0, tag)) + reference.substr(at);
}

uint64_t tree_bytes(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) == 0) bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  }
  return bytes;
}

// Whether it is there to be touched.
bool touch(const fs::path& path) {
  return ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0;
}

// Of digest "sha256:0f3a..." the folder name "sha256-0f3a...".
std::string folder_name(const std::string& digest) {
  std::string name = digest;
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

Json to_json(const ImageConfig& config) {
  Json json;
  json["Entrypoint"] = Json::Array(config.entrypoint.begin(), config.entrypoint.end());
  json["Cmd"] = Json::Array(config.cmd.begin(), config.cmd.end());
  Json::Array env;
  for (const auto& [key, value] : config.env) env.push_back(key + "=" + value);
  json["Env"] = std::move(env);
  json["User"] = config.user;
  json["WorkingDir"] = config.work_dir;
  json["StopSignal"] = config.stop_signal;
  json["ExposedPorts"] = Json::Object();
  for (const int port : config.exposed_tcp_ports)
    json["ExposedPorts"][fmt::format("{}/tcp", port)] = Json::Object();
  return json;
}

// One preparation under way, which any number of threads wait for.
struct Flight {
  bool done = false;
  std::optional<Result<PreparedImage>> result;
};

}  // namespace

struct ImageStore::State {
  State(ImageStoreOptions the_options, const Clock& the_clock)
      : options(std::move(the_options)), clock(the_clock), folder(options.state / "images") {}

  fs::path refs() const { return folder / "refs"; }
  fs::path blobs() const { return folder / "blobs"; }
  fs::path scratch() const { return folder / "tmp"; }
  fs::path build_storage() const { return folder / "buildah"; }
  fs::path image(const std::string& digest) const { return folder / folder_name(digest); }
  fs::path ref(const std::string& key) const { return refs() / (sha256_hex(key) + ".json"); }

  Result<PreparedImage> read_image(const std::string& digest) const;
  Result<PreparedImage> take_up(const std::string& digest) EXCLUDES(use_mutex);
  Result<fs::path> retire(const fs::path& image, Time unused_since) EXCLUDES(use_mutex);
  Result<uint64_t> collect_images(const std::set<std::string>& in_use, const ImageSweep& sweep);
  Result<uint64_t> bound_caches(Deadline deadline);
  Result<PreparedImage> find(const Source& source, bool any_stamp) const;
  Result<PreparedImage> make(const model::Image& image, const Source& source, Deadline deadline);
  Result<PreparedImage> unpack(const fs::path& layout, const fs::path& work, Deadline deadline);
  ToolTerms terms(Deadline deadline) { return {clock, deadline, cancellation}; }
  Error explain(const Error& error) const;

  const ImageStoreOptions options;
  const Clock& clock;
  const fs::path folder;
  io::Cancellation cancellation;
  std::atomic<uint64_t> work_count{0};
  // Held while an image's time of use is set, or looked at for the last time before it goes.
  Mutex use_mutex;
  // Held shared while blobs are written and read, exclusively while old ones are removed.
  std::shared_mutex blobs_mutex;

  Mutex mutex;
  Condition changed;
  std::map<std::string, std::shared_ptr<Flight>> flights GUARDED_BY(mutex);
};

Result<PreparedImage> ImageStore::State::read_image(const std::string& digest) const {
  const Json json = TRY(Json::parse(TRY(io::read_file(image(digest) / "image.json"))));
  return PreparedImage{digest, image(digest) / "rootfs", image_config_from_json(json.at("config"))};
}

Result<PreparedImage> ImageStore::State::find(const Source& source, bool any_stamp) const {
  const Json json = TRY(Json::parse(TRY(io::read_file(ref(source.key)))));
  // A source that has gone since (its stamp is empty) does not unmake the image.
  if (!any_stamp && !source.stamp.empty() && json.at("stamp").as_string() != source.stamp) {
    return Error(ErrorCode::NotFound, source.key + " has changed");
  }
  return read_image(json.at("digest").as_string());
}

// Reads it after it has been marked as used, and so cannot go any more.
Result<PreparedImage> ImageStore::State::take_up(const std::string& digest) {
  {
    const Lock lock(use_mutex);
    if (!touch(image(digest))) return Error(ErrorCode::NotFound, "image " + digest);
  }
  return read_image(digest);
}

// Takes it out of its place at once, to be deleted at leisure. Conflict where somebody has used it since.
Result<fs::path> ImageStore::State::retire(const fs::path& image, Time unused_since) {
  const Lock lock(use_mutex);
  struct stat info {};
  if (::stat(image.c_str(), &info) != 0) return errno_error(errno, "look at " + image.string());
  const auto used =
      std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
  if (used >= unused_since.time_since_epoch())
    return Error(ErrorCode::Conflict, image.string() + " is in use");
  const fs::path retired = scratch() / fmt::format("retired-{}-{}", ::getpid(), ++work_count);
  if (::rename(image.c_str(), retired.c_str()) != 0) return errno_error(errno, "rename " + image.string());
  return retired;
}

// Beside, then a rename: an image is whole or it is not there.
Result<PreparedImage> ImageStore::State::unpack(const fs::path& layout, const fs::path& work,
                                                Deadline deadline) {
  const LayoutImage image_in_layout = TRY(read_layout(layout));
  const fs::path place = image(image_in_layout.digest);
  Result<PreparedImage> there = take_up(image_in_layout.digest);
  if (!there) {
    const fs::path made = work / "image";
    TRY(io::make_directories(made));
    TRY(unpack_image(layout, made / "rootfs", terms(deadline)));
    Json json;
    json["digest"] = image_in_layout.digest;
    json["config"] = to_json(image_in_layout.config);
    json["bytes"] = tree_bytes(made / "rootfs");
    TRY(io::write_file(made / "image.json", json.dump(2) + "\n", true));
    if (::rename(made.c_str(), place.c_str()) != 0 && errno != EEXIST && errno != ENOTEMPTY) {
      return errno_error(errno, "rename " + made.string() + " to " + place.string());
    }
  }
  return there ? there : take_up(image_in_layout.digest);
}

Result<PreparedImage> ImageStore::State::make(const model::Image& wanted, const Source& source,
                                              Deadline deadline) {
  const fs::path work = scratch() / fmt::format("{}-{}", ::getpid(), ++work_count);
  const fs::path layout = work / "layout";
  TRY(io::make_directories(layout, 0700));
  // All pulls share one store of blobs, so that a new version of an image brings only its new layers.
  std::error_code error;
  fs::create_directory_symlink(blobs(), layout / "blobs", error);
  const std::shared_lock keep_blobs(blobs_mutex);

  const Status fetched = wanted.kind == model::ImageKind::Build
                             ? build_image(wanted.name, build_storage(), layout, terms(deadline))
                             : copy_image(pull_name(source.key), layout, terms(deadline));
  Result<PreparedImage> made =
      fetched ? unpack(layout, work, deadline) : Result<PreparedImage>(fetched.error());
  if (const Status swept = io::remove_all(work); !swept)
    log::warning("engine.local", "{}", swept.error().text());
  if (!made) return explain(made.error());
  Json json;
  json["key"] = source.key;
  json["stamp"] = source.stamp;
  json["digest"] = made->digest;
  TRY(io::write_file(ref(source.key), json.dump(2) + "\n"));
  return made;
}

Error ImageStore::State::explain(const Error& error) const {
  if (error.code() != ErrorCode::Exhausted) return error;
  const Result<uint64_t> free = io::free_bytes(folder);
  return error.context(fmt::format("the disk that holds {} is full ({} free)", folder.string(),
                                   free ? bytes_text(*free) : "unknown"));
}

ImageStore::ImageStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImageStore::~ImageStore() = default;

Result<std::unique_ptr<ImageStore>> ImageStore::open(ImageStoreOptions options, const Clock& clock) {
  options.state = fs::absolute(options.state).lexically_normal();
  auto state = std::make_unique<State>(std::move(options), clock);
  TRY(io::remove_all(state->scratch()));
  // Nobody but root comes in, also where an earlier version let them: an image may hold set-user-id programs,
  // which are only for those who run in its containers.
  for (const fs::path& folder : {state->folder, state->refs(), state->blobs() / "sha256", state->scratch()}) {
    TRY(io::make_directories(folder, 0700));
    if (::chmod(folder.c_str(), 0700) != 0) return errno_error(errno, "close " + folder.string());
  }
  const Status swept = sweep_builds(state->build_storage(), state->terms(clock.deadline_in(kSweepTime)));
  // It costs room and nothing else; the bound of the build cache will see to it.
  if (!swept) log::warning("engine.local", "{}", swept.error().text());
  return std::unique_ptr<ImageStore>(new ImageStore(std::move(state)));
}

void ImageStore::cancel() {
  state_->cancellation.cancel();
}

Result<PreparedImage> ImageStore::lookup(const model::Image& image) const {
  const Source source = TRY(source_of(image));
  Result<PreparedImage> found = state_->find(source, true);
  if (found) return found;
  return Error(ErrorCode::NotFound, model::describe(image) + " is not prepared");
}

Result<PreparedImage> ImageStore::take_up(const model::Image& image) {
  const PreparedImage found = TRY(lookup(image));
  Result<PreparedImage> taken = state_->take_up(found.digest);
  if (taken) return taken;
  return Error(ErrorCode::NotFound, model::describe(image) + " is not prepared");
}

Result<PreparedImage> ImageStore::prepare(const model::Image& image, Deadline deadline) {
  const Source source = TRY(source_of(image));
  while (true) {
    if (const Result<PreparedImage> found = state_->find(source, false)) {
      if (Result<PreparedImage> taken = state_->take_up(found->digest)) return taken;
    }
    std::shared_ptr<Flight> flight;
    bool first = false;
    {
      const Lock lock(state_->mutex);
      std::shared_ptr<Flight>& slot = state_->flights[source.key];
      first = slot == nullptr;
      if (first) slot = std::make_shared<Flight>();
      flight = slot;
    }
    if (first) {
      Result<PreparedImage> made = state_->make(image, source, deadline);
      const Lock lock(state_->mutex);
      flight->result = made;
      flight->done = true;
      state_->flights.erase(source.key);
      state_->changed.notify_all();
      return made;
    }
    std::unique_lock<Mutex> lock(state_->mutex);
    if (!state_->changed.wait_until(lock, deadline.at, [&] { return flight->done; })) {
      return Error(ErrorCode::Timeout, "wait for " + model::describe(image));
    }
    // Who worked may have had less time than we do: then it is our turn.
    if (!*flight->result && flight->result->error().code() == ErrorCode::Timeout) continue;
    return *flight->result;
  }
}

namespace {

struct Stored {
  fs::path path;
  fs::file_time_type used;
  uint64_t bytes = 0;
};

void sort_oldest_first(std::vector<Stored>& all) {
  std::sort(all.begin(), all.end(), [](const Stored& a, const Stored& b) { return a.used < b.used; });
}

}  // namespace

Result<uint64_t> ImageStore::State::collect_images(const std::set<std::string>& in_use,
                                                   const ImageSweep& sweep) {
  std::set<std::string> kept;
  for (const std::string& digest : in_use) kept.insert(folder_name(digest));
  uint64_t total = 0;
  std::vector<Stored> unused;
  for (const std::string& name : TRY(io::list_directory(folder))) {
    const fs::path path = folder / name;
    const Result<std::string> text = io::read_file(path / "image.json");
    const Result<Json> json = text ? Json::parse(*text) : Result<Json>(text.error());
    if (!json) continue;
    const auto bytes = static_cast<uint64_t>(json->at("bytes").as_int());
    total += bytes;
    std::error_code error;
    if (!kept.contains(name)) unused.push_back({path, fs::last_write_time(path, error), bytes});
  }
  uint64_t freed = 0;
  sort_oldest_first(unused);
  for (const Stored& stored : unused) {
    if (total - freed <= sweep.max_bytes) break;
    const Result<fs::path> retired = retire(stored.path, sweep.unused_since);
    if (!retired) continue;
    TRY(io::remove_all(*retired));
    freed += stored.bytes;
  }
  return freed;
}

Result<uint64_t> ImageStore::State::bound_caches(Deadline deadline) {
  // Exclusive: nothing is being prepared now. If something is, the next round will do.
  const std::unique_lock alone(blobs_mutex, std::try_to_lock);
  if (!alone.owns_lock()) return uint64_t{0};
  uint64_t freed = 0;
  std::vector<Stored> stored;
  uint64_t blob_bytes = 0;
  for (const std::string& name : TRY(io::list_directory(blobs() / "sha256"))) {
    const fs::path path = blobs() / "sha256" / name;
    std::error_code error;
    const uint64_t bytes = fs::file_size(path, error);
    if (error) continue;
    stored.push_back({path, fs::last_write_time(path, error), bytes});
    blob_bytes += bytes;
  }
  sort_oldest_first(stored);
  for (const Stored& blob : stored) {
    if (blob_bytes <= options.blob_cache_bytes) break;
    TRY(io::remove_all(blob.path));
    blob_bytes -= blob.bytes;
    freed += blob.bytes;
  }

  const uint64_t build_bytes = tree_bytes(build_storage());
  if (build_bytes > options.build_cache_bytes) {
    TRY(drop_build_cache(build_storage(), terms(deadline)));
    freed += build_bytes - std::min(build_bytes, tree_bytes(build_storage()));
  }
  return freed;
}

Result<uint64_t> ImageStore::collect(const std::set<std::string>& in_use, const ImageSweep& sweep,
                                     Deadline deadline) {
  const uint64_t images = TRY(state_->collect_images(in_use, sweep));
  return images + TRY(state_->bound_caches(deadline));
}

}  // namespace slipway::engine::local
