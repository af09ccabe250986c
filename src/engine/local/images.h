// The image store: every image that tasks run from, unpacked once, read-only, shared by all its tasks.
//
// Below <state>/images: rootfs folders named by the digest of the image's manifest, and small files that say
// which reference (or build folder) means which digest. An unpacked image appears by a rename, so a crash
// leaves no half one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/spec.h"

namespace slipway::engine::local {

// What the image's maker said about running it.
struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::map<std::string, std::string> env;
  std::string user;
  std::string work_dir;
  std::string stop_signal;             // empty: SIGTERM
  std::vector<int> exposed_tcp_ports;  // sorted
  bool operator==(const ImageConfig&) const = default;
};

// From the "config" object of an OCI image configuration.
ImageConfig image_config_from_json(const Json& json);

struct PreparedImage {
  std::string digest;            // "sha256:..." of the manifest
  std::filesystem::path rootfs;  // read-only by agreement: nobody writes there
  ImageConfig config;
};

struct ImageStoreOptions {
  std::filesystem::path state;              // the engine's state directory
  uint64_t build_cache_bytes = 5ULL << 30;  // layers of earlier builds
  uint64_t blob_cache_bytes = 5ULL << 30;   // layers as they came from registries
};

struct ImageSweep {
  Time unused_since;       // not later than when `in_use` of collect() was decided
  uint64_t max_bytes = 0;  // of all images
};

// Thread-safe. Threads that want one image at the same time share one pull (or build): one works, the others
// wait, each for its own deadline.
class ImageStore {
 public:
  // Sweeps what a crash left half-done.
  static Result<std::unique_ptr<ImageStore>> open(ImageStoreOptions options, const Clock& clock);
  ~ImageStore();

  // Pulls or builds unless it is here already. HostFilesystem is Invalid: there is nothing to prepare.
  //   NotFound     no such image, tag, file or Dockerfile (named)
  //   Invalid      the build failed (the last lines of its output), or what was pulled is no image for this
  //   machine Unavailable  the registry cannot be reached or refuses; or skopeo, umoci or buildah is not
  //   installed Exhausted    the disk is full (says where and how much is free) Timeout
  Result<PreparedImage> prepare(const model::Image& image, Deadline deadline);

  // Never pulls. NotFound when it has to be prepared first.
  Result<PreparedImage> lookup(const model::Image& image) const;

  // lookup() for who is about to run it: it counts as used now, as it does when it is prepared.
  Result<PreparedImage> take_up(const model::Image& image);

  // Ends what is being prepared (its callers get Unavailable, "cancelled") and refuses what is not at hand
  // from now on. Returns at once.
  void cancel();

  // Removes images whose digest is not in `in_use` and which nobody has used since the sweep's time, least
  // recently used first, until all together take at most its bytes; and bounds the caches, unless something
  // is being prepared. Returns the bytes freed. An image is gone or in use, never both: who takes it up while
  // this runs finds it whole and keeps it, or does not find it.
  Result<uint64_t> collect(const std::set<std::string>& in_use, const ImageSweep& sweep, Deadline deadline);

 private:
  struct State;
  explicit ImageStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The skopeo name of what a user wrote: "nginx:1.25" means docker://nginx:1.25; transports that skopeo knows
// are kept. Invalid for an empty or malformed reference.
Result<std::string> normalize_reference(std::string_view reference);

}  // namespace slipway::engine::local
