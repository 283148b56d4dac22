// SPDX-License-Identifier: Apache-2.0
// Any bytes as the configuration file: they are read, or refused with Failed in one line that names the file, and what
// was read is within the bounds that the rest of the service relies on.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/value.h"
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
    const UniqueFd fd{::memfd_create("fuzz", MFD_CLOEXEC)};
    require(::write(fd.get(), data, size) == static_cast<ssize_t>(size));
    const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
    try {
        checkRead(loadConfig(path));
    } catch (const Error& error) {
        const std::string message = error.what();
        require(error.code() == Code::Failed && message.starts_with(path + ":"));
        // It goes to the journal and to a terminal.
        require(std::ranges::none_of(message, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
        require(toUtf8(message) == message);
    }
    return 0;
}
