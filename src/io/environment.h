// The variables of this process, as a value that tests can make up.
#pragma once

#include <map>
#include <string>

namespace slipway::io {

// As they are now; entries without '=' are no variables.
std::map<std::string, std::string> environment();

}  // namespace slipway::io
