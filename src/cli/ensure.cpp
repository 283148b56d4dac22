// SPDX-License-Identifier: Apache-2.0
#include "cli/ensure.h"

#include <sys/statvfs.h>

#include <filesystem>

#include "base/hex.h"
#include "base/std.h"
#include "cli/arguments.h"
#include "cli/mounts.h"
#include "cli/output.h"
#include "cli/package_file.h"
#include "package/container_name.h"
#include "package/package.h"

namespace northstar::cli {
namespace {

struct Wanted {
    std::string container, repository;
    std::string rootHash;  // empty: not known
};

Wanted wantedFile(const std::string& path, const Arguments& arguments) {
    const Package package = readPackage(path, arguments);
    return {package.manifest.container(), "", package.verity ? toHex(package.verity->rootHash) : std::string{}};
}

// The highest version of a name in one repository; empty if it has none. The service tells it of all together only.
std::string highest(const Json& containers, const std::string& name, const std::string& repository) {
    std::optional<Version> best;
    for (const auto& row : containers) {
        if (row["name"] != name || row["repository"] != repository) continue;
        const auto version = Version::parse(row["version"].get<std::string>());
        if (version && (!best || *best < *version)) best = version;
    }
    return best ? name + ":" + best->text() : std::string{};
}

Wanted wantedContainer(Client& client, const std::string& what, const Arguments& arguments) {
    const Json facts = toJson(client.inspect(what));
    Wanted wanted{facts.value("name", "") + ":" + facts.value("version", ""), facts.value("repository", ""),
                  facts.value("root_hash", "")};
    if (arguments.repository.empty() || arguments.repository == wanted.repository) return wanted;
    const bool versioned = what.find(':') != std::string::npos;
    return {versioned ? what : highest(client.listContainers(), what, arguments.repository), arguments.repository, ""};
}

// The options of a mount are the kernel's to know; on another machine nobody is asked.
bool hasNoexec(const std::string& mountPoint, bool wanted, const Arguments& arguments) {
    struct statvfs mount{};
    if (!arguments.host.empty() || statvfs(mountPoint.c_str(), &mount) != 0) return true;
    return ((mount.f_flag & ST_NOEXEC) != 0) == wanted;
}

}  // namespace

std::optional<Mounted> mountedSo(Client& client, const std::string& what, const Arguments& arguments) {
    const Wanted wanted = isPackagePath(what) ? wantedFile(what, arguments) : wantedContainer(client, what, arguments);
    const State state = client.state();
    std::string place = toJson(state.service).value("run_directory", "") + "/" + wanted.container;
    if (!arguments.target.empty()) place = std::filesystem::weakly_canonical(absolutePath(arguments.target)).string();
    for (const auto& row : mountRows(state)) {
        const std::string mountPoint = row.value("mount_point", "");
        if (row.value("container", "") != wanted.container || row.value("repository", "") != wanted.repository ||
            mountPoint != place || row.value("corrupted", false)) {
            continue;
        }
        if (!wanted.rootHash.empty() && row.value("root_hash", "") != wanted.rootHash) continue;
        if (hasNoexec(mountPoint, arguments.noexec, arguments)) return Mounted{row.value("object", ""), mountPoint};
    }
    return std::nullopt;
}

}  // namespace northstar::cli
