// A load balancer that may be slow or silent, asked on a thread of its own, so that nobody waits for it for
// longer than a moment: rounds go on, and what needs no load balancer is done.
//
// One call is under way at a time. Who asks meanwhile is told Timeout, and never an older answer: what
// observe() tells is newer than all that was asked before it, a sync included that took its time. Called from
// one thread at a time.
#pragma once

#include "base/mutex.h"
#include "discovery/proxy.h"
#include "io/event_loop.h"

namespace slipway::discovery {

class AsideProxy final : public Proxy {
 public:
  // What a call is waited for. HAProxy answers within milliseconds, and has reloaded in some hundred.
  static constexpr Duration kPatience = 2s;

  // `clock` must outlive this.
  AsideProxy(std::unique_ptr<Proxy> inner, const Clock& clock, Duration patience = kPatience);
  // Waits for the call under way, which ends by its deadline.
  ~AsideProxy() override = default;

  Result<ProxyState> sync(const std::vector<RoutedInstance>& wanted, Deadline deadline) override;
  Result<ProxyState> observe(Deadline deadline) override;
  // Waits for its turn and its end, whatever the patience.
  Status stop(Deadline deadline) override;

 private:
  using Call = std::function<Result<ProxyState>()>;
  // What the thread and whoever waits for it share, which may have left before the answer comes.
  struct Desk {
    Mutex mutex;
    Condition ended;
    bool busy GUARDED_BY(mutex) = false;
    std::optional<Result<ProxyState>> answer GUARDED_BY(mutex);
  };

  // Waits for a call that is under way by `begin`, and for this one by `end`.
  Result<ProxyState> ask(Call call, SteadyTime begin, SteadyTime end);

  const std::unique_ptr<Proxy> inner_;
  const Clock& clock_;
  const Duration patience_;
  Desk desk_;
  io::WorkerPool thread_{1, 1};  // last: it uses all of the above
};

}  // namespace slipway::discovery
