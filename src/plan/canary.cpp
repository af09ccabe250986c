#include "plan/canary.h"

#include <fmt/format.h>

namespace slipway::plan {
namespace {

bool has_canaries(const Round& round) {
  const auto& bounce = round.memory.bounce;
  const model::Bounce& settings = round.wanted.instance->bounce;
  return bounce && !bounce->canary_done && !bounce->from.empty() && round.wanted.held_why.empty() &&
         settings.method != model::BounceMethod::DownThenUp && settings.canary > 0 &&
         settings.canary < round.wanted.count;
}

}  // namespace

void follow_canary(Round& round) {
  if (!has_canaries(round)) return;
  BounceMemory& bounce = *round.memory.bounce;
  const model::Bounce& settings = round.wanted.instance->bounce;
  if (round.new_exists() && round.current()->count > settings.canary) {
    bounce.canary_done = true;  // the rest was let go by a control plane whose memory is lost
    return;
  }
  const int happy = std::min(round.happy_new(), settings.canary);
  round.canaries = settings.canary;
  if (happy < settings.canary) {
    if (bounce.canary_since) round.say("canary_unhappy", "the canaries were happy, and are so no longer");
    bounce.canary_since.reset();
    round.canary_wait =
        fmt::format("{} of {} to become happy, ahead of the rest", settings.canary - happy,
                    settings.canary == 1 ? "1 canary" : fmt::format("{} canaries", settings.canary));
    return;
  }
  if (!bounce.canary_since) bounce.canary_since = round.in.now;  // from here on the deadline does not run
  const Time over = *bounce.canary_since + settings.canary_time;
  if (over <= round.in.now) {
    bounce.canary_done = true;
    bounce.progress_at = round.in.now;
    round.canaries.reset();
    round.say("canary_passed", fmt::format("{}: {} happy for {}; the rest follows", bounce.to.str(), happy,
                                           to_text(settings.canary_time)));
    return;
  }
  round.wake(over);
  round.canary_wait = fmt::format("the canaries to have been happy for {}, at {}",
                                  to_text(settings.canary_time), time_of_day(over));
}

}  // namespace slipway::plan
