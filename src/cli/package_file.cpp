// SPDX-License-Identifier: Apache-2.0
#include "cli/package_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <mutex>
#include <system_error>

#include "base/error.h"
#include "base/hex.h"
#include "cli/failure.h"
#include "cli/progress.h"
#include "config/config.h"
#include "package/bytes.h"
#include "package/image/hash_tree.h"
#include "package/image/superblock.h"
#include "package/keys.h"

namespace northstar::cli {
namespace {

// Those of the service, as far as this user can read them: a package whose key is not among them is just not verified.
KeyRing configuredKeys() {
    KeyRing keys;
    const auto addAll = [&keys](const std::vector<std::string>& paths) {
        for (const auto& path : paths) {
            try {
                keys.add(loadPublicKey(path));
            } catch (const Error&) {}
        }
    };
    try {
        const Config config = loadConfig({});
        addAll(config.fileKeys);
        for (const auto& [name, repository] : config.repositories) addAll(repository.keys);
    } catch (const Error&) {}
    return keys;
}

KeyRing keysFor(const Arguments& arguments) {
    if (arguments.keys.empty()) return configuredKeys();
    KeyRing keys;
    for (const auto& path : arguments.keys) keys.add(loadPublicKey(path));
    return keys;
}

}  // namespace

bool isPackagePath(const std::string& word) {
    if (word.ends_with(".npk") || word.starts_with('/') || word.starts_with("./") || word.starts_with("../")) {
        return true;
    }
    std::error_code ignored;
    return word.find('/') != std::string::npos && std::filesystem::exists(word, ignored);
}

std::string absolutePath(const std::string& path) {
    auto absolute = std::filesystem::absolute(path).lexically_normal().string();
    while (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
    return absolute;
}

UniqueFd openFile(const std::string& path) {
    UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!file) throw fileError("Cannot open " + printable(path), errno);
    return file;
}

Package readPackage(const std::string& path, const Arguments& arguments) {
    auto file = openFile(path);
    struct stat status{};
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        throw Error{Code::InvalidPackage,
                    fmt::format("{} is no package: it is a directory or a device, no file", printable(path))};
    }
    return openPackage(std::move(file), keysFor(arguments), SignaturePolicy::Optional, path);
}

std::string containerOf(const std::string& word, const Arguments& arguments) {
    return isPackagePath(word) ? readPackage(word, arguments).manifest.container() : word;
}

Json factsOf(const Package& package, const std::string& path) {
    const Manifest& manifest = package.manifest;
    Json facts{{"name", manifest.name}, {"version", manifest.version.text()}};
    if (manifest.init) facts["init"] = *manifest.init;
    facts["uid"] = manifest.uid;
    facts["gid"] = manifest.gid;
    if (manifest.mountContext) facts["selinux_mount_context"] = *manifest.mountContext;
    if (manifest.execContext) facts["selinux_exec"] = *manifest.execContext;
    facts["file"] = path;
    facts["size"] = package.identity.size;
    facts["format"] = package.format;
    facts["image_offset"] = package.image.offset;
    facts["image_size"] = package.image.size;
    facts["filesystem"] = northstar::toString(package.filesystem);
    facts["signed"] = package.isSigned;
    facts["verified"] = package.verified();
    facts["root_hash"] = package.verity ? toHex(package.verity->rootHash) : std::string{};
    facts["signer"] = package.signer;
    if (package.verity) {
        facts["data_blocks"] = package.verity->dataBlocks;
        facts["hash_blocks"] = package.verity->hashBlocks();
        facts["block_size"] = Verity::kBlockSize;
    }
    return facts;
}

void verifyPackage(const Package& package, const std::string& path) {
    if (!package.verity) {
        throw Error{Code::InvalidSignature,
                    fmt::format("Cannot verify {}: none of the keys signed it; give the right one with --key FILE",
                                printable(path))};
    }
    const int file = package.fd.get();
    const auto tree = HashTree::load(file, package.image, *package.verity);
    Progress progress{path};
    std::mutex mutex;  // several threads read
    std::uint64_t done = 0, shown = 0;
    tree.verifyData(file, package.image, 0, {}, [&](std::uint64_t, Bytes data) {
        constexpr std::uint64_t kStep = std::uint64_t{16} << 20;  // some steps a second
        const std::lock_guard lock{mutex};
        done += data.size();
        if (done - shown < kStep) return;
        shown = done;
        progress.show(done, package.dataSize());
    });
}

}  // namespace northstar::cli
