#include "config/compiled_codec.h"

#include <bit>
#include <cstdint>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

namespace slipway::config {

namespace {

// Calls visit(number, part) for each.
template <class Visit>
void visit_parts(Visit& visit, auto&... parts) {
  int tag = 0;
  (visit(++tag, parts), ...);
}

// The fields of each type, by number. Bound by name, so that a field that is added to a type stops the build
// here, where it must be given the next number. A number is never given again.
template <class Visit>
void spec_fields(Visit& visit, auto& value) {
  using T = std::remove_const_t<std::remove_reference_t<decltype(value)>>;
  if constexpr (std::is_same_v<T, model::Image>) {
    auto& [kind, name, digest] = value;
    visit_parts(visit, kind, name, digest);
  } else if constexpr (std::is_same_v<T, model::Resources>) {
    auto& [cpus, cpu_burst_add, mem_mb, disk_mb, gpus, pids] = value;
    visit_parts(visit, cpus, cpu_burst_add, mem_mb, disk_mb, gpus, pids);
  } else if constexpr (std::is_same_v<T, model::Volume>) {
    auto& [container_path, host_path, read_only] = value;
    visit_parts(visit, container_path, host_path, read_only);
  } else if constexpr (std::is_same_v<T, model::HealthCheck>) {
    auto& [mode, uri, cmd, grace_period, interval, timeout, max_failures] = value;
    visit_parts(visit, mode, uri, cmd, grace_period, interval, timeout, max_failures);
  } else if constexpr (std::is_same_v<T, model::NodeSelector>) {
    auto& [attribute, op, values] = value;
    visit_parts(visit, attribute, op, values);
  } else if constexpr (std::is_same_v<T, model::ApartFrom>) {
    auto& [service, instance] = value;
    visit_parts(visit, service, instance);
  } else if constexpr (std::is_same_v<T, model::Placement>) {
    auto& [pool, selectors, max_per_node, max_per, apart_from, spread, packing] = value;
    visit_parts(visit, pool, selectors, max_per_node, max_per, apart_from, spread, packing);
  } else {
    static_assert(std::is_same_v<T, model::TaskSpec>, "give this type its fields");
    auto& [image, cmd, args, env, work_dir, user, resources, container_port, net, volumes, read_only_root,
           health, placement, stop_signal, stop_grace, max_launch_delay, restart_nonce] = value;
    visit_parts(visit, image, cmd, args, env, work_dir, user, resources, container_port, net, volumes,
                read_only_root, health, placement, stop_signal, stop_grace, max_launch_delay, restart_nonce);
  }
}

template <class Visit>
void fields(Visit&& visit, auto& value) {
  using T = std::remove_const_t<std::remove_reference_t<decltype(value)>>;
  if constexpr (std::is_same_v<T, model::InstanceId>) {
    auto& [service, instance] = value;
    visit_parts(visit, service, instance);
  } else if constexpr (std::is_same_v<T, model::Origin>) {
    auto& [file, line, column] = value;
    visit_parts(visit, file, line, column);
  } else if constexpr (std::is_same_v<T, model::Bounce>) {
    auto& [method, margin, min_task_uptime, deadline, canary, canary_time, auto_rollback] = value;
    visit_parts(visit, method, margin, min_task_uptime, deadline, canary, canary_time, auto_rollback);
  } else if constexpr (std::is_same_v<T, model::Drain>) {
    auto& [method, timeout, params] = value;
    visit_parts(visit, method, timeout, params);
  } else if constexpr (std::is_same_v<T, model::Proxy>) {
    auto& [port, mode, domains] = value;
    visit_parts(visit, port, mode, domains);
  } else if constexpr (std::is_same_v<T, model::Instance>) {
    auto& [id, kind, origin, spec, count, min_instances, max_instances, bounce, drain, proxy, deploy_group,
           desired_state, git_sha, undeployed, registrations, deploy_whitelist, deploy_blacklist,
           node_selectors, monitoring, replication_threshold, shown] = value;
    visit_parts(visit, id, kind, origin, spec, count, min_instances, max_instances, bounce, drain, proxy,
                deploy_group, desired_state, git_sha, registrations, deploy_whitelist, deploy_blacklist,
                node_selectors, monitoring, replication_threshold, undeployed, shown);
  } else if constexpr (std::is_same_v<T, Position>) {
    auto& [file, line, column] = value;
    visit_parts(visit, file, line, column);
  } else if constexpr (std::is_same_v<T, Finding>) {
    auto& [at, message, hint, instance, severity] = value;
    visit_parts(visit, at, message, hint, instance, severity);
  } else if constexpr (std::is_same_v<T, Claim>) {
    auto& [kind, name, at, yields] = value;
    visit_parts(visit, kind, name, at, yields);
  } else if constexpr (std::is_same_v<T, CompiledInstance>) {
    auto& [instance, build_at, claims, sound, version_of] = value;
    visit_parts(visit, instance, build_at, claims, sound, version_of);
  } else if constexpr (std::is_same_v<T, PaastaVersion>) {
    auto& [docker_image, registry, git_sha, image_version] = value;
    visit_parts(visit, docker_image, registry, git_sha, image_version);
  } else if constexpr (std::is_same_v<T, CompiledService>) {
    auto& [name, files, instances, findings, versions, whole] = value;
    visit_parts(visit, name, files, instances, findings, versions, whole);
  } else {
    spec_fields(visit, value);
  }
}

template <class T>
constexpr bool kWhole = std::is_integral_v<T> || std::is_enum_v<T>;

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }

