// The programs behind the image store (skopeo, umoci, buildah): how they are called, and what their
// complaints mean.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "engine/local/images.h"
#include "io/process.h"

namespace slipway::engine::local {

// One image in the OCI layout, in a folder of its own.
struct LayoutImage {
  std::string digest;  // of the manifest
  ImageConfig config;
};

// Under what the tools run. They end with us, however that happens.
struct ToolTerms {
  const Clock& clock;
  Deadline deadline;
  io::Cancellation& cancellation;
};

// Whether `source` (a skopeo name) is of a registry on this very machine (localhost, 127.0.0.0/8 or [::1]),
// which needs no certificate. Pure.
bool is_local_registry(std::string_view source);

// Copies `source` (a skopeo name) into the layout `layout`, under the tag "latest".
Status copy_image(const std::string& source, const std::filesystem::path& layout, const ToolTerms& terms);

// Builds `folder` (which holds a Dockerfile or Containerfile) and puts the image into `layout`. `storage`:
// where buildah keeps its layers, reused by later builds.
Status build_image(const std::filesystem::path& folder, const std::filesystem::path& storage,
                   const std::filesystem::path& layout, const ToolTerms& terms);

// Removes what builds that were killed left half-done. None may be under way.
Status sweep_builds(const std::filesystem::path& storage, const ToolTerms& terms);

// Forgets all layers of earlier builds.
Status drop_build_cache(const std::filesystem::path& storage, const ToolTerms& terms);

// Invalid when the image is for another kind of machine.
Result<LayoutImage> read_layout(const std::filesystem::path& layout);

// Unpacks the image of `layout` into `rootfs`, which must not exist.
Status unpack_image(const std::filesystem::path& layout, const std::filesystem::path& rootfs,
                    const ToolTerms& terms);

// The kind and the short reason of a complaint of skopeo's or buildah's: `time="..." level=fatal msg="...":
// the last lines, without marks. Pure.
Error image_error(std::string_view complaint);

}  // namespace slipway::engine::local
