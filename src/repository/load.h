// SPDX-License-Identifier: Apache-2.0
// Reading the configuration, the keys and all repositories, at start and on Reload.
#pragma once

#include <stop_token>

#include "base/std.h"
#include "config/config.h"
#include "config/layers.h"
#include "package/keys.h"
#include "repository/catalog.h"
#include "repository/repository.h"
#include "repository/watch.h"

namespace northstar {

struct ContainerOf {
    std::string container, repository;
};

// Between what a repository held and what it holds.
struct Difference {
    std::vector<std::string> gone, came;  // containers; in both: another package of that name
    bool any = false;                     // these, or something else that callers can see
};

struct Loaded {
    Config config;
    Catalog::Repositories repositories;
    KeyRing fileKeys;
    std::vector<ContainerOf> dropped;               // from memory repositories: their new keys did not sign them
    std::map<std::string, Difference> differences;  // of watched repositories, by name: what was changed by hand
    std::vector<std::string> problems;              // repositories that could not be read and are as they were
    std::vector<std::string> files;                 // of the configuration
    bool complete = false;                          // the repositories have been read
};

// The configuration and its keys; the repositories hold nothing yet. Blocks. Throws ConfigError with all that is wrong.
[[nodiscard]] Loaded loadSettings(const ConfigSource& source);

// What they hold. Packages that `previous` knows unchanged are not read again, those of memory repositories are taken
// over; where the keys are others now, all are checked again. A directory that does not answer is as it was before
// (patient_load.h), and so are all once the stop is asked for. Blocks. Throws Failed.
void readRepositories(Loaded& loaded, const Catalog::Repositories& previous, const std::stop_token& stop);

// What a look at a watched repository found.
struct Looked {
    std::shared_ptr<const Repository> repository;  // as it is now; null: as it was
    Difference difference{};
    bool again = false;  // look again, a second later: no event will tell
};

// Reads the directory of a watched repository again if what its watch has seen, or what was `noted`, changes anything.
// As with readRepositories(), what is more than `room` containers is refused, and a directory that does not answer is
// as it was; then the repository has no watch any more. Blocks.
[[nodiscard]] Looked lookAgain(const std::shared_ptr<const Repository>& before, Noted noted, std::size_t room,
                               const std::stop_token& stop);

// Both. Throws Failed: then nothing has changed.
[[nodiscard]] Loaded loadAll(const ConfigSource& source, const Catalog::Repositories& previous,
                             const std::stop_token& stop = {});

}  // namespace northstar
