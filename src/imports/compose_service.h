// One service of a compose file as the keys of an instance.
#pragma once

#include <filesystem>

#include "imports/draft.h"

namespace slipway::imports {

struct ComposePaths {
  std::filesystem::path folder;  // of the compose file: its paths are relative to it
  std::filesystem::path into;    // the config tree that is written
};

// Fills `keys`; what has no counterpart is told to the draft. Reads the `env_file`s that it names.
void read_compose_service(const YamlNode& service, const ComposePaths& paths, Json& keys, Draft& draft);

// Its ports: "8080:80", or maps; else what `expose` says.
void read_compose_ports(const YamlNode& service, Json& keys, Draft& draft);
void read_compose_volumes(const YamlNode& volumes, const ComposePaths& paths, Json& keys, Draft& draft);
// `deploy`: how many, how large, where, how replaced.
void read_compose_deploy(const YamlNode& deploy, Json& keys, Draft& draft);

// Cores and memory are in several places; each sets what none before it has set.
void set_compose_cpus(const YamlNode& value, bool limit, Json& keys, Draft& draft);
void set_compose_memory(const YamlNode& value, Json& keys, Draft& draft);

}  // namespace slipway::imports
