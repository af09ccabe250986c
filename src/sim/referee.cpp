#include "sim/referee.h"

namespace slipway::sim {

const Terms& Decision::terms_for(const model::InstanceId& id) const {
  static const Terms kNothingAsked;
  const auto found = terms.find(id);
  return found == terms.end() ? kNothingAsked : found->second;
}

void Referee::decided(Decision decision, const Answer& answer) {
  const Decision& last = decisions_[decision.plane] = std::move(decision);
  for (const auto& invariant : invariants_) invariant->decided(last, answer);
  collect();
}

void Referee::acted(int plane, const Act& act) {
  for (const auto& invariant : invariants_) invariant->acted(decisions_[plane], act);
  collect();
}

void Referee::carried_out(int plane, const Picture& picture) {
  for (const auto& invariant : invariants_) invariant->carried_out(decisions_[plane], picture);
  collect();
}

void Referee::looked(const engine::fake::World& world) {
  for (const auto& invariant : invariants_) invariant->looked(world);
  collect();
}

void Referee::rested(const Rest& rest) {
  for (const auto& invariant : invariants_) invariant->rested(rest);
  collect();
}

void Referee::collect() {
  if (violation_) return;
  for (const auto& invariant : invariants_) {
    if (invariant->broken().empty()) continue;
    violation_ = {invariant->number(), std::string(invariant->name()), invariant->broken(),
                  timeline_.elapsed()};
    return;
  }
}

std::array<int64_t, kInvariants> Referee::checks() const {
  std::array<int64_t, kInvariants> checks{};
  for (const auto& invariant : invariants_)
    checks[static_cast<size_t>(invariant->number() - 1)] += invariant->checks();
  return checks;
}

}  // namespace slipway::sim
