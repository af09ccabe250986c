#include "discovery/aside_proxy.h"

#include <algorithm>

namespace slipway::discovery {

AsideProxy::AsideProxy(std::unique_ptr<Proxy> inner, const Clock& clock, Duration patience)
    : inner_(std::move(inner)), clock_(clock), patience_(patience) {}

Result<ProxyState> AsideProxy::sync(const std::vector<RoutedInstance>& wanted, Deadline deadline) {
  const SteadyTime now = clock_.steady_now();
  return ask([this, wanted, deadline] { return inner_->sync(wanted, deadline); }, now,
             std::min(deadline.at, now + patience_));
}

Result<ProxyState> AsideProxy::observe(Deadline deadline) {
  const SteadyTime now = clock_.steady_now();
  return ask([this, deadline] { return inner_->observe(deadline); }, now,
             std::min(deadline.at, now + patience_));
}

Status AsideProxy::stop(Deadline deadline) {
  TRY(ask(
      [this, deadline]() -> Result<ProxyState> {
        TRY(inner_->stop(deadline));
        return ProxyState();
      },
      deadline.at, deadline.at));
  return {};
}

Result<ProxyState> AsideProxy::ask(Call call, SteadyTime begin, SteadyTime end) {
  const Error silent(ErrorCode::Timeout, "the load balancer has not answered yet");
  const Lock lock(desk_.mutex);
  while (desk_.busy) {
    if (clock_.steady_now() >= begin) return silent;
    desk_.ended.wait_until(desk_.mutex, begin);
  }
  desk_.answer.reset();
  desk_.busy = true;
  const Status begun = thread_.submit([this, call = std::move(call)] {
    Result<ProxyState> answer = call();
    {
      const Lock inner_lock(desk_.mutex);
      desk_.busy = false;
      desk_.answer = std::move(answer);
    }
    desk_.ended.notify_all();
  });
  if (!begun) {
    desk_.busy = false;
    return begun.error();
  }
  while (!desk_.answer) {
    if (clock_.steady_now() >= end) return silent;
    desk_.ended.wait_until(desk_.mutex, end);
  }
  return *std::move(desk_.answer);
}

}  // namespace slipway::discovery
