// A config tree that is compiled again and again, each time only what changed.
//
// For every service it keeps how it was last compiled and which configuration is in force: the newest one
// without errors. So a file that breaks takes nothing away, and a service changes whole or not at all. What
// only one may have is granted anew among the services that share it alone.
//
// Used by one thread at a time; compiles on several. What it hands out is shared with it and never changes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "config/build_folders.h"
#include "config/config.h"
#include "config/service_compiler.h"
#include "config/service_source.h"
#include "model/instance.h"

namespace slipway::config {

class CompiledStore;

struct TreeOptions {
  std::filesystem::path folder;
  std::string cluster;
  Holders holders = {};            // who is reached by what as it begins; later, by what is in force
  int threads = 1;                 // to compile on, the caller's among them
  CompiledStore* store = nullptr;  // what is kept between processes; borrowed, may be null
};

class Tree {
 public:
  explicit Tree(TreeOptions options) : options_(std::move(options)) {}

  // Holds every service against the disk, by names, sizes, times and inodes, and compiles those that changed.
  // An error only where the tree itself cannot be read; then everything stays as it was.
  Status look_at_all();

  // The same for these entries of the root folder alone, whatever their times say.
  Status look_at(const std::set<std::string>& names);

  const model::Desired& desired() const { return desired_; }
  // False: something was being written while it was read, and is as it was before. Look again soon.
  bool at_rest() const { return at_rest_; }
  // Why what is in force could not be kept for the next process; tried again when something changes.
  const Status& stored() const { return stored_; }

 private:
  struct Service {
    std::string stamp;                                // of the files when they were read; empty: read again
    std::string key;                                  // of what was read
    Layout layout = Layout::Slipway;                  // with which it was read
    bool told = true;                                 // its files tell the layout
    std::shared_ptr<const CompiledService> compiled;  // from the files as they are
    std::shared_ptr<const CompiledService> wanted;    // the same, as the other services let it be
    std::shared_ptr<const CompiledService> in_force;  // null: none is known
    std::vector<Finding> build_findings;
    std::vector<Finding> findings;    // all of them, with what others have
    std::vector<std::string> builds;  // folders
    std::vector<uint64_t> keys;       // hashes of what it wants or has and only one may have
    bool gone = false;                // no longer in the tree
    bool broken() const;
  };
  using Services = std::map<std::string, Service>;
  struct Read {
    std::string stamp;
    std::string key;
    std::shared_ptr<const CompiledService> compiled;  // null: what was read is as it was
    bool stored = false;                              // it was in force when an earlier process ended
  };

  Status look_at_all(std::set<std::string> touched);  // these changed already
  Read read(const ServiceFolder& folder, bool by_stamp) const;
  std::set<std::string> take(const std::vector<ServiceFolder>& folders, bool by_stamp);
  void remove(const std::string& name);
  bool resolve_builds(Service& service);
  void resolve_where_built(const std::set<std::string>& names, std::set<std::string>& touched);
  void mention(const std::string& name, Service& service);
  void settle(std::set<std::string> touched);
  const PaastaVersion* borrowed_version(const CompiledInstance& compiled) const;
  std::shared_ptr<const CompiledService> as_wanted(const Service& service,
                                                   const std::vector<Finding>& clashes) const;
  Layout layout_otherwise() const;
  std::set<std::string> sharing_with(const std::set<std::string>& touched) const;
  void add_held(const std::string& name, const Service& service, Holders& held) const;
  void put_in_force(const std::string& name, Service& service);
  void publish(const std::set<std::string>& services);
  void publish_problems();
  void check_root();

  TreeOptions options_;
  BuildFolders builds_;
  Services services_;
  std::unordered_multimap<uint64_t, const std::string*> mentions_;  // Service::keys -> name
  std::vector<model::Problem> root_problems_;
  std::set<std::string> troubled_;      // services with findings
  std::set<std::string> borrowers_;     // services that run the version of another one
  Layout otherwise_ = Layout::Slipway;  // of services whose files do not tell
  model::Desired desired_;
  bool at_rest_ = true;
  Status stored_;
};

}  // namespace slipway::config
