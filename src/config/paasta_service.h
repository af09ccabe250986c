// The instances of one service in PaaSTA's layout.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/service_compiler.h"

namespace slipway::config {

// One file that was read, as far as it is a map.
struct PaastaFile {
  FileRole role = FileRole::Unused;
  std::string_view stem;
  const std::string* path = nullptr;
  const YamlNode* root = nullptr;
};

struct PaastaFiles {
  const YamlNode* service = nullptr;  // each null where there is no such file
  const YamlNode* monitoring = nullptr;
  const YamlNode* smartstack = nullptr;
  const YamlNode* deployments = nullptr;
  std::vector<PaastaFile> others;  // of instances, and autotuned
};

// Adds the instances and findings of these files to `compiled`. `taken`: instances that our own files
// declare.
void compile_paasta(const PaastaFiles& files, const std::string& cluster, const std::set<std::string>& taken,
                    CompiledService& compiled);

}  // namespace slipway::config
