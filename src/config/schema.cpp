// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include "base/error.h"
#include "base/std.h"
#include "config/value.h"

namespace northstar {
namespace {

const std::map<std::string, Verification> kVerifications{{"dm-verity", Verification::DmVerity},
                                                         {"sealed", Verification::Sealed}};

// Northstar's own spelling: "mem", or a table { fs = { dir = "..." } }.
std::string successorOfType(const toml::node& type) {
    if (type.value_exact<std::string>() == "mem") return "it is one of northstar.toml: write type = \"memory\"";
    const auto* table = type.as_table();
    if (table == nullptr || !table->contains("fs")) return {};
    return "it is one of northstar.toml: write type = \"directory\" and dir = \"DIRECTORY\"";
}

void decodeType(TableReader& reader, RepositoryType& type) {
    const auto* node = reader.find("type");
    if (node == nullptr) return;
    const std::string successor = successorOfType(*node);
    if (successor.empty()) {
        reader.choice<RepositoryType>("type", type,
                                      {{"directory", RepositoryType::Directory}, {"memory", RepositoryType::Memory}});
    } else {
        reader.problem(*node, "type", successor);
    }
}

void decodeRepository(RepositoryConfig& repository, TableReader reader) {
    decodeType(reader, repository.type);
    reader.path("dir", repository.dir);
    reader.boolean("watch", repository.watch);
    reader.paths("keys", repository.keys);
    reader.choice("verification", repository.verification, kVerifications);
    reader.boolean("mount_on_start", repository.mountOnStart);
    reader.size("capacity", repository.capacity);
    reader.count("max_containers", repository.maxContainers);
    reader.refuseUnknown("repositories");
}

void decodeRepositories(Config& config, Reading& reading, const toml::table& repositories) {
    TableReader reader{reading, repositories, "repositories."};
    for (const auto& [key, node] : repositories) {
        const std::string name{key.str()};
        if (!isRepositoryName(name)) {
            reader.problem(node, printable(name),
                           "a name is letters, digits, _, - and . only, and does not begin with - or .");
            continue;
        }
        reading.places.try_emplace(keyOf(name), reading.at(node.source()));
        if (!node.is_table()) {
            reader.problem(node, name, "must be a table");
            continue;
        }
        RepositoryConfig& repository = config.repositories[name];
        if (repository.dir.empty()) repository.dir = "/var/lib/northstar/" + name;
        decodeRepository(repository, TableReader{reading, *node.as_table(), keyOf(name) + "."});
    }
}

}  // namespace

void decodeOnto(Config& config, Reading& reading, const toml::table& file) {
    TableReader reader{reading, file, ""};
    reader.ownDirectory("run_dir", config.runDir);
    reader.ownDirectory("state_dir", config.stateDir);
    reader.duration("loop_device_timeout", config.loopDeviceTimeout);
    reader.count("workers", config.workers, 256);
    reader.choice<Authorization>("authorization", config.authorization,
                                 {{"polkit", Authorization::Polkit}, {"root-only", Authorization::RootOnly}});
    if (const auto* limits = reader.table("limits")) {
        TableReader inner{reading, *limits, "limits."};
        inner.count("mounts", config.limits.mounts);
        inner.count("mounts_per_uid", config.limits.mountsPerUid);
        inner.count("pending_calls_per_client", config.limits.pendingCallsPerClient);
        inner.refuseUnknown();
    }
    if (const auto* files = reader.table("files")) {
        TableReader inner{reading, *files, "files."};
        inner.paths("keys", config.fileKeys);
        inner.choice("verification", config.fileVerification, kVerifications);
        inner.refuseUnknown();
    }
    if (const auto* repositories = reader.table("repositories")) decodeRepositories(config, reading, *repositories);
    reader.refuseUnknown("");
}

}  // namespace northstar
