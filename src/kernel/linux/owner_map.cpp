// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/owner_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "base/error.h"
#include "base/path.h"
#include "base/std.h"

namespace northstar {
namespace {

constexpr const char* kWhat = "The option userns";

// By its name in /proc, "user:[4026531837]" (namespaces(7)): no filesystem is asked anything, and no file has one that
// does not begin with a slash.
void requireUserNamespace(int fd) {
    const std::string name = readLink(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd));
    if (!name.starts_with("user:[")) {
        throw Error{Code::InvalidArgs,
                    fmt::format("{} is no user namespace; open /proc/PID/ns/user and pass that", kWhat)};
    }
    if (name == readLink(AT_FDCWD, "/proc/self/ns/user")) {
        throw Error{Code::InvalidArgs, fmt::format("{} is the one of the service; make one of your own", kWhat)};
    }
}

void requireOwner(int userNamespace, uid_t asking) {
    uid_t owner = 0;
    if (::ioctl(userNamespace, NS_GET_OWNER_UID, &owner) != 0) throwErrno(Code::Failed, kWhat, errno);
    if (asking == 0 || owner == asking) return;
    throw Error{Code::AccessDenied, fmt::format("{} is a namespace of user {}, not your own", kWhat, owner)};
}

}  // namespace

void mapCloneOwners(int clone, int userNamespace, uid_t asking) {
    requireUserNamespace(userNamespace);
    requireOwner(userNamespace, asking);
    mount_attr wanted{};
    wanted.attr_set = MOUNT_ATTR_IDMAP;
    wanted.userns_fd = static_cast<std::uint64_t>(userNamespace);
    if (::mount_setattr(clone, "", AT_EMPTY_PATH, &wanted, sizeof wanted) == 0) return;
    const int error = errno;
    const bool unknown = error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EPERM;
    if (!unknown) throwErrno(Code::Failed, "mapping the owners of a mount's files", error);
    throw Error{Code::Unsupported,
                fmt::format("mapping the owners of a mount's files to a user namespace needs a kernel that does so for "
                            "this filesystem (MOUNT_ATTR_IDMAP, mount_setattr(2)), and a namespace whose maps are "
                            "written: {}; open it without userns",
                            errnoText(error))};
}

}  // namespace northstar
