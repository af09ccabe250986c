#include "cli/output.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/ioctl.h>

#include "base/text.h"
#include "base/yaml_text.h"

namespace slipway::cli {

namespace {

// A reader that has gone (`| head`) ends us by SIGPIPE, as it should; any other failure (a full disk) leaves
// nobody to tell, so the rest is dropped.
void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

Sink descriptor_sink(int fd) {
  Sink sink;
  sink.write = [fd](std::string_view text) { write_all(fd, text); };
  sink.terminal = isatty(fd) == 1;
  winsize size{};
  if (sink.terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) sink.columns = size.ws_col;
  return sink;
}

Output::Output(Sink out, Sink err, bool colour)
    : out_(std::move(out)),
      err_(std::move(err)),
      out_paint_(colour && out_.terminal),
      err_paint_(colour && err_.terminal) {}

void Output::note(std::string_view text) {
  err_.write(std::string(text) + "\n");
}

void Output::warning(std::string_view text) {
  err_.write(err_paint_(Colour::Yellow, fmt::format("warning: {}", text)) + "\n");
}

void Output::error(std::string_view text) {
  err_.write(fmt::format("{} {}\n", err_paint_(Colour::Red, "error:"), printable(text)));
}

bool Output::structured(Format format, const Json& value) {
  switch (format) {
    case Format::Table:
      return false;
    case Format::Json:
      result(value.dump(2) + "\n");
      return true;
    case Format::Yaml:
      result(yaml_text(value));
      return true;
  }
  return false;
}

void Live::show(const std::vector<Line>& lines) {
  const Sink& sink = output_.err();
  if (sink.terminal) {
    std::string frame;
    if (drawn_ > 0) frame = fmt::format("\x1b[{}A\x1b[J", drawn_);
    for (const Line& line : lines) frame += clip(line.text, sink.columns) + "\n";
    sink.write(frame);
    drawn_ = lines.size();
  } else {
    for (const Line& line : lines) {
      const auto before = std::ranges::find(last_, line.key, &Line::key);
      if (before == last_.end() || before->text != line.text) sink.write(line.text + "\n");
    }
  }
  last_ = lines;
}

}  // namespace slipway::cli
