#include "plan/wanted.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::plan {
namespace {

std::vector<model::Override> in_force(const Inputs& inputs, const model::InstanceId& id) {
  std::vector<model::Override> found;
  for (const model::Override& value : inputs.overrides) {
    const bool expired = value.expires_at && *value.expires_at <= inputs.now;
    const bool ours = value.instance == id || value.kind == model::OverrideKind::Freeze;
    if (ours && !expired) found.push_back(value);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.kind < b.kind; });
  return found;
}

// The files' count and spec, changed by one override. `spec` is absent as long as it is as the files say.
void apply(const model::Override& value, Wanted& wanted, std::optional<model::TaskSpec>& spec) {
  switch (value.kind) {
    case model::OverrideKind::Stop:
      wanted.count = 0;
      wanted.none_why = describe(value);
      return;
    case model::OverrideKind::Scale: {
      const bool stopped =
          std::any_of(wanted.overrides.begin(), wanted.overrides.end(),
                      [](const auto& other) { return other.kind == model::OverrideKind::Stop; });
      if (stopped) return;
      wanted.count = std::max(value.count, 0);
      wanted.none_why = wanted.count == 0 ? describe(value) : "";
      return;
    }
    case model::OverrideKind::Pause:
      wanted.frozen_why = describe(value);
      return;
    case model::OverrideKind::Restart:
      if (!spec) spec = wanted.instance->spec;
      spec->restart_nonce = value.nonce;
      return;
    case model::OverrideKind::SkipHealth:
      wanted.skip_health = true;
      return;
    case model::OverrideKind::Freeze:
      return;  // see hold()
  }
}

model::Revision revision_of(const model::InstanceId& id, const model::TaskSpec& spec,
                            const std::vector<model::ObservedRevision>& observed) {
  for (const model::ObservedRevision& candidate : observed) {
    if (candidate.revision.spec == spec) return candidate.revision;
  }
  return model::make_revision(id, spec);
}

std::string broken_why(const Inputs& inputs, const std::string& service) {
  for (const model::Problem& problem : inputs.desired->problems) {
    if (problem.service == service && problem.severity == model::Severity::Error) {
      return fmt::format("the files of {} have a problem, and nothing changes until it is mended: {}",
                         service, problem.text());
    }
  }
  return fmt::format("the files of {} have problems, and nothing changes until they are mended", service);
}

// The revision of which the engine keeps tasks: the one that was good, else the one with the most. Null where
// there is none.
const model::ObservedRevision* kept_revision(const std::vector<model::ObservedRevision>& observed,
                                             const std::optional<model::RevisionId>& good) {
  const model::ObservedRevision* kept = nullptr;
  for (const model::ObservedRevision& candidate : observed) {
    if (candidate.count == 0) continue;
    if (candidate.revision.id == good) return &candidate;
    if (kept == nullptr || candidate.count > kept->count) kept = &candidate;
  }
  return kept;
}

// A change that must not be made: the instance stays with, or goes back to, another revision than the files'.
void hold(const Inputs& inputs, const std::vector<model::ObservedRevision>& observed, Wanted& wanted) {
  static const InstanceMemory kNone;
  const auto remembered = inputs.memory.find(wanted.id);
  const InstanceMemory& memory = remembered != inputs.memory.end() ? remembered->second : kNone;
  const bool rolls_back = wanted.instance->bounce.auto_rollback && memory.fallback.has_value();
  if (rolls_back && memory.rejected == wanted.revision.id) {
    wanted.held_why = fmt::format("rolled back: {} stalled, and stays away until the files want another",
                                  wanted.revision.id.str());
    wanted.revision = *memory.fallback;
  }
  const auto freeze = std::find_if(wanted.overrides.begin(), wanted.overrides.end(), [](const auto& value) {
    return value.kind == model::OverrideKind::Freeze;
  });
  if (freeze == wanted.overrides.end()) return;
  const model::ObservedRevision* kept = kept_revision(observed, memory.last_good);
  const bool begun = std::any_of(observed.begin(), observed.end(), [&](const auto& candidate) {
    return candidate.revision.id == wanted.revision.id && candidate.count > 0;
  });
  if (kept == nullptr || begun)
    return;  // a first start is no change, and one that has begun is not left half done
  wanted.held_why = fmt::format("{} waits: {}", wanted.revision.id.str(), describe(*freeze));
  wanted.revision = kept->revision;
}

}  // namespace

Wanted wanted_of(const Inputs& inputs, const model::InstanceId& id, const model::Instance* instance,
                 const std::vector<model::ObservedRevision>& observed) {
  Wanted wanted;
  wanted.id = id;
  wanted.instance = instance;
  const auto& broken = inputs.desired->broken;
  if (instance != nullptr) {
    wanted.count = instance->desired_state == "stop" ? 0 : std::max(instance->count, 0);
    if (instance->desired_state == "stop") wanted.none_why = "its desired state is stop";
    wanted.overrides = in_force(inputs, id);
    std::optional<model::TaskSpec> changed;
    for (const model::Override& value : wanted.overrides) apply(value, wanted, changed);
    // No override brings up what there is no code of.
    if (!instance->undeployed.empty()) {
      wanted.count = 0;
      wanted.none_why = instance->undeployed;
    }
    wanted.revision = revision_of(id, changed ? *changed : instance->spec, observed);
    wanted.files_revision = wanted.revision.id;
    hold(inputs, observed, wanted);
  } else if (std::find(broken.begin(), broken.end(), id.service) != broken.end()) {
    wanted.frozen_why = broken_why(inputs, id.service);
  } else {
    wanted.none_why = "it is no longer in the files";
  }
  if (inputs.shutting_down) {
    wanted.count = 0;
    wanted.none_why = "everything is being taken down";
    wanted.frozen_why.clear();
  }
  return wanted;
}

std::string describe(const model::Override& value) {
  std::string what;
  switch (value.kind) {
    case model::OverrideKind::Stop:
      what = "stopped";
      break;
    case model::OverrideKind::Scale:
      what = fmt::format("scaled to {}", value.count);
      break;
    case model::OverrideKind::Pause:
      what = "paused";
      break;
    case model::OverrideKind::Restart:
      what = "restarted";
      break;
    case model::OverrideKind::SkipHealth:
      what = "health checks are skipped";
      break;
    case model::OverrideKind::Freeze:
      what = "all deploys of the cluster are frozen";
      break;
  }
  if (!value.owner.empty()) what += " by " + value.owner;
  if (!value.reason.empty()) what += ": " + value.reason;
  if (value.expires_at) what += fmt::format(" (until {})", to_text(*value.expires_at));
  return what;
}

}  // namespace slipway::plan
