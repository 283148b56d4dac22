// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/mount_table.h"

#include <fcntl.h>
#include <libmount.h>
#include <sys/types.h>

#include <set>

#include "base/error.h"
#include "base/unique_fd.h"
#include "kernel/linux/file_origin.h"

namespace northstar {
namespace {

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

// Calls it with each entry (libmnt_fs*) that has a mount point.
template <typename Visit>
void forEachMount(const std::string& file, const Visit& visit) {
    const std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)> table{mnt_new_table_from_file(file.c_str()),
                                                                          mnt_unref_table};
    const std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)> iterator{mnt_new_iter(MNT_ITER_FORWARD),
                                                                          mnt_free_iter};
    if (!table || !iterator) throwErrno(Code::Failed, "reading " + file, errno);
    libmnt_fs* entry = nullptr;
    while (mnt_table_next_fs(table.get(), iterator.get(), &entry) == 0) {
        if (mnt_fs_get_target(entry) != nullptr) visit(entry);
    }
}

}  // namespace

std::vector<MountTableEntry> readMountTable(const std::vector<dev_t>& devices, const std::string& file) {
    std::vector<MountTableEntry> found;
    if (devices.empty()) return found;
    std::vector<dev_t> wanted = devices;
    std::ranges::sort(wanted);
    forEachMount(file, [&](libmnt_fs* entry) {
        const dev_t device = mnt_fs_get_devno(entry);
        if (!std::ranges::binary_search(wanted, device)) return;
        const char* const target = mnt_fs_get_target(entry);
        MountIdentity identity{static_cast<std::uint64_t>(mnt_fs_get_id(entry)), 0, device};
        identity.uniqueId = uniqueId(target, identity);
        found.push_back({identity, target});
    });
    return found;
}

std::vector<std::string> findMountsInside(const MountIdentity& identity, const std::string& mountPoint,
                                          const std::string& file) {
    struct Entry {
        int parent;
        std::string path;
    };
    std::map<int, Entry> all;
    std::set<int> inside;  // and the mount itself
    forEachMount(file, [&](libmnt_fs* entry) {
        const int id = mnt_fs_get_id(entry);
        all.insert_or_assign(id, Entry{mnt_fs_get_parent_id(entry), mnt_fs_get_target(entry)});
        const bool known =
            identity.id != 0 ? static_cast<std::uint64_t>(id) == identity.id : all[id].path == mountPoint;
        if (known && mnt_fs_get_devno(entry) == identity.device) inside.insert(id);
    });
    std::vector<std::string> found;
    for (bool more = !inside.empty(); more;) {  // a turn a level: the table is in no order that can be relied on
        more = false;
        for (const auto& [id, entry] : all) {
            if (!inside.contains(entry.parent) || !inside.insert(id).second) continue;
            found.push_back(entry.path);
            more = true;
        }
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
