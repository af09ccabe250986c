#include "sim/timeline.h"

#include <algorithm>

#include "base/json.h"

namespace slipway::sim {

std::string text_of(const std::vector<Entry>& entries, size_t count) {
  std::string text;
  for (size_t i = entries.size() - std::min(count, entries.size()); i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const std::string who = entry.plane == 0 ? "world" : fmt::format("plane {}", entry.plane);
    text += fmt::format("{:>10.3f}s  {:<8} {:<9} {}\n", static_cast<double>(entry.at.count()) / 1000, who,
                        entry.kind, entry.text);
  }
  return text;
}

std::string json_lines_of(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    Json json;
    json["at_ms"] = static_cast<int64_t>(entry.at.count());
    json["plane"] = entry.plane;
    json["kind"] = entry.kind;
    json["text"] = entry.text;
    text += json.dump() + "\n";
  }
  return text;
}

}  // namespace slipway::sim
