#include "discovery/proxy.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "discovery/failed_reloads.h"
#include "discovery/haproxy_process.h"
#include "discovery/sockets.h"
#include "discovery/worker.h"

namespace slipway::discovery {
namespace {

// What a new server is given to accept a connection before it begins as down (see commands() in worker.h).
// Tasks are near: who listens answers in a millisecond, who does not refuses as fast.
constexpr Duration kReadyWait = 50ms;
// Starts of HAProxy, or reloads to another text, in one sync. Each but the first leaves out a port that was
// free a moment ago.
constexpr int kRounds = 3;

void add_to_state(const WorkerView& view, ProxyState& state) {
  for (const auto& [key, server] : view.servers) {
    ServerState& entry = state.servers[task_of_server(key.second)];
    entry.sessions += server.sessions;
    entry.in = server.up && !server.drained && !server.maintenance;
    entry.draining = server.drained || server.maintenance;
  }
}

// What a worker that a reload replaced still does with its servers. It takes no new connections and no
// commands; a request that comes on a connection it has may go to any server that it knows as up, so none of
// these is idle before every such connection has ended (seconds: see http-keep-alive in haproxy.cpp).
void add_old_worker(const WorkerView& view, ProxyState& state) {
  for (const auto& [key, server] : view.servers) {
    const bool reachable = server.up && !server.drained && !server.maintenance;
    const int sessions = server.sessions + (reachable ? view.undecided : 0);
    if (sessions == 0) continue;
    const auto [entry, fresh] = state.servers.try_emplace(task_of_server(key.second));
    entry->second.sessions += sessions;
    if (fresh) entry->second.draining = true;  // what only it has is on its way out
  }
}

class HaproxyProxy final : public Proxy {
 public:
  HaproxyProxy(ProxySettings settings, const Clock& clock)
      : settings_(std::move(settings)),
        clock_(clock),
        process_(settings_.directory, settings_.haproxy, settings_.cgroup, clock) {}

  Result<ProxyState> sync(const std::vector<RoutedInstance>& wanted, Deadline deadline) override {
    Admission admission = admit(settings_, wanted);
    leave_out_refused(admission);
    // Where the frontends cannot be as wanted, tasks still come and go on those that are.
    const Status served = have_frontends(admission, deadline);
    down_ = served ? "" : served.error().text();
    const Status frontends = Status(served).context("have the load balancer serve what is wanted");
    if (frontends) failed_.clear();
    trouble_ = frontends ? "" : frontends.error().text();
    refused_ = std::move(admission.refused);
    admitted_ = std::move(admission.admitted);
    if (settings_.listens) settings_.listens(open_ports(settings_, admitted_));
    signature_ = has_frontend(settings_, admitted_) ? signature(settings_, admitted_) : "";
    const std::optional<Processes> processes = TRY(process_.running(deadline));
    if (processes) {
      TRY_CONTEXT(have_servers(processes->workers.front(), admitted_, deadline),
                  "tell the load balancer its tasks");
    }
    process_.bound_log();
    if (!processes && !frontends) return frontends.error();
    return observe(deadline);
  }

  Result<ProxyState> observe(Deadline deadline) override {
    ProxyState state;
    state.refused = refused_;
    state.trouble = trouble_;
    const std::optional<Processes> processes = TRY(process_.running(deadline));
    if (!processes) {
      state.in_step = refused_.empty() && signature_.empty();
      if (!signature_.empty()) state.down = down_.empty() ? "HAProxy has ended, and is started again" : down_;
      return state;
    }
    const WorkerView present = TRY(view_of(processes->workers.front(), deadline));
    state.in_step = refused_.empty() && present.signature == signature_ &&
                    commands(present, wanted_servers(present, admitted_), {}).empty();
    if (!trouble_.empty()) add_unserved(present, state);
    add_to_state(present, state);
    for (const pid_t worker : processes->old_workers) {
      const Result<WorkerView> view = view_of(worker, deadline);
      if (view) {
        add_old_worker(*view, state);
      } else if (view.error().code() != ErrorCode::Unavailable) {
        return view.error();  // Unavailable: it has just ended, and its sessions with it
      }
    }
    return state;
  }

