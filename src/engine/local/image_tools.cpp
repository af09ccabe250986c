#include "engine/local/image_tools.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <sched.h>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "base/text.h"
#include "io/file.h"

namespace slipway::engine::local {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPolicy = "/etc/containers/policy.json";
constexpr const char* kRegistries = "/etc/containers/registries.conf";
// Enough to see the step that failed and what it said.
constexpr size_t kReasonLines = 6;
constexpr size_t kReasonBytes = 1200;

// The thread that starts a tool waits for its end, so the tool ends early only with the whole process: nobody
// would want its work. buildah passes this on to the commands of a build.
int die_with_us() {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? 0 : errno;
}

// buildah mounts its storage; here nobody else sees it, and it goes with the process.
int leave_mount_table() {
  if (const int error = die_with_us(); error != 0) return error;
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 ? 0 : errno;
}

Status run_tool(io::Command command, const std::string& package, const ToolTerms& terms) {
  if (!command.setup) command.setup = die_with_us;
  const Result<io::Finished> finished = io::run(command, terms.clock, terms.deadline, &terms.cancellation);
  if (!finished && finished.error().code() == ErrorCode::NotFound) {
    return Error(ErrorCode::Unavailable, package + " is not installed: apt-get install " + package);
  }
  if (!finished) return finished.error();
  if (finished->ok()) return {};
  return image_error(trim(finished->err).empty() ? finished->out : finished->err);
}

// The text of `msg="..."`, unquoted; the line itself where there is none.
std::string message_of(std::string_view line) {
  const size_t start = line.find("msg=\"");
  if (start == std::string_view::npos) return std::string(line);
  std::string out;
  for (size_t i = start + 5; i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) ++i;
    out += line[i];
  }
  return out;
}

ErrorCode code_of(std::string_view text) {
  struct Sign {
    std::string_view words;
    ErrorCode code;
  };
  static constexpr Sign kSigns[] = {
      {"no space left on device", ErrorCode::Exhausted},
      {"disk quota exceeded", ErrorCode::Exhausted},
      {"manifest unknown", ErrorCode::NotFound},
      {"name unknown", ErrorCode::NotFound},
      {"repository name not known", ErrorCode::NotFound},
      {"no such file or directory", ErrorCode::NotFound},
      {"no descriptor found for reference", ErrorCode::NotFound},
      {"not found", ErrorCode::NotFound},
      {"unauthorized", ErrorCode::Unauthorized},
      {"authentication required", ErrorCode::Unauthorized},
      {"denied", ErrorCode::Unauthorized},
      {"connection refused", ErrorCode::Unavailable},
      {"no such host", ErrorCode::Unavailable},
      {"temporary failure in name resolution", ErrorCode::Unavailable},
      {"server misbehaving", ErrorCode::Unavailable},
      {"network is unreachable", ErrorCode::Unavailable},
      {"timeout", ErrorCode::Unavailable},
      {"dial tcp", ErrorCode::Unavailable},
      {"toomanyrequests", ErrorCode::Unavailable},
  };
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  for (const Sign& sign : kSigns) {
    if (lower.find(sign.words) != std::string::npos) return sign.code;
  }
  return ErrorCode::Invalid;
}

// Overlay does not stack on overlay (in a container, say); plain copies work everywhere.
std::string storage_driver(const fs::path& storage) {
  struct statfs info {};
  const bool overlay = ::statfs(storage.c_str(), &info) == 0 && info.f_type == OVERLAYFS_SUPER_MAGIC;
  return overlay ? "vfs" : "overlay";
}

io::Command buildah(const fs::path& storage, std::vector<std::string> words) {
  io::Command command;
  command.argv = {"buildah",       "--root",           storage / "root",       "--runroot",
                  storage / "run", "--storage-driver", storage_driver(storage)};
  const fs::path registries = storage / "registries.conf";
  if (io::exists(registries)) command.argv.insert(command.argv.end(), {"--registries-conf", registries});
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.setup = leave_mount_table;
  command.setup_name = "leave the host's mount table";
  return command;
}

// "FROM user/image" means Docker Hub, as it does to Docker, unless the host's own configuration says
// otherwise.
Status write_registries(const fs::path& storage) {
  const Result<std::string> host = io::read_file(kRegistries);
  const std::string text = host ? *host : "";
  for (const std::string& line : split(text, '\n')) {
    if (trim(line).starts_with("unqualified-search-registries"))
      return io::remove_all(storage / "registries.conf");
  }
  return io::write_file(storage / "registries.conf",
                        "unqualified-search-registries = [\"docker.io\"]\n" + text);
}

