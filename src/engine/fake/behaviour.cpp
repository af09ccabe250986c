#include "engine/fake/behaviour.h"

#include <algorithm>

#include "base/check.h"

namespace slipway::engine::fake {

Duration Spread::draw(Random& random) const {
  switch (shape) {
    case Shape::Fixed:
      return low;
    case Shape::Uniform:
      return low +
             Duration(static_cast<int64_t>(random.below(static_cast<uint64_t>((high - low).count()) + 1)));
    case Shape::LongTail: {
      const uint64_t percentile = random.below(100);
      const int factor = percentile == 0 ? 10 : percentile < 10 ? 3 : 1;
      return std::min(low * factor, high);
    }
  }
  UNREACHABLE();
}

std::string_view to_text(Behaviour behaviour) {
  switch (behaviour) {
    case Behaviour::Good:
      return "good";
    case Behaviour::Slow:
      return "slow";
    case Behaviour::Never:
      return "never";
    case Behaviour::Flapping:
      return "flapping";
    case Behaviour::Dying:
      return "dying";
    case Behaviour::Crashing:
      return "crashing";
  }
  UNREACHABLE();
}

std::optional<Behaviour> behaviour_from(std::string_view text) {
  for (const Behaviour behaviour : kBehaviours) {
    if (to_text(behaviour) == text) return behaviour;
  }
  return std::nullopt;
}

TaskKnobs draw_knobs(Behaviour behaviour, const Spread& start, Random& random) {
  TaskKnobs knobs;
  const Duration ready = start.draw(random);
  knobs.start_delay = ready / 2;
  knobs.healthy_after = ready - knobs.start_delay;
  const model::Exit error{.code = 3, .signal = {}, .oom_killed = false};
  switch (behaviour) {
    case Behaviour::Good:
      break;
    case Behaviour::Slow:
      knobs.healthy_after += Spread{Spread::Shape::Uniform, 10s, 60s}.draw(random);
      break;
    case Behaviour::Never:
      knobs.unhealthy = true;
      break;
    case Behaviour::Flapping:
      knobs.flap_period = Spread{Spread::Shape::Uniform, 10s, 60s}.draw(random);
      break;
    case Behaviour::Dying:
      knobs.exit = error;
      knobs.exit_after = knobs.healthy_after + Spread{Spread::Shape::Uniform, 1s, 90s}.draw(random);
      break;
    case Behaviour::Crashing:
      knobs.exit = error;
      knobs.exit_after = Spread{Spread::Shape::Uniform, 0s, 2s}.draw(random);
      break;
  }
  return knobs;
}

}  // namespace slipway::engine::fake
