// The configurations that are in force, kept in one file between processes: a file that breaks while no
// control plane runs takes nothing away, and a restart compiles only what changed.
//
// The file is a log of records, each whole or not at all: a service's key and its compiled form, the last one
// of a service counts. It is written anew, beside and renamed over, when most of it is outdated; so it is
// bounded by twice what is in force. It may be deleted: then everything is compiled anew, and what is broken
// at that moment has no last good configuration. What is damaged in it is left out, and logged.
//
// find() and last_good() may be called from several threads at once; everything else from one, meanwhile not.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "config/service_compiler.h"
#include "io/file.h"

namespace slipway::config {

class CompiledStore {
 public:
  // Reads what is there; a file that cannot be read counts as empty.
  explicit CompiledStore(std::filesystem::path file);

  // What this very source was compiled to (see source_key); null where that is not known.
  std::shared_ptr<CompiledService> find(const std::string& service, const std::string& key) const;
  // What was in force of the service; null where that is not known.
  std::shared_ptr<CompiledService> last_good(const std::string& service) const;

  // This is what the record of the service holds, so that its bytes are needed no more.
  void keep(const std::string& service, std::shared_ptr<const CompiledService> compiled);
  // Drops the records that nobody has kept or put, and lets go of the file as it was found.
  void drop_others();

  // To be written by flush().
  void put(const std::string& service, const std::string& key,
           std::shared_ptr<const CompiledService> compiled);
  void drop(const std::string& service);
  // Until it succeeds, what was put waits in memory.
  Status flush();

 private:
  struct Record {
    std::string key;
    std::string_view bytes;  // in loaded_; empty where `compiled` is set
    std::shared_ptr<const CompiledService> compiled;
    size_t size = 0;  // in the file
  };

  void load();
  size_t load_record(size_t at);
  static std::string record_of(const std::string& service, const std::string& key, std::string_view bytes);
  Status append(const std::string& records);
  Status rewrite();

  std::filesystem::path file_;
  std::string loaded_;  // the file as it was found
  std::unordered_map<std::string, Record> records_;
  std::map<std::string, bool> pending_;  // service -> it is gone
  size_t file_size_ = 0;
  size_t live_size_ = 0;
  bool whole_ = false;  // the file is one of ours to its end, and can be appended to
};

}  // namespace slipway::config
