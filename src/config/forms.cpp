#include "config/forms.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/ids.h"

namespace slipway::config {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <class Accepts>
bool all(std::string_view text, Accepts accepts) {
  return !text.empty() && std::all_of(text.begin(), text.end(), accepts);
}

bool is_number(std::string_view text) {
  return text.size() <= 10 && all(text, is_digit);
}

bool is_visible(char c) {
  return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
}

bool is_host_label(std::string_view text) {
  return text.size() <= 63 && all(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }) &&
         text.front() != '-' && text.back() != '-';
}

}  // namespace

bool is_absolute_path(std::string_view text) {
  return text.starts_with('/') && all(text, [](char c) { return c == ' ' || is_visible(c); });
}

bool is_environment_name(std::string_view text) {
  return all(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; }) &&
         !is_digit(text.front());
}

bool is_user(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos)
    return is_number(text.substr(0, colon)) && is_number(text.substr(colon + 1));
  if (!text.empty() && is_digit(text.front())) return is_number(text);
  return text.size() <= 32 &&
         all(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }) &&
         text.front() != '-';
}

bool is_host_name(std::string_view text) {
  if (text.size() > 253) return false;
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    if (!is_host_label(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_host_label(text);
}

bool is_uri_path(std::string_view text) {
  return text.starts_with('/') && all(text, is_visible);
}

bool is_drain_call(std::string_view text) {
  for (const std::string_view method : {"GET ", "POST "}) {
    if (text.starts_with(method)) return is_uri_path(text.substr(method.size()));
  }
  return is_uri_path(text);
}

bool is_registration(std::string_view text) {
  const size_t dot = text.find('.');
  return dot != std::string_view::npos && model::is_name(text.substr(0, dot)) &&
         model::is_name(text.substr(dot + 1));
}

bool is_image_reference(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme != std::string_view::npos && text.substr(0, scheme) != "docker") return false;
  return all(text, is_visible) && text != "docker://";
}

bool is_bind_address(std::string_view text) {
  return text == "*" || is_host_name(text) || all(text, [](char c) { return is_hexadecimal(c) || c == ':'; });
}

}  // namespace slipway::config
