// SPDX-License-Identifier: Apache-2.0
// Reading the configuration, the keys and all repositories, at start and on Reload.
#pragma once

#include <string>
#include <vector>

#include "bus/core.h"

namespace northstar::bus {

struct ContainerOf {
    std::string container, repository;
};

struct Loaded {
    Config config;
    Catalog::Repositories repositories;
    KeyRing fileKeys;
    std::vector<ContainerOf> dropped;  // from memory repositories: their new keys did not sign them
};

// Blocks. Packages that `previous` knows unchanged are not read again, those of memory repositories are taken over;
// where the keys are others now, all are checked again. Throws Failed: then nothing has changed.
[[nodiscard]] Loaded loadAll(const std::string& configPath, const Catalog::Repositories& previous);

// Puts it in force. What cannot change while running (run_dir, state_dir, workers) is logged and stays. Bus thread.
void applyLoaded(Core& core, Loaded loaded);

}  // namespace northstar::bus
