// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "base/std.h"
#include "cli/checks.h"
#include "cli/system.h"

namespace northstar::cli {
namespace {

constexpr int kMajor = 5, kMinor = 6;  // openat2(2), by which packages are opened

struct Feature {
    const char* name;
    const char* option;
    const char* module = nullptr;  // nullptr: a part of another one
    bool required = false;
    std::optional<bool> tried{};
};

std::string buildWith(const std::string& option) {
    return fmt::format("build the kernel with CONFIG_{}=y or =m", option);
}

Check checkOf(const System& system, const Feature& feature) {
    Check check{feature.name, Check::State::Ok, feature.required, "", ""};
    const auto lacks = [&](const std::string& found, const std::string& mend) {
        check.state = Check::State::Lacks;
        check.found = found;
        check.mend = mend;
        return check;
    };
    const auto option = system.option(feature.option);
    const std::string setting = option ? fmt::format("CONFIG_{}={}", feature.option, *option) : "";
    const bool module = feature.module != nullptr && system.hasModule(feature.module);
    if (feature.tried == true) {
        check.found = option && *option != 'n' ? setting : "the kernel has it";
    } else if (option == 'n') {
        return lacks(fmt::format("CONFIG_{} is not set", feature.option), buildWith(feature.option));
    } else if (option == 'm' && feature.module != nullptr && !module) {
        return lacks(
            fmt::format("{}, but the module {} is not installed", setting, feature.module),
            fmt::format("install the modules of the kernel (Debian: apt install linux-image-{}), or build with "
                        "CONFIG_{}=y",
                        system.release(), feature.option));
    } else if (feature.tried == false) {
        return lacks("the kernel refuses it",
                     feature.module != nullptr
                         ? fmt::format("modprobe {}; or {}", feature.module, buildWith(feature.option))
                         : buildWith(feature.option));
    } else if (option) {
        check.found = setting;
    } else if (module) {
        check.found = fmt::format("module {}", feature.module);
    } else {
        check.state = Check::State::Unknown;
        check.found = fmt::format("CONFIG_{} cannot be told: there is no configuration of the kernel", feature.option);
    }
    return check;
}

Check versionCheck(const System& system) {
    Check check{"kernel", Check::State::Ok, true, "Linux " + system.release(), ""};
    int major = 0, minor = 0;
    // NOLINTNEXTLINE(cert-err34-c): what is no number is not converted, which is told by the result
    if (std::sscanf(system.release().c_str(), "%d.%d", &major, &minor) != 2) {
        check.state = Check::State::Unknown;
        check.found = "no kernel and no modules are installed below the root";
    } else if (std::pair{major, minor} < std::pair{kMajor, kMinor}) {
        check.state = Check::State::Lacks;
        check.mend = fmt::format("install Linux {}.{} or newer", kMajor, kMinor);
    }
    return check;
}

Check nodeCheck(const System& system, const char* node, const char* module, bool required) {
    Check check{std::string{"device "} + node, Check::State::Ok, required, "is there", ""};
    if (system.has(node)) return check;
    check.state = Check::State::Lacks;
    check.found = "is missing";
    check.mend = fmt::format("modprobe {}; in a container, give it the device", module);
    return check;
}

}  // namespace

std::vector<Check> kernelChecks(const System& system, bool needsVerity) {
    const bool live = system.isThis();
    const auto tried = [&](std::optional<bool> (*question)()) { return live ? question() : std::nullopt; };
    const auto filesystem = [&](const char* name) { return live ? tryFilesystem(name) : std::nullopt; };
    std::vector<Check> checks{versionCheck(system)};
    const auto add = [&](const Feature& feature) { checks.push_back(checkOf(system, feature)); };
    add({"loop devices", "BLK_DEV_LOOP", "loop", true, tried(tryLoop)});
    add({"squashfs", "SQUASHFS", "squashfs", false, filesystem("squashfs")});
    const auto squashfs = checks.size() - 1;
    add({"squashfs, gzip", "SQUASHFS_ZLIB"});
    add({"squashfs, lz4", "SQUASHFS_LZ4"});
    add({"squashfs, lzo", "SQUASHFS_LZO"});
    add({"squashfs, xz", "SQUASHFS_XZ"});
    add({"squashfs, zstd", "SQUASHFS_ZSTD"});
    add({"erofs", "EROFS_FS", "erofs", false, filesystem("erofs")});
    // One of the two is enough.
    const bool neither = checks[squashfs].state == Check::State::Lacks && checks.back().state == Check::State::Lacks;
    checks[squashfs].required = checks.back().required = neither;
    add({"erofs, compressed", "EROFS_FS_ZIP"});
    add({"dm-verity", "DM_VERITY", "dm-verity", needsVerity, tried(tryVerity)});
    if (checks.back().state == Check::State::Lacks) {
        checks.back().mend += ", or set verification = \"sealed\" in /etc/northstar/mounter.toml";
    }
    add({"sha256", "CRYPTO_SHA256", "sha256_generic", needsVerity, tried(trySha256)});
    add({"user namespaces", "USER_NS"});
    if (live) {
        checks.push_back(nodeCheck(system, "/dev/loop-control", "loop", true));
        checks.push_back(nodeCheck(system, "/dev/mapper/control", "dm-mod", false));  // the service makes it
    }
    return checks;
}

}  // namespace northstar::cli
