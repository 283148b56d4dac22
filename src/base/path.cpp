// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/utf8.h"

namespace northstar {
namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel has it: path_resolution(7)
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Of the filesystem, as far as is known without asking a server (FUSE, NFS); nullopt: not even that.
std::optional<dev_t> deviceOf(int directory) {
    struct statx status{};
    if (::statx(directory, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return std::nullopt;
    return makedev(status.stx_dev_major, status.stx_dev_minor);
}

bool isTrusted(int directory, WalkPolicy::Links links) {
    struct stat status{};
    if (links == WalkPolicy::Links::None || ::fstat(directory, &status) != 0) return false;
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
    return status.st_uid == 0 || (links == WalkPolicy::Links::OfRootAndUs && status.st_uid == ::geteuid());
}

// Goes on as far as it is a directory; errno of what stopped it, else 0.
int enter(Walk& place, const std::string& name) {
    UniqueFd next{::openat(place.directory.get(), name.c_str(), kDirectory)};
    if (!next) return errno;
    place.directory = std::move(next);
    // A ".." in a link that counts is the parent of the very directory that was opened.
    if (name == "..") {
        place.path.erase(std::min(place.path.rfind('/'), place.path.size()));
    } else if (name != ".") {
        place.path += "/" + name;
    }
    return 0;
}

}  // namespace

std::deque<std::string> pathComponents(const std::string& path) {
    std::deque<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at) parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

std::string normalPath(const std::string& path, const std::string& what) {
    const auto refuse = [&](const std::string& why) {
        throw Error{Code::InvalidArgs, fmt::format("{} {} {}", what, printable(path), why)};
    };
    if (path.empty() || path.front() != '/') refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    std::string normal;
    for (const std::string& part : pathComponents(path)) {
        if (part == "..") refuse("must not contain \"..\"");
        if (part.size() > NAME_MAX) refuse("has a component that is too long");
        if (part != ".") normal += "/" + part;
    }
    if (normal.empty()) refuse("must not be the root directory");
    return normal;
}

std::optional<std::string> Walk::text() const {
    std::string whole = path;
    for (const std::string& part : left) {
        if (part == "..") return std::nullopt;
        if (part != ".") whole += "/" + part;
    }
    return whole;
}

// A place keeps to the root filesystem from the root on; a mount of it somewhere else is another filesystem's word.
Walk walkPath(std::deque<std::string> components, const WalkPolicy& policy) {
    const auto refuse = [&](const std::string& why) { throw Error{policy.refusal, policy.what + why}; };
    const auto root = [&] {
        UniqueFd directory{::open(policy.root.c_str(), kDirectory)};
        if (!directory) {
            throwErrno(Code::Failed, fmt::format("{}cannot open {}", policy.what, printable(policy.root)), errno);
        }
        return Walk{std::move(directory), {}, {}};
    };
    Walk place = root();
    const auto device = deviceOf(place.directory.get());
    bool foreign = !device;
    for (int symlinks = 0; !components.empty();) {
        if (foreign && policy.foreign == WalkPolicy::Foreign::Left) break;
        const std::string name = components.front();
        const std::string here = place.path + "/" + printable(name);
        if (policy.lookup) policy.lookup(place.directory.get(), name);
        const int error = enter(place, name);
        if (error == ENOENT && policy.missing == WalkPolicy::Missing::Left) break;
        if (error == ENOENT) refuse(here + " does not exist; create it first");
        components.pop_front();
        if (error == 0) foreign = foreign || deviceOf(place.directory.get()) != device;
        if (error == 0) continue;
        if (error != ENOTDIR && error != ELOOP)
            throwErrno(Code::Failed, fmt::format("{}cannot open {}", policy.what, here), error);
        const std::string target = readLink(place.directory.get(), name);
        if (target.empty()) refuse(here + " is not a directory");
        if (foreign || !isTrusted(place.directory.get(), policy.links)) {
            refuse(here +
                   " is a symlink, and not one of the root filesystem in a directory that only root may change; "
                   "name the directory itself");
        }
        if (++symlinks > kMaxSymlinks) refuse("has too many symlinks");
        if (target.starts_with('/')) {
            place = root();
            foreign = false;
        }
        const auto expanded = pathComponents(target);
        components.insert(components.begin(), expanded.begin(), expanded.end());
    }
    place.left = std::move(components);
    return place;
}

std::string resolvedParent(const std::string& path, const std::string& root) {
    try {
        auto parts = pathComponents(path);
        const std::string last = parts.back();
        parts.pop_back();
        WalkPolicy policy{.missing = WalkPolicy::Missing::Left, .foreign = WalkPolicy::Foreign::Left, .root = root};
        const auto parent = walkPath(std::move(parts), policy).text();
        return parent && !hasControls(*parent) ? *parent + "/" + last : path;
    } catch (const Error&) {
        return path;
    }
}

bool isOpenToEverybody(const std::string& path) noexcept {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        struct stat above{};
        if (::stat(path.substr(0, slash + 1).c_str(), &above) != 0 || (above.st_mode & S_IXOTH) == 0) return false;
    }
    return path.starts_with('/');
}

std::string readLink(int directory, const std::string& name) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlinkat(directory, name.c_str(), target.data(), target.size());
    return {target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

std::vector<std::string> namesIn(int directory, const std::string& path) {
    const auto fail = [&] { throwErrno(Code::Failed, "Cannot read the directory " + path, errno); };
    UniqueFd own{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};  // with a position of its own
    if (!own) fail();
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{::fdopendir(own.get()), ::closedir};
    if (!stream) fail();
    static_cast<void>(own.release());  // the stream's now
    std::vector<std::string> names;
    for (;;) {
        errno = 0;  // the end and an error both give nullptr: readdir(3)
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr && errno != 0) fail();
        if (entry == nullptr) return names;
        if (std::string name{entry->d_name}; name != "." && name != "..") names.push_back(std::move(name));
    }
}

}  // namespace northstar
