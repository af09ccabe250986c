// The API of a control plane: HTTP/1.1 and JSON. See docs/reference/api.md, which its routes write.
#pragma once

#include <memory>

#include "api/context.h"
#include "io/event_loop.h"
#include "io/http.h"

namespace slipway::api {

// Lives on the loop; owns a small pool of threads for whatever may block. Created on the loop's thread or
// before the loop runs, and destroyed so: then it stops listening, ends its streams and waits for the
// handlers under way, each of which is bounded by its deadline.
class ApiServer {
 public:
  static Result<std::unique_ptr<ApiServer>> start(io::EventLoop& loop, const io::Endpoint& endpoint,
                                                  reconcile::Control& control, ServerFacts facts,
                                                  const Clock& clock);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;

  // Where it is reached, with the port it got for "host:0".
  const io::Endpoint& endpoint() const;

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::api
