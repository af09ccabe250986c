// What the folders that images are built from hold, hashed once and again only when something in them
// changed.
//
// Used by one thread.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace slipway::config {

class BuildFolders {
 public:
  // A new look at the disk begins: what is asked from now on is held against it, each folder once.
  void look_again() { ++look_; }

  // The hash of the folder's content, or what is wrong with it. Many instances share one folder.
  const Result<std::string>& content_of(const std::string& folder);

  // Forgets folders that nobody has asked for since look_again().
  void forget_unused();

 private:
  struct Known {
    std::string stamp;  // of the content that was hashed; empty where there is none
    Result<std::string> content;
    uint64_t look = 0;  // in which it was held against the disk
  };

  std::map<std::string, Known> folders_;
  uint64_t look_ = 0;
};

}  // namespace slipway::config
