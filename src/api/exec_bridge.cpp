#include "api/exec_bridge.h"

#include <atomic>
#include <cstdio>
#include <system_error>
#include <thread>

#include "api/exec_frame.h"

namespace slipway::api {

namespace {

// How soon one side notices that the other has ended.
constexpr Duration kLook = 200ms;

// The caller's side of a session, and what the two threads tell each other.
class Bridge {
 public:
  Bridge(io::HttpStream& stream, engine::ExecSession& session) : stream_(stream), session_(session) {}

  // Frames of the caller to the command, until either has gone.
  void forward_input() {
    FrameReader frames;
    while (!done_) {
      const auto bytes = stream_.read(kLook);
      if (!bytes.has_value()) break;
      frames.feed(*bytes);
      if (!take(frames)) break;
    }
    caller_gone_ = true;
  }

  // Output of the command to the caller, until either has ended.
  void forward_output() {
    while (!caller_gone_) {
      auto chunk = session_.read(kLook);
      if (!chunk.has_value()) {
        send({FrameType::Error, chunk.error().text()});
        break;
      }
      if (chunk->has_value()) {
        const auto type = (*chunk)->stream == engine::Stream::Out ? FrameType::Stdout : FrameType::Stderr;
        if (!send({type, std::move((*chunk)->data)})) break;
      } else if (session_.finished()) {
        send({FrameType::Exit, std::to_string(session_.exit_code())});
        break;
      }
    }
    done_ = true;
  }

 private:
  // False: what came is no frame of ours, and nothing after it can be.
  bool take(FrameReader& frames) {
    while (true) {
      const auto frame = frames.next();
      if (!frame.has_value()) return false;
      if (!frame->has_value()) return true;
      apply(**frame);
    }
  }

  void apply(const Frame& frame) {
    switch (frame.type) {
      case FrameType::Stdin:
        // A command that reads no more has closed its input; that it still runs is what counts, so what is
        // written to it then goes nowhere, as in a pipe.
        static_cast<void>(frame.payload.empty() ? session_.close_input() : session_.write(frame.payload));
        return;
      case FrameType::Resize: {
        int rows = 0, columns = 0;
        if (std::sscanf(frame.payload.c_str(), "%5d %5d", &rows, &columns) == 2 && rows > 0 && columns > 0) {
          session_.resize(rows, columns);
        }
        return;
      }
      case FrameType::Stdout:
      case FrameType::Stderr:
      case FrameType::Exit:
      case FrameType::Error:
        return;  // only ever sent by us
    }
  }

  bool send(const Frame& frame) { return stream_.write(encode(frame)).has_value(); }

  io::HttpStream& stream_;
  engine::ExecSession& session_;
  std::atomic<bool> done_ = false;
  std::atomic<bool> caller_gone_ = false;
};

}  // namespace

void bridge_exec(io::HttpStream& stream, engine::ExecSession& session) {
  Bridge bridge(stream, session);
  std::thread input;
  try {
    input = std::thread([&] { bridge.forward_input(); });
  } catch (const std::system_error& error) {
    static_cast<void>(
        stream.write(encode({FrameType::Error, std::string("start a thread: ") + error.what()})));
    return;
  }
  bridge.forward_output();
  input.join();
}

}  // namespace slipway::api
