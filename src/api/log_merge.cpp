#include "api/log_merge.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"

namespace slipway::api {

void LogMerge::add(const model::TaskId& task, std::unique_ptr<engine::LogReader> reader) {
  known_.insert(task);
  sources_.push_back({task, std::move(reader), {}, false});
}

Status LogMerge::fill(Source& source, Duration wait) {
  auto lines = TRY_CONTEXT(source.reader->read(wait), "read the log of " + source.task.str());
  source.dry = lines.empty();
  source.lines.insert(source.lines.end(), std::make_move_iterator(lines.begin()),
                      std::make_move_iterator(lines.end()));
  return {};
}

LogMerge::Source* LogMerge::oldest() {
  Source* found = nullptr;
  for (Source& source : sources_) {
    if (source.lines.empty()) continue;
    if (found == nullptr || source.lines.front().at < found->lines.front().at) found = &source;
  }
  return found;
}

void LogMerge::drop_ended() {
  std::erase_if(sources_,
                [](const Source& source) { return source.lines.empty() && source.reader->ended(); });
}

Status LogMerge::keep_last(size_t count) {
  size_t total = 0;
  for (Source& source : sources_) {
    do {
      TRY(fill(source, Duration::zero()));
    } while (!source.dry && source.lines.size() < count);
    total += source.lines.size();
  }
  for (; total > count; --total) oldest()->lines.pop_front();
  return {};
}

Result<std::vector<TaskLine>> LogMerge::next(Duration wait) {
  constexpr size_t kLines = 1000;
  // With several readers, waiting for one means not hearing the others: the waits are short, and each in its
  // turn.
  constexpr Duration kTurn = 50ms;
  std::vector<TaskLine> out;
  for (Source& source : sources_) source.dry = false;
  while (out.size() < kLines) {
    for (Source& source : sources_) {
      if (source.lines.empty() && !source.dry && !source.reader->ended()) TRY(fill(source, Duration::zero()));
    }
    Source* source = oldest();
    if (source == nullptr) break;
    out.push_back({source->task, std::move(source->lines.front())});
    source->lines.pop_front();
  }
  drop_ended();
  if (!out.empty() || sources_.empty()) return out;
  Source& source = sources_[turn_++ % sources_.size()];
  TRY(fill(source, sources_.size() == 1 ? wait : std::min(wait, kTurn)));
  for (engine::LogLine& line : source.lines) out.push_back({source.task, std::move(line)});
  source.lines.clear();
  drop_ended();
  return out;
}

void append_json(std::string& out, const TaskLine& line) {
  out += "{\"at\":\"";
  out += to_text(line.line.at);
  out += line.line.stream == engine::Stream::Out ? "\",\"stream\":\"out\",\"task\":"
                                                 : "\",\"stream\":\"err\",\"task\":";
  out += json_quote(line.task.str());
  out += ",\"text\":";
  out += json_quote(line.line.text);
  out += "}\n";
}

}  // namespace slipway::api
