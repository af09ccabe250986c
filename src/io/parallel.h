// The same work on many items, on as many threads as are worth it.
#pragma once

#include <cstddef>
#include <functional>

namespace slipway::io {

// The cores that this process may use; at least 1.
int usable_cores();

// Calls work(0) to work(count - 1), each once, in no order, on up to `threads` threads of which the caller's
// is one, and returns when all are done. Few items are not worth a thread: these run here.
void parallel_for(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace slipway::io