  template <class T>
  void put(const T& value) {
    if constexpr (kWhole<T>) {
      // Small numbers of either sign are short.
      const auto whole = static_cast<int64_t>(value);
      number(static_cast<uint64_t>(whole) << 1 ^ static_cast<uint64_t>(whole >> 63));
    } else if constexpr (std::is_same_v<T, double>) {
      number(std::bit_cast<uint64_t>(value));
    } else if constexpr (std::is_same_v<T, Duration>) {
      put(static_cast<int64_t>(value.count()));
    } else if constexpr (std::is_same_v<T, std::string>) {
      number(value.size());
      out_ += value;
    } else if constexpr (std::is_same_v<T, Json>) {
      put(value.is_null() ? std::string() : value.dump());
    } else {
      put_fields(value);
    }
  }
  template <class T>
  void put(const std::optional<T>& value) {
    number(value ? 1 : 0);
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    number(values.size());
    for (const T& value : values) put(value);
  }
  template <class V, class Less>
  void put(const std::map<std::string, V, Less>& values) {
    number(values.size());
    for (const auto& [key, value] : values) {
      put(key);
      put(value);
    }
  }

 private:
  // Each field is its number, its length and itself; a zero ends them.
  template <class T>
  void put_fields(const T& value) {
    fields(
        [this](int tag, const auto& field) {
          number(static_cast<uint64_t>(tag));
          std::string bytes;
          Encoder(bytes).put(field);
          number(bytes.size());
          out_ += bytes;
        },
        value);
    number(0);
  }

  std::string& out_;
};

// Never reads beyond its bytes; once something did not fit, all that follows is nothing.
class Decoder {
 public:
  explicit Decoder(std::string_view in) : in_(in) {}

  bool good() const { return good_; }

  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) break;
      const auto byte = static_cast<unsigned char>(in_.front());
      in_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    good_ = false;
    return 0;
  }

  std::string_view bytes() {
    const uint64_t size = number();
    if (size > in_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

  template <class T>
  void get(T& value) {
    if constexpr (kWhole<T>) {
      const uint64_t coded = number();
      value = static_cast<T>(static_cast<int64_t>(coded >> 1 ^ (~(coded & 1) + 1)));
    } else if constexpr (std::is_same_v<T, double>) {
      value = std::bit_cast<double>(number());
    } else if constexpr (std::is_same_v<T, Duration>) {
      int64_t count = 0;
      get(count);
      value = Duration(count);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = bytes();
    } else if constexpr (std::is_same_v<T, Json>) {
      const std::string_view text = bytes();
      auto json = text.empty() ? Result<Json>(Json()) : Json::parse(text);
      good_ = good_ && json.has_value();
      if (json.has_value()) value = std::move(*json);
    } else {
      get_fields(value);
    }
  }
  template <class T>
  void get(std::optional<T>& value) {
    value.reset();
    if (number() != 0) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& values) {
    values.clear();
    for (uint64_t left = count(); good_ && left > 0; --left) get(values.emplace_back());
  }
  template <class V, class Less>
  void get(std::map<std::string, V, Less>& values) {
    values.clear();
    for (uint64_t left = count(); good_ && left > 0; --left) {
      std::string key;
      get(key);
      get(values[key]);
    }
  }

 private:
  // Of elements, each of which is a byte at least.
  uint64_t count() {
    const uint64_t size = number();
    if (size > in_.size()) good_ = false;
    return good_ ? size : 0;
  }

  template <class T>
  void get_fields(T& value) {
    uint64_t next = number();
    const auto skip_to = [&](uint64_t tag) {
      for (; good_ && next != 0 && next < tag; next = number()) bytes();
    };
    fields(
        [&](int tag, auto& field) {
          skip_to(static_cast<uint64_t>(tag));
          if (!good_ || next != static_cast<uint64_t>(tag)) return;
          Decoder part(bytes());
          part.get(field);
          good_ = good_ && part.good_;
          next = number();
        },
        value);
    skip_to(UINT64_MAX);
  }

  std::string_view in_;
  bool good_ = true;
};

}  // namespace

std::string encode(const CompiledService& service) {
  std::string bytes;
  Encoder(bytes).put(service);
  return bytes;
}

std::optional<CompiledService> decode_service(std::string_view bytes) {
  CompiledService service;
  Decoder decoder(bytes);
  decoder.get(service);
  if (!decoder.good()) return std::nullopt;
  // Positions are looked up among the files.
  const auto known = [&](const Position& at) {
    return at.file >= 0 && static_cast<size_t>(at.file) < service.files.size();
  };
  for (const Finding& finding : service.findings) {
    if (!known(finding.at)) return std::nullopt;
  }
  for (const CompiledInstance& compiled : service.instances) {
    for (const Claim& claim : compiled.claims) {
      if (!known(claim.at)) return std::nullopt;
    }
    if (compiled.build_at != Position() && !known(compiled.build_at)) return std::nullopt;
  }
  return service;
}

}  // namespace slipway::config
