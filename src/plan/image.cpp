#include "plan/image.h"

#include <fmt/format.h>

namespace slipway::plan {
namespace {

std::string getting(const model::Image& image) {
  return image.kind == model::ImageKind::Build ? "building image from " + image.name
                                               : "fetching image " + image.name;
}

std::string last_failure(const ImageStatus& status) {
  return status.reason.empty() ? "" : "; the last try failed: " + status.reason;
}

}  // namespace

void await_image(Round& round) {
  const model::Image& image = round.wanted.revision.spec.image;
  if (round.new_exists() || image.kind == model::ImageKind::HostFilesystem) return;
  round.asked_image = model::describe(image);
  const auto known = round.in.images.find(*round.asked_image);
  const ImageStatus status = known == round.in.images.end() ? ImageStatus{} : known->second;
  round.image_failed = status.state != ImageState::Ready && status.failures > 0;
  switch (status.state) {
    case ImageState::Ready:
      return;
    case ImageState::Preparing:
      round.image_wait = getting(image) + last_failure(status);
      return;
    case ImageState::Unknown:
      round.image_wait = getting(image);
      round.step(model::PrepareStep{image}, "a new revision needs its image");
      return;
    case ImageState::Failed:
      if (status.retry_at <= round.in.now) {
        round.image_wait = getting(image) + last_failure(status);
        round.step(model::PrepareStep{image}, fmt::format("try again after failure {}", status.failures));
        return;
      }
      round.wake(status.retry_at);
      round.image_wait = fmt::format("{} failed: {}; next try at {}", getting(image), status.reason,
                                     time_of_day(status.retry_at));
      return;
  }
}

}  // namespace slipway::plan
