// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/safe_path.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <deque>

#include "base/error.h"

namespace northstar {
namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel has it: path_resolution(7)
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

[[noreturn]] void throwInvalid(const std::string& path, const std::string& why) {
    throw Error{Code::InvalidArgs, "path \"" + printable(path) + "\": " + why};
}

std::vector<std::string> components(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at) parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

UniqueFd openRoot() {
    UniqueFd root{::open("/", kDirectory)};
    if (!root) throwErrno(Code::Failed, "opening /", errno);
    return root;
}

bool onlyRootMayChange(int directory) {
    struct stat status{};
    return ::fstat(directory, &status) == 0 && status.st_uid == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Where the symlink points to; empty if it is no symlink.
std::string readLink(int directory, const std::string& name) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlinkat(directory, name.c_str(), target.data(), target.size());
    return {target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

}  // namespace

std::vector<std::string> splitPath(const std::string& path) {
    if (!path.starts_with('/')) throwInvalid(path, "must be absolute");
    if (path.size() >= PATH_MAX || path.find('\0') != std::string::npos) throwInvalid(path, "is no valid path");
    std::vector<std::string> parts = components(path);
    if (parts.empty()) throwInvalid(path, "must be below /");
    for (const std::string& part : parts) {
        if (part == "." || part == "..") throwInvalid(path, "must not contain . or ..");
        if (part.size() > NAME_MAX) throwInvalid(path, "has a component of more than 255 bytes");
    }
    return parts;
}

SafePath openParent(const std::string& path) {
    const std::vector<std::string> parts = splitPath(path);
    std::deque<std::string> todo{parts.begin(), parts.end() - 1};
    UniqueFd directory = openRoot();
    int symlinks = 0;
    while (!todo.empty()) {
        const std::string name = todo.front();
        todo.pop_front();
        UniqueFd next{::openat(directory.get(), name.c_str(), kDirectory)};
        if (next) {
            directory = std::move(next);
            continue;
        }
        const int error = errno;
        if (error == ENOENT) throwInvalid(path, "\"" + printable(name) + "\" does not exist; create it first");
        if (error != ENOTDIR && error != ELOOP)
            throwErrno(Code::Failed, "opening path \"" + printable(path) + "\"", error);
        const std::string target = readLink(directory.get(), name);
        if (target.empty()) throwInvalid(path, "\"" + printable(name) + "\" is not a directory");
        if (!onlyRootMayChange(directory.get())) {
            throwInvalid(path,
                         "\"" + printable(name) + "\" is a symlink in a directory that others than root may change");
        }
        if (++symlinks > kMaxSymlinks) throwInvalid(path, "has too many symlinks");
        if (target.starts_with('/')) directory = openRoot();
        // A ".." in root's own link is the parent of the very directory that was opened.
        const std::vector<std::string> expanded = components(target);
        todo.insert(todo.begin(), expanded.begin(), expanded.end());
    }
    std::string text;
    for (const std::string& part : parts) text += "/" + part;
    return {std::move(directory), parts.back(), std::move(text)};
}

}  // namespace northstar
