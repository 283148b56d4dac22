// SPDX-License-Identifier: Apache-2.0
// Records of the mounts in STATE_DIR/mounts/N.toml (on a tmpfs, gone with the boot): what a daemon that starts again
// cannot read back from the kernel. Written before a mount becomes visible, removed after it is gone.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"
#include "registry/mount_record.h"

namespace northstar {

class StateStore {
public:
    // Makes the directory (0700) and opens it. Throws Failed.
    explicit StateStore(const std::string& directory);

    // Keeps every other service from using the directory, until destroyed. Throws Failed if one does.
    void lock() const;

    // Writes atomically (temporary file and rename). Any thread; one record is only ever written by one. Throws Failed.
    void save(const MountRecord& record) const;
    void remove(std::uint32_t id) const noexcept;

    // All records. One that makes no sense is logged and removed; what cannot be read now may be of a mount that
    // exists, and throws Failed.
    [[nodiscard]] std::vector<MountRecord> load() const;

private:
    [[nodiscard]] std::string read(const std::string& name) const;

    std::string path_;
    UniqueFd directory_;
};

}  // namespace northstar
