#include "engine/local/seccomp.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <seccomp.h>
#include <span>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "base/log.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace {

// Everything a program may do without asking what for, by subject. Names that an architecture or the
// installed libseccomp does not know are passed over.
constexpr std::string_view kAllowed[] = {
    // files and folders
    "access", "chdir", "chmod", "chown", "chown32", "chroot", "close", "close_range", "copy_file_range",
    "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate",
    "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64",
    "fdatasync", "flock", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
    "ftruncate64", "futimesat", "getcwd", "getdents", "getdents64", "ioctl", "lchown", "lchown32", "link",
    "linkat", "_llseek", "lseek", "lstat", "lstat64", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat",
    "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev",
    "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2",
    "rmdir", "sendfile", "sendfile64", "splice", "stat", "stat64", "statfs", "statfs64", "statx", "symlink",
    "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate", "truncate64", "umask", "unlink",
    "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes", "vmsplice", "write", "writev",
    "fgetxattr", "flistxattr", "fremovexattr", "fsetxattr", "getxattr", "lgetxattr", "listxattr",
    "llistxattr", "lremovexattr", "lsetxattr", "removexattr", "setxattr", "name_to_handle_at",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
    // waiting for descriptors and events
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "fanotify_mark", "inotify_add_watch",
    "inotify_init", "inotify_init1", "inotify_rm_watch", "_newselect", "poll", "ppoll", "ppoll_time64",
    "pselect6", "pselect6_time64", "select", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime",
    "timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "io_cancel", "io_destroy", "io_getevents",
    "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit",
    // memory
    "brk", "cachestat", "get_mempolicy", "madvise", "map_shadow_stack", "mbind", "membarrier", "memfd_create",
    "memfd_secret", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mremap", "mseal",
    "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "remap_file_pages", "set_mempolicy", "set_mempolicy_home_node", "process_mrelease",
    // processes and threads (clone is below, with its condition)
    "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex",
    "futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "get_robust_list",
    "get_thread_area", "getcpu", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom",
    "getrlimit", "getrusage", "getsid", "gettid", "ioprio_get", "ioprio_set", "kill", "modify_ldt",
    "nanosleep", "pause", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64",
    "process_vm_readv", "process_vm_writev", "ptrace", "restart_syscall", "rseq", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
    "sched_rr_get_interval", "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr",
    "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp", "set_robust_list", "set_thread_area",
    "set_tid_address", "setpgid", "setpriority", "setrlimit", "setsid", "tgkill", "times", "tkill",
    "ugetrlimit", "uretprobe", "vfork", "wait4", "waitid", "waitpid", "kcmp",
    // users and groups
    "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32",
    "getresgid", "getresgid32", "getresuid", "getresuid32", "getuid", "getuid32", "setfsgid", "setfsgid32",
    "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setregid", "setregid32",
    "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setuid", "setuid32",
    // signals
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sigaltstack", "signal", "sigaction",
    "sigpending", "sigprocmask", "sigreturn", "sigsuspend",
    // time, but setting it (adjtimex reads it; changing it takes a capability that tasks lack)
    "adjtimex", "alarm", "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
    "clock_nanosleep", "clock_nanosleep_time64", "getitimer", "gettimeofday", "setitimer", "time",
    "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime",
    "timer_settime64",
    // networks (socket is below, with its condition)
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv",
    "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown", "socketcall", "socketpair",
    // messages and memory shared between processes
    "ipc", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64",
    "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl",
    "semget", "semop", "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt", "shmget",
    // about the system
    "sysinfo", "uname", "arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "set_tls",
    "get_tls", "sync_file_range2", "statmount", "listmount"};

// Known, and known to reach beyond the task.
constexpr std::string_view kRefused[] = {"acct",
                                         "add_key",
                                         "bpf",
                                         "clock_adjtime",
                                         "clock_adjtime64",
                                         "clock_settime",
                                         "clock_settime64",
                                         "delete_module",
                                         "fanotify_init",
                                         "finit_module",
                                         "fsconfig",
                                         "fsmount",
                                         "fsopen",
                                         "fspick",
                                         "init_module",
                                         "ioperm",
                                         "iopl",
                                         "kexec_file_load",
                                         "kexec_load",
                                         "keyctl",
                                         "lookup_dcookie",
                                         "migrate_pages",
                                         "mount",
                                         "mount_setattr",
                                         "move_mount",
                                         "move_pages",
                                         "nfsservctl",
                                         "open_by_handle_at",
                                         "open_tree",
                                         "perf_event_open",
                                         "pivot_root",
                                         "quotactl",
                                         "quotactl_fd",
                                         "reboot",
                                         "request_key",
                                         "setdomainname",
                                         "sethostname",
                                         "setns",
                                         "settimeofday",
                                         "stime",
                                         "swapoff",
                                         "swapon",
                                         "sysfs",
                                         "syslog",
                                         "umount",
                                         "umount2",
                                         "unshare",
                                         "uselib",
                                         "userfaultfd",
                                         "ustat",
                                         "vhangup",
                                         "vm86",
                                         "vm86old"};

// A rule that looks at one argument: "equal to value", or "equal to value where mask has bits".
struct Condition {
  std::string_view call;
  bool allowed;
  uint32_t argument;
  std::optional<uint64_t> mask;
  uint64_t value;
};

