// How code behaves, in a word: what simulations draw for a revision, and each start of its tasks draws from.
#pragma once

#include <optional>
#include <string_view>

#include "base/random.h"
#include "engine/fake/knobs.h"

namespace slipway::engine::fake {

// A duration that differs from one draw to the next.
struct Spread {
  enum class Shape {
    Fixed,    // always `low`
    Uniform,  // between `low` and `high`
    LongTail  // mostly near `low`; one in ten three times as long, one in a hundred ten times; at most `high`
  };
  Shape shape = Shape::Fixed;
  Duration low = 0ms;
  Duration high = 0ms;

  Duration draw(Random& random) const;
};

enum class Behaviour {
  Good,
  Slow,      // healthy in the end
  Never,     // runs and never becomes healthy
  Flapping,  // healthy, unhealthy, healthy, ...
  Dying,     // healthy, and ends with an error some time later
  Crashing,  // ends with an error at once
};
constexpr Behaviour kBehaviours[] = {Behaviour::Good,     Behaviour::Slow,  Behaviour::Never,
                                     Behaviour::Flapping, Behaviour::Dying, Behaviour::Crashing};

std::string_view to_text(Behaviour behaviour);  // "good", ...
std::optional<Behaviour> behaviour_from(std::string_view text);

// The knobs of one start. `start` is how long good code takes until it is healthy.
TaskKnobs draw_knobs(Behaviour behaviour, const Spread& start, Random& random);

}  // namespace slipway::engine::fake
