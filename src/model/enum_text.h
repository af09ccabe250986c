// One table for both directions between an enumerator and its word. Used by the .cpp files of model only.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace slipway::model {

template <class Enum, size_t N>
using EnumTable = std::array<std::pair<Enum, std::string_view>, N>;

template <class Enum, size_t N>
std::string_view word_of(const EnumTable<Enum, N>& table, Enum value) {
  for (const auto& [candidate, word] : table) {
    if (candidate == value) return word;
  }
  UNREACHABLE();
}

template <class Enum, size_t N>
std::optional<Enum> value_of(const EnumTable<Enum, N>& table, std::string_view text) {
  for (const auto& [value, word] : table) {
    if (word == text) return value;
  }
  return std::nullopt;
}

}  // namespace slipway::model