  Status stop(Deadline deadline) override {
    refused_.clear();
    admitted_.clear();
    signature_.clear();
    trouble_.clear();
    down_.clear();
    failed_.clear();
    return process_.stop(deadline).context("stop the load balancer");
  }

 private:
  Result<WorkerView> view_of(pid_t worker, Deadline deadline) {
    return parse_worker(TRY(process_.ask(worker, worker_questions(), deadline)));
  }

  // What HAProxy would have to be reloaded for, where it cannot be.
  void add_unserved(const WorkerView& present, ProxyState& state) const {
    for (const RoutedInstance& instance : admitted_) {
      const std::optional<int> port = instance.proxy.port;
      const bool served = present.backends.contains(backend_name(instance.id)) &&
                          (!port || present.frontends.contains(port_frontend_name(*port)));
      if (!served) state.refused.emplace(instance.id, trouble_);
    }
  }

  // Instances that HAProxy's check refused stay out as long as they are what they were.
  void leave_out_refused(Admission& admission) {
    std::erase_if(admission.admitted, [&](const RoutedInstance& instance) {
      const auto known = invalid_.find(instance.id);
      if (known == invalid_.end()) return false;
      if (known->second.signature != signature(settings_, {instance})) {
        invalid_.erase(known);
        return false;
      }
      admission.refused[instance.id] = known->second.reason;
      return true;
    });
  }

  // Why `port` cannot be bound; empty when it can, or is bound by the running HAProxy.
  std::string objection(const std::string& frontend, int port, const std::set<std::string>& bound) {
    if (bound.contains(frontend)) return "";
    const Status free = try_listen(settings_.bind, port);
    if (free) {
      taken_.erase(port);
      return "";
    }
    if (free.error().code() != ErrorCode::Conflict) return free.error().text();
    // Who it is takes reading all of /proc, so it is asked once each time a port turns out to be taken.
    auto known = taken_.find(port);
    if (known == taken_.end()) {
      known = taken_.emplace(port, listener_of(port).value_or("a process that this user may not see")).first;
    }
    return fmt::format("port {} is taken by {}", port, known->second);
  }

  // Ports that cannot be bound are taken off their instances, which stay if there is another way to them.
  void leave_out_taken(Admission& admission, const std::set<std::string>& bound) {
    const auto has_domains = [](const RoutedInstance& instance) { return !instance.proxy.domains.empty(); };
    std::string shared;
    if (std::any_of(admission.admitted.begin(), admission.admitted.end(), has_domains)) {
      shared = objection(std::string(kSharedFrontend), settings_.http_port, bound);
    }
    for (RoutedInstance& instance : admission.admitted) {
      model::Proxy& proxy = instance.proxy;
      if (!shared.empty() && has_domains(instance)) {
        admission.refused[instance.id] = "its domains are not served: " + shared;
        proxy.domains.clear();
      }
      if (!proxy.port) continue;
      const std::string why = objection(port_frontend_name(*proxy.port), *proxy.port, bound);
      if (why.empty()) continue;
      admission.refused[instance.id] = why;
      proxy.port.reset();
    }
    std::erase_if(admission.admitted, [&](const RoutedInstance& instance) {
      return !instance.proxy.port && instance.proxy.domains.empty();
    });
  }

