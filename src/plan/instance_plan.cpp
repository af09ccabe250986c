#include "plan/instance_plan.h"

#include "plan/choose.h"
#include "plan/drain.h"
#include "plan/growth.h"
#include "plan/image.h"
#include "plan/progress.h"
#include "plan/steps.h"
#include "plan/view.h"
#include "plan/wanted.h"

namespace slipway::plan {
namespace {

void decide_tasks(Round& round, int& moves_left) {
  if (round.wanted.count == 0) {
    drop_bounce(round, round.wanted.none_why.empty() ? "none is wanted" : round.wanted.none_why);
    choose_all(round);
  } else {
    await_image(round);
    follow_bounce(round);
    choose_wanted(round);
    choose_old(round);
  }
  settle_drains(round);
  tell_tasks(round);
  add_steps(round);
  if (round.wanted.count == 0) return;
  finish_bounce(round);
  if (!round.no_room.empty()) round.memory.moving.reset();  // nor is there room to move for balance
  balance(round, moves_left);
}

}  // namespace

Round plan_instance(const Inputs& inputs, SharedRoom& room, int& moves_left, const model::InstanceId& id,
                    const model::Instance* instance, const Seen& seen) {
  Wanted wanted = wanted_of(inputs, id, instance, seen.engine->revisions);
  Round round = open_round(inputs, room, std::move(wanted), seen);
  if (round.wanted.frozen()) {
    // Its deadline must not run while we hold it up ourselves; what drains goes on draining, and nothing is
    // stopped.
    drop_bounce(round, round.wanted.frozen_why);
  } else {
    decide_tasks(round, moves_left);
  }
  return round;
}

}  // namespace slipway::plan
