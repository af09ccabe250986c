#include "engine/fake/process.h"

#include <csignal>

#include <fmt/format.h>

namespace slipway::engine::fake {
namespace {

model::Exit exit_with(int code) {
  model::Exit exit;
  exit.code = code;
  return exit;
}

model::Exit death_by(int signal, bool out_of_memory = false) {
  model::Exit exit;
  exit.signal = signal;
  exit.oom_killed = out_of_memory;
  return exit;
}

Process::Pause ended(model::Exit exit) {
  return {exit, std::nullopt};
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

// The volume that holds `path`, if one does. Volumes are sorted by path, so the last that fits is the
// innermost.
const model::Volume* volume_of(const model::TaskSpec& spec, const std::string& path) {
  const model::Volume* found = nullptr;
  for (const model::Volume& volume : spec.volumes) {
    if (path.starts_with(volume.container_path + "/")) found = &volume;
  }
  return found;
}

std::string host_path(const model::Volume& volume, const std::string& path) {
  return volume.host_path + path.substr(volume.container_path.size());
}

}  // namespace

Process::Pause Process::run() {
  while (next_ < program_.size()) {
    const Instruction& instruction = program_[next_++];
    if (auto pause = step(instruction)) return *pause;
  }
  return ended(exit_with(0));
}

std::optional<Process::Pause> Process::step(const Instruction& instruction) {
  switch (instruction.verb) {
    case Verb::Print:
      around_.print(Stream::Out, instruction.text);
      return std::nullopt;
    case Verb::Error:
      around_.print(Stream::Err, instruction.text);
      return std::nullopt;
    case Verb::Count:
      for (int64_t i = 1; i <= instruction.number; ++i) around_.print(Stream::Out, std::to_string(i));
      return std::nullopt;
    case Verb::Long:
      around_.print(Stream::Out, std::string(static_cast<size_t>(instruction.number), 'x'));
      return std::nullopt;
    case Verb::Wait:
      return Pause{std::nullopt, Duration(instruction.number)};
    case Verb::Forever:
      --next_;
      return Pause{};
    case Verb::Listen:
      listening_ = true;
      return std::nullopt;
    case Verb::While:
      answers_while_ = instruction.text;
      return std::nullopt;
    case Verb::Status:
      status_ = static_cast<int>(instruction.number);
      return std::nullopt;
    case Verb::Mute:
      status_.reset();
      return std::nullopt;
    case Verb::Heed:
      heed_ = instruction.text;
      return std::nullopt;
    case Verb::Ignore:
      ignore_ = instruction.text;
      return std::nullopt;
    case Verb::Exit:
      return ended(exit_with(static_cast<int>(instruction.number)));
    case Verb::Die:
      return ended(death_by(static_cast<int>(instruction.number)));
    case Verb::Eat:
      if (instruction.number <= around_.revision->spec.resources.mem_mb) return std::nullopt;
      return ended(death_by(SIGKILL, true));
    case Verb::Dump:
      dump();
      return std::nullopt;
    case Verb::Write:
    case Verb::Append:
    case Verb::Cat:
    case Verb::Need:
      return touch_file(instruction);
    case Verb::EchoInput: {
      const Pause pause = echo_input();
      if (input_closed_) return std::nullopt;
      --next_;
      return pause;
    }
  }
  return std::nullopt;
}

std::optional<Process::Pause> Process::touch_file(const Instruction& instruction) {
  const std::string& path = instruction.text;
  if (instruction.verb == Verb::Write || instruction.verb == Verb::Append) {
    std::string* content = file_for_writing(path);
    if (!content) {
      around_.print(Stream::Err, path + ": Read-only file system");
      return ended(exit_with(1));
    }
    if (instruction.verb == Verb::Write) content->clear();
    *content += instruction.second;
    return std::nullopt;
  }
  const std::string* content = file(path);
  if (!content) {
    around_.print(Stream::Err, path + ": No such file or directory");
    return ended(exit_with(1));
  }
  if (instruction.verb == Verb::Cat) around_.print(Stream::Out, *content);
  return std::nullopt;
}

Process::Pause Process::echo_input() {
  size_t start = 0;
  for (size_t end = input_.find('\n'); end != std::string::npos; end = input_.find('\n', start)) {
    around_.print(Stream::Out, input_.substr(start, end - start));
    start = end + 1;
  }
  input_.erase(0, start);
  return Pause{};
}

// The lines that the contract suite reads: "argv HEX", "environ HEX" (as in /proc: entries end with a zero
// byte), "cwd PATH", "uid N".
void Process::dump() {
  std::string argv, environ;
  for (const std::string& word : *around_.argv) argv += word + '\0';
  for (const auto& [name, value] : *around_.env) environ += name + "=" + value + '\0';
  const model::TaskSpec& spec = around_.revision->spec;
  around_.print(Stream::Out, "argv " + hex(argv));
  around_.print(Stream::Out, "environ " + hex(environ));
  around_.print(Stream::Out, "cwd " + (spec.work_dir.empty() ? "/" : spec.work_dir));
  around_.print(Stream::Out, "uid " + (spec.user.empty() ? "0" : spec.user.substr(0, spec.user.find(':'))));
}

std::string* Process::file_for_writing(const std::string& path) {
  const model::TaskSpec& spec = around_.revision->spec;
  if (const model::Volume* volume = volume_of(spec, path)) {
    return volume->read_only ? nullptr : &(*around_.host)[host_path(*volume, path)];
  }
  return spec.read_only_root ? nullptr : &(*around_.layer)[path];
}

const std::string* Process::file(const std::string& path) const {
  const model::Volume* volume = volume_of(around_.revision->spec, path);
  const Files& files = volume ? *around_.host : *around_.layer;
  const auto found = files.find(volume ? host_path(*volume, path) : path);
  return found == files.end() ? nullptr : &found->second;
}

bool Process::heeds_stop() {
  const std::string& signal = around_.revision->spec.stop_signal;
  if (heed_) around_.print(Stream::Out, *heed_ + " " + signal);
  if (ignore_) around_.print(Stream::Out, *ignore_ + " " + signal);
  return !ignore_;
}

std::optional<model::Exit> Process::heeded() const {
  if (heed_) return exit_with(0);
  return std::nullopt;
}

void Process::write_input(std::string_view bytes) {
  input_ += bytes;
}

bool Process::listens() const {
  return listening_ && (answers_while_.empty() || file(answers_while_) != nullptr);
}

std::optional<int> Process::http_status() const {
  return listens() ? status_ : std::nullopt;
}

}  // namespace slipway::engine::fake
