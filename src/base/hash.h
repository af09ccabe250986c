// SHA-256, for content that names itself: revisions, images, folders.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace slipway {

// Feed bytes, then take the digest once, as 64 lower-case hexadecimal digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace slipway
