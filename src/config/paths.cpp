// SPDX-License-Identifier: Apache-2.0
#include "config/paths.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>

#include "base/error.h"
#include "base/unique_fd.h"
#include "base/utf8.h"

namespace northstar {
namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel has it: path_resolution(7)
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

[[noreturn]] void refuse(const std::string& why) { throw Error{Code::Failed, why}; }

std::deque<std::string> components(const std::string& path) {
    std::deque<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        std::string part = path.substr(at, end - at);
        if (!part.empty() && part != ".") parts.push_back(std::move(part));
        at = end + 1;
    }
    return parts;
}

void checkWritten(const std::string& path) {
    if (!path.starts_with('/')) refuse("must be an absolute path");
    if (path.size() >= PATH_MAX) refuse("is too long");
    if (hasControls(path)) refuse("must not contain control characters");
    const auto parts = components(path);
    if (parts.empty()) refuse("must be below /");
    if (std::ranges::find(parts, "..") != parts.end()) refuse("must not contain ..");
}

bool onlyWeMayChange(int directory) {
    struct stat status{};
    return fstat(directory, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid()) &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string readLink(int directory, const std::string& name) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = readlinkat(directory, name.c_str(), target.data(), target.size());
    return {target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

// Where the walk stands: a directory, and the path to it without symlinks.
struct Place {
    UniqueFd fd{open("/", kDirectory)};
    std::string path;
};

// Goes on as far as it is a directory; errno of what stopped it, else 0.
int enter(Place& place, const std::string& name) {
    UniqueFd next{openat(place.fd.get(), name.c_str(), kDirectory)};
    if (!next) return errno;
    place.fd = std::move(next);
    if (name == "..") {
        place.path.erase(std::min(place.path.rfind('/'), place.path.size()));
    } else {
        place.path += "/" + name;
    }
    return 0;
}

}  // namespace

std::string resolveDirectory(const std::string& path) {
    checkWritten(path);
    std::deque<std::string> todo = components(path);
    Place place;
    for (int symlinks = 0; !todo.empty();) {
        const std::string name = todo.front();
        const std::string here = place.path + "/" + printable(name);
        const int error = enter(place, name);
        if (error == ENOENT) break;  // made later, by us
        todo.pop_front();
        if (error == 0) continue;
        if (error != ENOTDIR && error != ELOOP) throwErrno(Code::Failed, "cannot open " + here, error);
        const std::string target = readLink(place.fd.get(), name);
        if (target.empty()) refuse(here + " is not a directory");
        if (!onlyWeMayChange(place.fd.get())) {
            refuse(here + " is a symlink in a directory that others than root may change; name the directory itself");
        }
        if (++symlinks > kMaxSymlinks) refuse("has too many symlinks");
        if (target.starts_with('/')) place = Place{};
        const auto expanded = components(target);
        todo.insert(todo.begin(), expanded.begin(), expanded.end());
    }
    for (const std::string& missing : todo) {
        if (missing == "..") refuse("leads through a symlink to what does not exist");
        place.path += "/" + missing;
    }
    if (place.path.empty()) refuse("must be below /");
    return place.path;
}

bool isWithin(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + "/");
}

}  // namespace northstar
