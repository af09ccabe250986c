// Included before any header of Boost.Asio: settings that all of its users in this folder must share.
#pragma once

// The thread sanitiser does not know fences, on which asio's handlers need not rely: every queue they pass
// through is locked.
#if defined(__SANITIZE_THREAD__)
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#endif