// New namespaces of any kind: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
constexpr uint64_t kNamespaceFlags[] = {0x00020000, 0x02000000, 0x04000000, 0x08000000,
                                        0x10000000, 0x20000000, 0x40000000};
// clone3 hides its flags in memory that a filter cannot read. It stays ENOSYS, upon which C libraries use
// clone.
#if defined(__s390__)
constexpr uint32_t kCloneFlags = 1;
#else
constexpr uint32_t kCloneFlags = 0;
#endif
// AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET (which wants a capability that tasks lack). The rest
// (vsock, AF_ALG, bluetooth, ...) has been the way into the kernel more often than it was of use.
constexpr uint64_t kSocketFamilies[] = {1, 2, 10, 16, 17};
// PER_LINUX, PER_LINUX32, UNAME26 of both, and "tell me".
constexpr uint64_t kPersonalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};

std::vector<Condition> conditions() {
  std::vector<Condition> all;
  uint64_t any = 0;
  for (const uint64_t flag : kNamespaceFlags) {
    all.push_back({"clone", false, kCloneFlags, flag, flag});
    any |= flag;
  }
  all.push_back({"clone", true, kCloneFlags, any, 0});
  for (const uint64_t family : kSocketFamilies) all.push_back({"socket", true, 0, std::nullopt, family});
  for (const uint64_t value : kPersonalities) all.push_back({"personality", true, 0, std::nullopt, value});
  return all;
}

Json::Array architectures() {
  switch (::seccomp_arch_native()) {
    case SCMP_ARCH_X86_64:
      return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
    case SCMP_ARCH_AARCH64:
      return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
    default:
      return {};  // the runtime's own
  }
}

Json names_rule(std::span<const std::string_view> names, bool allowed) {
  Json rule;
  for (const std::string_view name : names) rule["names"].push_back(name);
  rule["action"] = allowed ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO";
  if (!allowed) rule["errnoRet"] = EPERM;
  return rule;
}

Json condition_rule(const Condition& condition) {
  Json rule = names_rule({&condition.call, 1}, condition.allowed);
  Json argument;
  argument["index"] = condition.argument;
  argument["op"] = condition.mask ? "SCMP_CMP_MASKED_EQ" : "SCMP_CMP_EQ";
  argument["value"] = condition.mask ? *condition.mask : condition.value;
  if (condition.mask) argument["valueTwo"] = condition.value;
  rule["args"].push_back(std::move(argument));
  return rule;
}

Json build_profile() {
  Json profile;
  profile["defaultAction"] = "SCMP_ACT_ERRNO";
  profile["defaultErrnoRet"] = ENOSYS;
  profile["architectures"] = architectures();
  profile["syscalls"].push_back(names_rule(kAllowed, true));
  profile["syscalls"].push_back(names_rule(kRefused, false));
  for (const Condition& condition : conditions()) profile["syscalls"].push_back(condition_rule(condition));
  return profile;
}

struct FilterDeleter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};

// False when libseccomp knows the call and yet refuses the rule.
bool add_names(scmp_filter_ctx filter, std::span<const std::string_view> names, uint32_t action) {
  for (const std::string_view name : names) {
    const int call = ::seccomp_syscall_resolve_name(std::string(name).c_str());
    if (call != __NR_SCMP_ERROR && ::seccomp_rule_add(filter, action, call, 0) != 0) return false;
  }
  return true;
}

bool add_condition(scmp_filter_ctx filter, const Condition& condition) {
  const int call = ::seccomp_syscall_resolve_name(std::string(condition.call).c_str());
  scmp_arg_cmp compare{condition.argument, condition.mask ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
                       condition.mask ? *condition.mask : condition.value,
                       condition.mask ? condition.value : 0};
  const uint32_t action = condition.allowed ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM);
  return ::seccomp_rule_add_array(filter, action, call, 1, &compare) == 0;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<uint8_t>(bytes[at + i]) : 0U);
    for (size_t i = 0; i < 4; ++i) text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

std::string export_program(scmp_filter_ctx filter) {
  const io::Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid() || ::seccomp_export_bpf(filter, file.get()) != 0) return "";
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  std::string program(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  if (::pread(file.get(), program.data(), program.size(), 0) != size) return "";
  return base64(program);
}

std::string build_program() {
  const std::unique_ptr<void, FilterDeleter> filter(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) return "";
  if (::seccomp_arch_native() == SCMP_ARCH_X86_64) ::seccomp_arch_add(filter.get(), SCMP_ARCH_X86);
  if (::seccomp_arch_native() == SCMP_ARCH_AARCH64) ::seccomp_arch_add(filter.get(), SCMP_ARCH_ARM);
  // A binary tree instead of a list: every system call of every task walks through it.
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  bool complete = add_names(filter.get(), kAllowed, SCMP_ACT_ALLOW) &&
                  add_names(filter.get(), kRefused, SCMP_ACT_ERRNO(EPERM));
  for (const Condition& condition : conditions())
    complete = complete && add_condition(filter.get(), condition);
  std::string program = complete ? export_program(filter.get()) : "";
  if (program.empty())
    log::warning("engine.local", "cannot compile the seccomp filter; the runtime compiles it instead");
  return program;
}

}  // namespace

const Json& seccomp_profile() {
  static const Json profile = build_profile();
  return profile;
}

const std::string& seccomp_program() {
  static const std::string program = build_program();
  return program;
}

}  // namespace slipway::engine::local
