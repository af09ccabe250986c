// Small questions about text that the standard library does not answer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);

// The candidate nearest to `word` by edit distance (insert, delete, replace, swap neighbours), if it is near
// enough to be what was meant: at most a third of the word's length away, at least 1. Ties go to the earlier
// candidate.
std::optional<std::string> did_you_mean(std::string_view word, std::span<const std::string> candidates);

// Length in bytes of the valid UTF-8 sequence at the front of `text`; 0 if there is none (overlong forms and
// surrogates are not valid).
size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

// "512 B", "1.5 KiB", "20 MiB".
std::string bytes_text(uint64_t bytes);

// `text` safe for a terminal: control bytes but tab and newline become \xNN.
std::string printable(std::string_view text);

// A word for a shell: quoted where the shell would read it otherwise.
std::string shell_quote(std::string_view word);

}  // namespace slipway
