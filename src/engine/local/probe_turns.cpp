#include "engine/local/probe_turns.h"

#include "base/check.h"

namespace slipway::engine::local {

void ProbeTurns::wait(const model::RevisionId& revision, Serial probe) {
  lines_[revision].waiting.push_back(probe);
}

std::optional<ProbeTurns::Turn> ProbeTurns::next() {
  if (under_way_ >= limit_) return std::nullopt;
  // Once around, from the one after the last.
  auto line = lines_.upper_bound(last_);
  for (size_t i = 0; i < lines_.size(); ++i, ++line) {
    if (line == lines_.end()) line = lines_.begin();
    auto& [revision, state] = *line;
    if (state.waiting.empty() || state.under_way >= each_) continue;
    const Turn turn{revision, state.waiting.front()};
    state.waiting.pop_front();
    ++state.under_way;
    ++under_way_;
    last_ = revision;
    return turn;
  }
  return std::nullopt;
}

void ProbeTurns::end(const model::RevisionId& revision) {
  const auto line = lines_.find(revision);
  CHECK(line != lines_.end() && line->second.under_way > 0);
  --line->second.under_way;
  --under_way_;
  if (line->second.under_way == 0 && line->second.waiting.empty()) lines_.erase(line);
}

}  // namespace slipway::engine::local
