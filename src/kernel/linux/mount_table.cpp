// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_table.h"

#include <fcntl.h>
#include <libmount.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/linux/mount_identity.h"

namespace northstar {
namespace {

constexpr const char* kMountInfo = "/proc/self/mountinfo";

using Table = std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)>;
using Iterator = std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)>;
using Monitor = std::unique_ptr<libmnt_monitor, decltype(&mnt_unref_monitor)>;

// mountinfo has no unique id, so ask at the path; something else may be there (mounted over, renamed): then
// 0.
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

}  // namespace northstar
