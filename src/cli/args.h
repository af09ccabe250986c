// What was typed after a command's name, checked already against its description.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace slipway::cli {

// Options by their name, arguments by theirs ("INSTANCE"). Asking for a name that the command does not
// declare finds nothing.
class Args {
 public:
  void set(const std::string& name, std::string value) { values_[name] = std::move(value); }
  void set_rest(std::vector<std::string> rest) { rest_ = std::move(rest); }

  bool has(const std::string& name) const { return values_.contains(name); }
  // Empty when absent.
  std::string text(const std::string& name) const;
  std::optional<int> count(const std::string& name) const;
  std::optional<Duration> duration(const std::string& name) const;
  // What stood behind "--".
  const std::vector<std::string>& rest() const { return rest_; }

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> rest_;
};

}  // namespace slipway::cli
