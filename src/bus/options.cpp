// SPDX-License-Identifier: Apache-2.0
#include "bus/options.h"

#include <fmt/format.h>

#include <set>
#include <variant>

#include "base/error.h"
#include "base/path.h"
#include "base/slow_close.h"
#include "engine/mount_plan.h"
#include "kernel/device.h"

namespace northstar::bus {
namespace {

constexpr const char* kNoInteraction = "auth.no_user_interaction";

class Reader {
public:
    explicit Reader(const Options& options) : options_{options} { value<bool>(kNoInteraction, "b"); }

    template <typename T>
    T value(const std::string& key, const char* type) {
        known_.insert(key);
        const auto it = options_.find(key);
        if (it == options_.end()) return {};
        const T* found = std::get_if<T>(&it->second);
        if (found == nullptr)
            throw Error{Code::InvalidArgs, fmt::format("The option {} must be of type {}", key, type)};
        return *found;
    }

    void refuseUnknown() const {
        for (const auto& [key, value] : options_) {
            if (known_.contains(key)) continue;
            std::string names;
            for (const auto& name : known_) names += (names.empty() ? "" : ", ") + name;
            throw Error{Code::InvalidArgs,
                        fmt::format("Unknown option {}; this method knows {}", printable(key), names)};
        }
    }

private:
    const Options& options_;
    std::set<std::string> known_;
};

VerityMode decodeVerity(const std::string& mode) {
    for (const VerityMode known : {VerityMode::Eio, VerityMode::Restart, VerityMode::Panic}) {
        if (mode == toString(known)) return known;
    }
    throw Error{Code::InvalidArgs, "The option verity must be eio, restart or panic, not " + printable(mode)};
}

}  // namespace

MountRequest decodeMountOptions(const Options& options, MountKind kind) {
    MountRequest decoded;
    Reader reader{options};
    decoded.noexec = reader.value<bool>("noexec", "b");
    const auto verity = reader.value<std::string>("verity", "s");
    if (options.contains("verity")) decoded.verity = decodeVerity(verity);
    if (kind == MountKind::Container || kind == MountKind::File) {
        const auto target = reader.value<std::string>("target", "s");
        if (options.contains("target")) decoded.target = normalPath(target, "The target");
    }
    if (kind == MountKind::File) {
        decoded.allowUnverified = reader.value<bool>("allow_unverified", "b");
    } else {
        decoded.repository = reader.value<std::string>("repository", "s");
    }
    reader.refuseUnknown();
    return decoded;
}

UnmountMode decodeUnmountOptions(const Options& options) {
    Reader reader{options};
    const bool lazy = reader.value<bool>("lazy", "b");
    reader.refuseUnknown();
    return lazy ? UnmountMode::Lazy : UnmountMode::Now;
}

std::string decodeRepository(const Options& options) {
    Reader reader{options};
    std::string repository = reader.value<std::string>("repository", "s");
    reader.refuseUnknown();
    return repository;
}

std::shared_ptr<CallerFd> decodeOpenOptions(const Options& options) {
    Reader reader{options};
    auto userNamespace = reader.value<std::shared_ptr<CallerFd>>("userns", "h");
    reader.refuseUnknown();
    return userNamespace;
}

void refuseOptions(const Options& options) { Reader{options}.refuseUnknown(); }

bool allowsInteraction(const Options& options) {
    const auto it = options.find(kNoInteraction);
    const bool* forbids = it != options.end() ? std::get_if<bool>(&it->second) : nullptr;
    return forbids == nullptr || !*forbids;  // a wrong type is refused elsewhere
}

}  // namespace northstar::bus