// Without a policy file neither tool does anything; with one it is obeyed.
Result<std::vector<std::string>> policy_words(const fs::path& storage) {
  if (io::exists(kPolicy)) return std::vector<std::string>{};
  const fs::path policy = storage / "policy.json";
  TRY(io::write_file(policy, R"({"default": [{"type": "insecureAcceptAnything"}]})"));
  return std::vector<std::string>{"--signature-policy", policy};
}

Result<Json> read_blob(const fs::path& layout, const std::string& digest) {
  const size_t colon = digest.find(':');
  if (colon == std::string::npos || digest.find('/') != std::string::npos) {
    return Error(ErrorCode::Invalid, "malformed digest " + digest);
  }
  return Json::parse(
      TRY(io::read_file(layout / "blobs" / digest.substr(0, colon) / digest.substr(colon + 1))));
}

// What image makers call this machine.
std::string architecture() {
  utsname machine{};
  ::uname(&machine);
  const std::string name = machine.machine;
  if (name == "x86_64") return "amd64";
  if (name == "aarch64") return "arm64";
  return name;
}

}  // namespace

Error image_error(std::string_view complaint) {
  std::vector<std::string> lines;
  for (const std::string& line : split(complaint, '\n')) {
    if (!trim(line).empty()) lines.push_back(message_of(trim(line)));
  }
  if (lines.size() > kReasonLines) lines.erase(lines.begin(), lines.end() - kReasonLines);
  std::string reason = lines.empty() ? "it gave no reason" : join(lines, "\n");
  if (reason.size() > kReasonBytes) reason = "..." + reason.substr(reason.size() - kReasonBytes);
  return Error(lines.empty() ? ErrorCode::Internal : code_of(lines.back()), std::move(reason));
}

