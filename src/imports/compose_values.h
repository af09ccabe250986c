// The small languages inside a compose file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::imports {

using Variables = std::map<std::string, std::string, std::less<>>;

// Lines `NAME=value` of an environment file: comments, `export`, quotes. A line without `=` is left out.
Variables read_variables(std::string_view text);

// `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`, `${NAME+other}`,
// `${NAME:?message}` and `$$`. Names that are not set are empty text, and are added to `missing`. Invalid
// where the form is none, or a variable that must be set is not.
Result<std::string> interpolate(std::string_view text, const Variables& variables,
                                std::vector<std::string>& missing);

// "1m30s", "500ms", "10s" in seconds.
std::optional<double> duration_seconds(std::string_view text);

// "512m", "1.5gb", "1048576" in MB, rounded up.
std::optional<int64_t> size_mb(std::string_view text);

// The words of a command line, by the shell's quoting rules and nothing more; nullopt where a quote is left
// open.
std::optional<std::vector<std::string>> shell_words(std::string_view line);

}  // namespace slipway::imports
