// SPDX-License-Identifier: Apache-2.0
// Any bytes as the configuration file: they are read, or refused with Failed in one line for each problem, which all
// fit into one that names the file; and what was read is within the bounds that the rest of the service relies on.
#include <chrono>
#include <string>

#include "base/error.h"
#include "config/config.h"
#include "config/value.h"
#include "fuzz/memory.h"
#include "fuzz/require.h"

using namespace northstar;

namespace {

void checkRead(const Config& config) {
    require(config.runDir.starts_with('/') && config.stateDir.starts_with('/'));
    require(!isWithin(config.runDir, config.stateDir) && !isWithin(config.stateDir, config.runDir));
    require(config.workers <= 256);
    require(config.loopDeviceTimeout.count() >= 0 && config.loopDeviceTimeout <= std::chrono::hours{24});
    for (const auto& [name, repository] : config.repositories) {
        require(isRepositoryName(name));
        require(repository.dir.starts_with('/') == (repository.type == RepositoryType::Directory));
        for (const auto& key : repository.keys) require(key.starts_with('/'));
    }
    for (const auto& key : config.fileKeys) require(key.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const UniqueFd file = test::memoryWith({data, size});
    const std::string path = test::pathOf(file);
    try {
        checkRead(loadConfig({path}));
    } catch (const ConfigError& error) {
        const std::string message = error.what();
        require(error.code() == Code::Failed && message.starts_with(path + ":"));
        require(test::isOneLine(message));
        require(!error.lines().empty());
        for (const auto& line : error.lines()) require(test::isOneLine(line));
    }
    return 0;
}
