// Why a task runs where it would run, or why it can run nowhere: for `why`, `plan`, `simulate` and the API.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/ids.h"

namespace slipway::plan {

// In the order in which they are asked.
enum class Filter {
  NotReady,
  Draining,
  Pool,
  Selector,
  Cpus,
  Mem,
  Disk,
  Gpus,
  HostPort,
  ApartFrom,
  MaxPerNode,
  MaxPer,
};
std::string_view to_text(Filter filter);  // "not_ready", "draining", "pool", ...

// One rule, and the nodes that it was the first to exclude.
struct Exclusion {
  struct Example {
    model::NodeId node;
    std::string has;  // "100 MB free"; empty where there is nothing to add
    bool operator==(const Example&) const = default;
  };

  Filter filter = Filter::NotReady;
  std::string rule;  // what is asked for: "512 MB", "big", "zone In [a, b]"; empty where the filter says all
  int nodes = 0;     // at least 1
  std::vector<Example> examples;  // the first by id, at most kExamples
  std::string text() const;       // "8 lack memory (needs 512 MB; node-3 has 100 MB free, ...)"
  bool operator==(const Exclusion&) const = default;

  static constexpr size_t kExamples = 3;
};

// A node that would do, with all that speaks for it.
struct Choice {
  struct Count {
    std::string attribute;
    std::string value;
    int tasks = 0;  // of the revision, before this one
    bool operator==(const Count&) const = default;
  };

  model::NodeId node;
  std::vector<Count> spread;
  std::string scarcest;      // the resource that would be fullest: "memory"; empty where none is told
  int used_per_mille = 0;    // of it, after placing
  std::string text() const;  // "node-3 (1 task in zone a, 42.5 % of its memory used then)"
  bool operator==(const Choice&) const = default;
};

struct Explanation {
  int nodes = 0;                      // that are known
  int fitting = 0;                    // that pass all filters
  bool ever = false;                  // the question was not "now" but "ever, on empty nodes"
  std::vector<Choice> best;           // of those that pass: the chosen one, then the next, at most kChoices
  std::vector<Exclusion> exclusions;  // most nodes first, then in the order of the filters

  // "no node of 12 can take it: 8 lack memory (...), 3 are not in pool big (...), 1 is draining (node-9)", or
  // "node-3 is the best of 4 of 12 nodes: ...".
  std::string text() const;
  bool operator==(const Explanation&) const = default;

  static constexpr size_t kChoices = 5;
};

Json to_json(const Explanation& explanation);

}  // namespace slipway::plan