bool is_local_registry(std::string_view source) {
  constexpr std::string_view kTransport = "docker://";
  if (!source.starts_with(kTransport)) return false;
  source.remove_prefix(kTransport.size());
  std::string_view host = source.substr(0, source.find('/'));
  if (host == "[::1]" || host.starts_with("[::1]:")) return true;
  host = host.substr(0, host.find(':'));
  if (host == "localhost") return true;
  // As an address and not as text: 127.example.com is a name, and may be anybody's.
  in_addr address{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

Status copy_image(const std::string& source, const fs::path& layout, const ToolTerms& terms) {
  io::Command command;
  command.argv = {"skopeo"};
  if (!io::exists(kPolicy)) command.argv.emplace_back("--insecure-policy");
  command.argv.insert(command.argv.end(), {"copy", "--quiet", "--dest-oci-accept-uncompressed-layers"});
  if (is_local_registry(source)) command.argv.emplace_back("--src-tls-verify=false");
  command.argv.insert(command.argv.end(), {source, "oci:" + layout.string() + ":latest"});
  return run_tool(command, "skopeo", terms);
}

Status build_image(const fs::path& folder, const fs::path& storage, const fs::path& layout,
                   const ToolTerms& terms) {
  fs::path file;
  for (const char* name : {"Dockerfile", "Containerfile"}) {
    if (file.empty() && io::exists(folder / name)) file = folder / name;
  }
  if (file.empty()) return Error(ErrorCode::NotFound, "there is no Dockerfile in " + folder.string());
  TRY(io::make_directories(storage, 0700));
  TRY(write_registries(storage));
  const std::vector<std::string> policy = TRY(policy_words(storage));
  const std::string name = "localhost/slipway/" + layout.parent_path().filename().string();

  // Folders of build contexts come in any case; names of images do not.
  std::string tag = name;
  std::transform(tag.begin(), tag.end(), tag.begin(), [](unsigned char c) { return std::tolower(c); });
  std::vector<std::string> words = {"bud", "--isolation", "chroot", "--layers", "--format", "oci"};
  words.insert(words.end(), policy.begin(), policy.end());
  words.insert(words.end(), {"-t", tag, "-f", file, folder});
  TRY_CONTEXT(run_tool(buildah(storage, words), "buildah", terms), "build " + folder.string());

  words = {"push", "--quiet", "--disable-compression", "--format", "oci"};
  words.insert(words.end(), policy.begin(), policy.end());
  words.insert(words.end(), {tag, "oci:" + layout.string() + ":latest"});
  const Status pushed = run_tool(buildah(storage, words), "buildah", terms);
  // The name has served; the layers below it stay for the next build, as far as the cache's bound allows.
  (void)run_tool(buildah(storage, {"untag", tag}), "buildah", terms);
  if (!pushed) return pushed.error().context("take the built image of " + folder.string());
  return {};
}

Status sweep_builds(const fs::path& storage, const ToolTerms& terms) {
  if (!io::exists(storage / "root")) return {};
  return run_tool(buildah(storage, {"rm", "--all"}), "buildah", terms).context("remove unfinished builds");
}

Status drop_build_cache(const fs::path& storage, const ToolTerms& terms) {
  return run_tool(buildah(storage, {"rmi", "--all", "--force"}), "buildah", terms);
}

Result<LayoutImage> read_layout(const fs::path& layout) {
  const std::string what = "read the image's description";
  const Json index = TRY_CONTEXT(Json::parse(TRY(io::read_file(layout / "index.json"))), what);
  if (index.at("manifests").as_array().empty())
    return Error(ErrorCode::Invalid, what, Error(ErrorCode::Invalid, "no manifest"));
  LayoutImage image;
  image.digest = index.at("manifests").as_array().front().at("digest").as_string();
  const Json manifest = TRY_CONTEXT(read_blob(layout, image.digest), what);
  const Json config = TRY_CONTEXT(read_blob(layout, manifest.at("config").at("digest").as_string()), what);
  const std::string& made_for = config.at("architecture").as_string();
  if (!made_for.empty() && made_for != architecture()) {
    return Error(ErrorCode::Invalid,
                 fmt::format("the image is for {}, this machine is {}", made_for, architecture()));
  }
  image.config = image_config_from_json(config.at("config"));
  return image;
}

Status unpack_image(const fs::path& layout, const fs::path& rootfs, const ToolTerms& terms) {
  io::Command command;
  command.argv = {"umoci", "raw", "unpack", "--image", layout.string() + ":latest", rootfs};
  return run_tool(command, "umoci", terms).context("unpack the image");
}

Result<std::string> normalize_reference(std::string_view reference) {
  reference = trim(reference);
  if (reference.empty()) return Error(ErrorCode::Invalid, "the image's reference is empty");
  for (const char c : reference) {
    if (static_cast<unsigned char>(c) <= ' ') {
      return Error(ErrorCode::Invalid, fmt::format("image `{}`: a reference has no spaces", reference));
    }
  }
  for (const std::string_view transport : {"docker://", "oci:", "oci-archive:", "docker-archive:", "dir:"}) {
    if (reference.starts_with(transport)) return std::string(reference);
  }
  const size_t scheme = reference.find("://");
  if (scheme != std::string_view::npos) {
    return Error(ErrorCode::Invalid, fmt::format("image `{}`: unknown transport `{}://`; docker://, oci:, "
                                                 "docker-archive: and dir: are known",
                                                 reference, reference.substr(0, scheme)));
  }
  return "docker://" + std::string(reference);
}

ImageConfig image_config_from_json(const Json& json) {
  ImageConfig config;
  for (const Json& word : json.at("Entrypoint").as_array()) config.entrypoint.push_back(word.as_string());
  for (const Json& word : json.at("Cmd").as_array()) config.cmd.push_back(word.as_string());
  for (const Json& entry : json.at("Env").as_array()) {
    const std::string& text = entry.as_string();
    const size_t equals = text.find('=');
    if (equals != std::string::npos) config.env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  config.user = json.at("User").as_string();
  config.work_dir = json.at("WorkingDir").as_string();
  config.stop_signal = json.at("StopSignal").as_string();
  for (const auto& [name, ignored] : json.at("ExposedPorts").as_object()) {
    // "8080/tcp", "53/udp", "80"
    const size_t slash = name.find('/');
    int port = 0;
    std::from_chars(name.data(), name.data() + std::min(slash, name.size()), port);
    const bool tcp = slash == std::string::npos || name.substr(slash) == "/tcp";
    if (port > 0 && port < 65536 && tcp) config.exposed_tcp_ports.push_back(port);
  }
  std::sort(config.exposed_tcp_ports.begin(), config.exposed_tcp_ports.end());
  return config;
}

}  // namespace slipway::engine::local
