// The system calls that a task may make.
//
// An allow list: what is not on it does not exist as far as the task can tell (ENOSYS, so that C libraries
// fall back as they do on an old kernel), and what is known and dangerous (mounting, other namespaces, kernel
// modules, keys, BPF, tracing, clocks, swap, reboot) is refused with EPERM.
#pragma once

#include <string>

#include "base/json.h"

namespace slipway::engine::local {

// The "linux.seccomp" object of an OCI configuration, for the architecture that we run on.
const Json& seccomp_profile();

// The same filter compiled, in base64, for runtimes that take it so (crun's run.oci.seccomp_bpf_data) and
// save the compiling at every start. Compiled once; empty if libseccomp will not.
const std::string& seccomp_program();

}  // namespace slipway::engine::local
