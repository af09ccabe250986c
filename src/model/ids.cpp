#include "model/ids.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::model {

Result<InstanceId> parse_instance_id(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) {
    return Error(ErrorCode::Invalid, fmt::format("'{}' is not of the form service.instance", text));
  }
  return InstanceId{std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}

bool is_name(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (text.empty() || text.size() > 63 || !alphanumeric(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '_'; });
}

}  // namespace slipway::model
