// The hands of a round: carries out what the Core has decided, one action after the other.
//
// Loop uses it on its driver thread and the simulator in virtual time, so that what is simulated is what
// runs. Everything handed in is borrowed. One thread at a time.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "discovery/proxy.h"
#include "engine/engine.h"
#include "reconcile/core.h"
#include "reconcile/journal.h"
#include "state/store.h"

namespace slipway::reconcile {

// How far a round came.
struct Carried {
  Round round;  // its plan numbered, where there were steps
  Status stored;
  Result<discovery::ProxyState> proxy = discovery::ProxyState();
  std::vector<std::pair<model::InstanceId, Status>> steps;  // those that were tried
  std::optional<Error> halted;  // we may not act any more, and why: nothing was done after that
};

class Applier {
 public:
  struct Parts {
    engine::Engine& engine;
    discovery::Proxy& proxy;
    state::Store& store;
    Journal& journal;         // in front of the store
    std::mutex& store_mutex;  // of both
    const Clock& clock;
  };

  // `may_act` is asked before each single action (the store, the load balancer, every step): an error ends
  // the round there.
  Applier(Parts parts, std::function<Status()> may_act) : parts_(parts), may_act_(std::move(may_act)) {}

  // `seen`: the highest generation on the engine. After a step that failed, the later ones of its instance
  // are left for the next round, which sees what became of it.
  Carried carry_out(Round round, model::Generation seen);

 private:
  Status store(const Round& round);
  Result<model::Generation> number(model::Generation seen);
  Status act(Carried& carried, model::Generation seen);
  Status apply(const model::Step& step, model::Generation generation);

  Parts parts_;
  std::function<Status()> may_act_;
};

}  // namespace slipway::reconcile
