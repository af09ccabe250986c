// Where a command's words go: results to standard output, everything else to standard error.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/text.h"

namespace slipway::cli {

enum class Format { Table, Json, Yaml };

// One stream. `terminal`: a person looks at it, so it may be coloured and redrawn.
struct Sink {
  std::function<void(std::string_view)> write;
  bool terminal = false;
  size_t columns = 80;
};

// May be used from several threads as long as each call is a whole line.
class Output {
 public:
  Output(Sink out, Sink err, bool colour);

  // Standard output, as it is.
  void result(std::string_view text) { out_.write(text); }
  // Standard error, as one line.
  void note(std::string_view text);
  void warning(std::string_view text);
  void error(std::string_view text);

  // A machine-readable answer in the format that was asked for; false for a table, which the caller then
  // makes.
  bool structured(Format format, const Json& value);

  const Sink& out() const { return out_; }
  const Sink& err() const { return err_; }
  const Paint& paint() const { return out_paint_; }       // of standard output
  const Paint& note_paint() const { return err_paint_; }  // of standard error

 private:
  Sink out_;
  Sink err_;
  Paint out_paint_;
  Paint err_paint_;
};

// A sink over a file descriptor of this process.
Sink descriptor_sink(int fd);

// Lines that change in place. On a terminal the block is redrawn; elsewhere each line is written when its
// text changes, so a log file reads as a history. Goes to standard error: it is progress, not a result.
class Live {
 public:
  struct Line {
    std::string key;   // whose line it is
    std::string text;  // for people; without ages and the like, or each second would be a change
  };
  explicit Live(Output& output) : output_(output) {}
  void show(const std::vector<Line>& lines);

 private:
  Output& output_;
  size_t drawn_ = 0;  // lines on the terminal now
  std::vector<Line> last_;
};

}  // namespace slipway::cli
