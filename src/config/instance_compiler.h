// One instance: the settings in force in, the model's value out, with what does not fit together told.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/finding.h"
#include "config/reader.h"
#include "model/instance.h"

namespace slipway::config {

struct InstanceContext {
  model::InstanceId id;
  std::string cluster;
  std::filesystem::path folder;  // of the service, absolute
  Position at;                   // where the instance is declared
};

// Values that the schema refuses read as defaults; see Reader.
model::Instance read_instance(const Reader& reader, const InstanceContext& context);

// Adds a finding for what the schema cannot see: forms of text, and keys that need or exclude each other.
// `instance` is what read_instance made of the same reader.
void check_instance(const Reader& reader, const InstanceContext& context, const model::Instance& instance,
                    std::vector<Finding>& findings);

}  // namespace slipway::config
