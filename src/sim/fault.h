// Everything that may go wrong in a simulation, one word each, and how often it did.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace slipway::sim {

using slipway::to_text;  // of times and durations, which this folder's own would hide

enum class Fault {
  TaskDies,          // behind everybody's back
  NodeLost,          // with all its tasks; it comes back later
  EngineOutage,      // its API does not answer for a while
  LookLost,          // one look is not answered
  StaleLook,         // it tells what was some time ago
  StepFails,         // a verb does nothing and says so
  AnswerLost,        // a verb is carried out and answers Timeout
  HintLost,          // nobody is told of a change
  HintLate,          // so late that later hints come first
  HintDoubled,       // told of again, for no reason
  StoreFull,         // nothing can be written for a while
  ProxyOutage,       // the load balancer cannot be asked or told; traffic goes on
  ProxyAnswerLost,   // it does as told, and answers Timeout
  ProxyDies,         // and comes back knowing nothing
  PortTaken,         // it refuses an instance for a while
  ImageFails,        // cannot be fetched or built this time
  PlaneDies,         // the control plane, between two actions; another is started later
  PlaneDiesWriting,  // in the middle of writing its state
  DiskLost,          // what it had stored, when it dies
  ClockJumps,        // wall time, forth or back
  SecondPlane,       // is started while the first lives, and maybe in the middle of its round
  TaskDeaf,          // told of its drain, it does not hear it
  TaskMute,          // it hears it, and does not answer
  SlowAction,        // time passes, and the world goes on, between two actions of a round
};
constexpr int kFaults = static_cast<int>(Fault::SlowAction) + 1;

std::string_view to_text(Fault fault);  // "task-dies", ...

using FaultTally = std::array<int64_t, kFaults>;

}  // namespace slipway::sim