  // Has HAProxy run with the frontends and backends of `admission`, from which it takes what cannot be. One
  // that runs is never ended for it: a fresh start would cost the open connections.
  Status have_frontends(Admission& admission, Deadline deadline) {
    for (int round = 1;; ++round) {
      const std::optional<Processes> processes = TRY(process_.running(deadline));
      WorkerView view;
      if (processes) view = TRY(view_of(processes->workers.front(), deadline));
      leave_out_taken(admission, view.frontends);
      if (!has_frontend(settings_, admission.admitted)) return processes ? process_.stop(deadline) : Status();
      const std::string wanted = signature(settings_, admission.admitted);
      if (view.signature == wanted) return {};
      if (processes) {
        if (const auto why = failed_.objection(wanted, clock_.steady_now())) return *why;
      }
      const size_t admitted = admission.admitted.size();
      const Status good = leave_out_invalid(admission, deadline);
      if (good && admission.admitted.size() != admitted) continue;
      const Status served = good ? change(processes.has_value(), admission.admitted, deadline) : good;
      if (served) return {};
      if (processes) failed_.add(wanted, served.error(), clock_.steady_now());
      if (!good || round == kRounds) return served;
      // A port may have been taken since it was tried: the next round leaves it out. Where none has, the text
      // is the same, and it is not time to try that again.
      log::warning("proxy", "{}", served.error().text());
    }
  }

  Status change(bool runs, const std::vector<RoutedInstance>& instances, Deadline deadline) {
    const std::string text = haproxy_text(settings_, instances);
    const std::string wanted = signature(settings_, instances);
    return runs ? process_.reload(text, wanted, deadline) : process_.start(text, wanted, deadline);
  }

  // Checks the text and leaves out the instances without which it is good.
  Status leave_out_invalid(Admission& admission, Deadline deadline) {
    const Status good = process_.check(haproxy_text(settings_, admission.admitted), deadline);
    if (good || good.error().code() != ErrorCode::Invalid) return good;
    std::vector<RoutedInstance> kept;
    for (const RoutedInstance& instance : admission.admitted) {
      const Status alone = process_.check(haproxy_text(settings_, {instance}), deadline);
      if (!alone && alone.error().code() != ErrorCode::Invalid) return alone;
      if (alone) {
        kept.push_back(instance);
      } else {
        invalid_[instance.id] = {signature(settings_, {instance}), alone.error().text()};
        admission.refused[instance.id] = alone.error().text();
      }
    }
    // Where each is good alone, or none is, it is not one instance's fault but that of what they share.
    if (kept.empty() || kept.size() == admission.admitted.size()) return good;
    admission.admitted = std::move(kept);
    return {};
  }

  // Brings the servers of the present worker in step. One that a reload replaced takes no commands: it ends
  // what it has begun with the servers it had.
  Status have_servers(pid_t worker, const std::vector<RoutedInstance>& instances, Deadline deadline) {
    const WorkerView view = TRY(view_of(worker, deadline));
    const WantedServers wanted = wanted_servers(view, instances);
    const std::set<std::string> unknown = new_addresses(view, wanted);
    const Deadline ready{std::min(deadline.at, clock_.deadline_in(kReadyWait).at)};
    const std::set<std::string> listening = unknown.empty() ? unknown : accepting(unknown, clock_, ready);
    const std::vector<std::string> lines = commands(view, wanted, listening);
    if (lines.empty()) return {};
    const std::vector<std::string> answers = TRY(process_.ask(worker, lines, deadline));
    for (size_t i = 0; i < lines.size(); ++i) {
      if (is_refusal(answers[i])) log::warning("proxy", "\"{}\": {}", lines[i], answers[i]);
    }
    return {};
  }

  struct Invalid {
    std::string signature;  // of the instance alone, as it was refused
    std::string reason;
  };

  const ProxySettings settings_;
  const Clock& clock_;
  HaproxyProcess process_;
  // As of the last sync. Before the first one, what runs is not known to be wanted.
  std::map<model::InstanceId, std::string> refused_;
  std::vector<RoutedInstance> admitted_;
  std::string signature_;  // of what should run; empty: nothing
  std::string trouble_;    // why it does not; empty: it does
  std::string down_;       // the cause alone
  FailedReloads failed_;
  std::map<model::InstanceId, Invalid> invalid_;
  std::map<int, std::string> taken_;  // port -> who has it
};

}  // namespace

std::unique_ptr<Proxy> make_haproxy_proxy(ProxySettings settings, const Clock& clock) {
  return std::make_unique<HaproxyProxy>(std::move(settings), clock);
}

}  // namespace slipway::discovery
