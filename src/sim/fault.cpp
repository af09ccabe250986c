#include "sim/fault.h"

#include "base/check.h"

namespace slipway::sim {

std::string_view to_text(Fault fault) {
  switch (fault) {
    case Fault::TaskDies:
      return "task-dies";
    case Fault::NodeLost:
      return "node-lost";
    case Fault::EngineOutage:
      return "engine-outage";
    case Fault::LookLost:
      return "look-lost";
    case Fault::StaleLook:
      return "stale-look";
    case Fault::StepFails:
      return "step-fails";
    case Fault::AnswerLost:
      return "answer-lost";
    case Fault::HintLost:
      return "hint-lost";
    case Fault::HintLate:
      return "hint-late";
    case Fault::HintDoubled:
      return "hint-doubled";
    case Fault::StoreFull:
      return "store-full";
    case Fault::ProxyOutage:
      return "proxy-outage";
    case Fault::ProxyAnswerLost:
      return "proxy-answer-lost";
    case Fault::ProxyDies:
      return "proxy-dies";
    case Fault::PortTaken:
      return "port-taken";
    case Fault::ImageFails:
      return "image-fails";
    case Fault::PlaneDies:
      return "plane-dies";
    case Fault::PlaneDiesWriting:
      return "plane-dies-writing";
    case Fault::DiskLost:
      return "disk-lost";
    case Fault::ClockJumps:
      return "clock-jumps";
    case Fault::SecondPlane:
      return "second-plane";
    case Fault::TaskDeaf:
      return "task-deaf";
    case Fault::TaskMute:
      return "task-mute";
    case Fault::SlowAction:
      return "slow-action";
  }
  UNREACHABLE();
}

}  // namespace slipway::sim
