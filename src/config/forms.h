// The forms that texts must have: questions with yes or no, about one text each.
#pragma once

#include <string_view>

namespace slipway::config {

bool is_absolute_path(std::string_view text);     // "/a/b", nothing but printable characters
bool is_environment_name(std::string_view text);  // letters, digits, '_', '.', '-'; not first a digit
bool is_user(std::string_view text);              // a name, a number, or "uid:gid"
bool is_host_name(std::string_view text);         // "shop.example.com"
bool is_uri_path(std::string_view text);          // "/status?full=1": begins with '/', no blanks
bool is_drain_call(std::string_view text);        // "POST /drain", "GET /drained", "/drain"
bool is_registration(std::string_view text);      // "service.namespace"
bool is_image_reference(std::string_view text);   // of a kind that we read, without blanks
bool is_bind_address(std::string_view text);      // an address or host name, or "*"

}  // namespace slipway::config
