// A compiled service as bytes, to be kept between processes.
//
// Every field has a number of its own for ever: a reader skips those that it does not know and leaves those
// that are missing at their defaults, so that what one version of Slipway has put in force another one still
// understands.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/service_compiler.h"

namespace slipway::config {

std::string encode(const CompiledService& service);
// nullopt where the bytes are none of ours, whatever they are.
std::optional<CompiledService> decode_service(std::string_view bytes);

}  // namespace slipway::config
