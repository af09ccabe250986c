// The names of things. See docs/internals/glossary.md for the words.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace slipway::model {

using slipway::to_text;  // of times and durations, which this folder's own overloads would hide

using TaskId = Id<struct TaskTag>;  // "shop-web-main-3f9c2b7a-x7k2p": unique for ever within a cluster
using RevisionId = Id<struct RevisionTag>;  // "3f9c2b7a41d0": see revision.h
using NodeId = Id<struct NodeTag>;

// One named way of running a service in a cluster. Written "service.instance".
struct InstanceId {
  std::string service;
  std::string instance;

  std::string text() const { return service + "." + instance; }
  auto operator<=>(const InstanceId&) const = default;
};

// Reads "service.instance"; the first dot separates. Invalid when a part is missing.
Result<InstanceId> parse_instance_id(std::string_view text);

// Names of services and instances: letters, digits, '-', '_', starting with a letter or digit, 1 to 63 long.
bool is_name(std::string_view text);

}  // namespace slipway::model

template <>
struct std::hash<slipway::model::InstanceId> {
  size_t operator()(const slipway::model::InstanceId& id) const {
    return std::hash<std::string>()(id.text());
  }
};
