// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/attached_mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libmount.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "kernel/linux/file_origin.h"
#include "kernel/linux/mount_point.h"

namespace northstar {
namespace {

constexpr const char* kMountInfo = "/proc/self/mountinfo";

using Table = std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)>;
using Iterator = std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)>;
using Monitor = std::unique_ptr<libmnt_monitor, decltype(&mnt_unref_monitor)>;

// mountinfo has no unique id, so ask at the path; something else may be there (mounted over, renamed): then 0.
std::uint64_t uniqueId(const std::string& path, const MountIdentity& identity) {
    const UniqueFd top{::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!top) return 0;
    const MountIdentity there = mountIdentity(top.get());
    return there.id == identity.id && there.device == identity.device ? there.uniqueId : 0;
}

class LibmountWatch : public MountWatch {
public:
    explicit LibmountWatch(Monitor monitor) : monitor_{std::move(monitor)} {}
    [[nodiscard]] int fd() const override { return mnt_monitor_get_fd(monitor_.get()); }
    void drain() override { mnt_monitor_event_cleanup(monitor_.get()); }

private:
    Monitor monitor_;
};

// The parent of the mount point, if exactly this mount is on it. No descriptor of the mount itself stays open.
SafePath locate(const MountIdentity& identity, const std::string& mountPoint) {
    SafePath path;
    try {
        path = openParent(mountPoint);
    } catch (const Error& error) {
        throw Error{Code::NotMounted, error.what()};
    }
    const std::string what = "mount point \"" + printable(path.text) + "\"";
    const UniqueFd top{::openat(path.parent.get(), path.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!top) throwErrno(Code::NotMounted, what, errno);
    const MountIdentity there = mountIdentity(top.get());
    if (isSameMount(identity, there)) return path;
    if (isSameMount(mountIdentity(path.parent.get()), there)) {
        throw Error{Code::NotMounted, what + " has nothing mounted on it any more"};
    }
    throw Error{Code::NotMounted, fmt::format("{} shows mount {}, not mount {}; unmount what is over it first", what,
                                              there.id, identity.id)};
}

void removeEmpty(const SafePath& path) {
    if (::unlinkat(path.parent.get(), path.name.c_str(), AT_REMOVEDIR) == 0) return;
    log::warn("mount point \"{}\" is left behind: {}", printable(path.text), errnoText(errno));
}

}  // namespace

std::vector<MountTableEntry> readMountTable(const std::vector<dev_t>& devices) {
    std::vector<MountTableEntry> found;
    if (devices.empty()) return found;
    const Table table{mnt_new_table_from_file(kMountInfo), mnt_unref_table};
    const Iterator iterator{mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter};
    if (!table || !iterator) throwErrno(Code::Failed, std::string{"reading "} + kMountInfo, errno);
    std::vector<dev_t> wanted = devices;
    std::sort(wanted.begin(), wanted.end());
    libmnt_fs* entry = nullptr;
    while (mnt_table_next_fs(table.get(), iterator.get(), &entry) == 0) {
        const dev_t device = mnt_fs_get_devno(entry);
        const char* target = mnt_fs_get_target(entry);
        if (target == nullptr || !std::binary_search(wanted.begin(), wanted.end(), device)) continue;
        MountIdentity identity{static_cast<std::uint64_t>(mnt_fs_get_id(entry)), 0, device};
        identity.uniqueId = uniqueId(target, identity);
        found.push_back({identity, target});
    }
    return found;
}

std::unique_ptr<MountWatch> watchMountTable() {
    Monitor monitor{mnt_new_monitor(), mnt_unref_monitor};
    const int result = monitor ? mnt_monitor_enable_kernel(monitor.get(), 1) : -ENOMEM;
    const int fd = result == 0 ? mnt_monitor_get_fd(monitor.get()) : result;
    if (fd < 0) throwErrno(Code::Failed, "watching the mount table", -fd);
    return std::make_unique<LibmountWatch>(std::move(monitor));
}

void unmountExactly(const MountIdentity& identity, const std::string& mountPoint, MountPointFate fate,
                    UnmountMode mode) {
    const SafePath path = locate(identity, mountPoint);
    const std::string through = "/proc/self/fd/" + std::to_string(path.parent.get()) + "/" + path.name;
    if (::umount2(through.c_str(), UMOUNT_NOFOLLOW | (mode == UnmountMode::Lazy ? MNT_DETACH : 0)) != 0) {
        const Code code = errno == EBUSY ? Code::Busy : errno == EINVAL ? Code::NotMounted : Code::Failed;
        throwErrno(code, "unmounting \"" + printable(path.text) + "\"", errno);
    }
    if (fate == MountPointFate::Removed) removeEmpty(path);
}

void removeMountPointDirectory(const std::string& path) { removeEmpty(openParent(path)); }

UniqueFd cloneExactly(const MountIdentity& identity, const std::string& mountPoint) {
    const SafePath path = locate(identity, mountPoint);
    const std::string what = "cloning the mount at \"" + printable(path.text) + "\"";
    UniqueFd clone{
        ::open_tree(path.parent.get(), path.name.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)};
    if (!clone && errno == ENOSYS) throw Error{Code::Unsupported, what + " needs open_tree(2), Linux 5.2"};
    if (!clone) throwErrno(Code::Failed, what, errno);
    if (mountIdentity(clone.get()).device != identity.device) {
        throw Error{Code::NotMounted, what + ": another filesystem is there by now"};
    }
    // A clone of a shared mount is in its peer group: what the caller mounts on it would appear here (Linux 5.12).
    mount_attr attributes{};
    attributes.propagation = MS_PRIVATE;
    if (::mount_setattr(clone.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0 && errno != ENOSYS) {
        throwErrno(Code::Failed, what + ": making it private", errno);
    }
    return clone;
}

}  // namespace northstar
