// SPDX-License-Identifier: Apache-2.0
#include "bus/options.h"

#include <limits.h>

#include <set>
#include <sstream>

#include "base/error.h"
#include "base/utf8.h"

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
        if (found == nullptr) throw Error{Code::InvalidArgs, "The option " + key + " must be of type " + type};
        return *found;
    }

    void refuseUnknown() const {
        for (const auto& [key, value] : options_) {
            if (known_.contains(key)) continue;
            std::string names;
            for (const auto& name : known_) names += (names.empty() ? "" : ", ") + name;
            throw Error{Code::InvalidArgs, "Unknown option " + printable(key) + "; this method knows " + names};
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

const char* toString(VerityMode mode) {
    switch (mode) {
        case VerityMode::Eio: return "eio";
        case VerityMode::Restart: return "restart";
        case VerityMode::Panic: return "panic";
    }
    return "";
}

std::string normalPath(const std::string& path, const std::string& what) {
    const auto refuse = [&](const std::string& why) {
        throw Error{Code::InvalidArgs, what + " " + printable(path) + " " + why};
    };
    if (path.empty() || path.front() != '/') refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    std::string normal;
    std::istringstream parts{path};
    for (std::string part; std::getline(parts, part, '/');) {
        if (part == "..") refuse("must not contain \"..\"");
        if (part.size() > NAME_MAX) refuse("has a component that is too long");
        if (!part.empty() && part != ".") normal += "/" + part;
    }
    if (normal.empty()) refuse("must not be the root directory");
    return normal;
}

MountCallOptions decodeMountOptions(const Options& options, MountKind kind) {
    MountCallOptions decoded;
    Reader reader{options};
    decoded.noexec = reader.value<bool>("noexec", "b");
    const auto verity = reader.value<std::string>("verity", "s");
    if (options.contains("verity")) decoded.verity = decodeVerity(verity);
    if (kind != MountKind::Many) {
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

bool decodeUnmountOptions(const Options& options) {
    Reader reader{options};
    const bool lazy = reader.value<bool>("lazy", "b");
    reader.refuseUnknown();
    return lazy;
}

std::string decodeCommonOptions(const Options& options, bool withRepository) {
    Reader reader{options};
    std::string repository;
    if (withRepository) repository = reader.value<std::string>("repository", "s");
    reader.refuseUnknown();
    return repository;
}

bool allowsInteraction(const Options& options) {
    const auto it = options.find(kNoInteraction);
    const bool* forbids = it != options.end() ? std::get_if<bool>(&it->second) : nullptr;
    return forbids == nullptr || !*forbids;  // a wrong type is refused elsewhere
}

}  // namespace northstar::bus
