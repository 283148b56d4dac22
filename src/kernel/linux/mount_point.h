// SPDX-License-Identifier: Apache-2.0
// The directory that will be mounted on, held by descriptors from the moment that it was checked.
#pragma once

#include "base/std.h"
#include "base/unique_fd.h"
#include "kernel/linux/safe_path.h"
#include "kernel/mount.h"

namespace northstar {

class LinuxMountPoint : public MountPoint {
public:
    // See Kernel::makeMountPoint. A missing directory is made with mode 0755. Throws AlreadyMounted,
    // InvalidArgs, Failed.
    explicit LinuxMountPoint(const std::string& path);
    LinuxMountPoint(const LinuxMountPoint&) = delete;
    LinuxMountPoint& operator=(const LinuxMountPoint&) = delete;
    ~LinuxMountPoint() override;

    [[nodiscard]] const std::string& path() const override { return path_.text; }
    [[nodiscard]] bool created() const override { return fate_ != Fate::NotOurs; }
    void keep() override {
        if (fate_ == Fate::RemovedAgain) fate_ = Fate::Kept;
    }
    [[nodiscard]] int freeDirectory() const override;
    [[nodiscard]] UniqueFd openTop() const override;

private:
    enum class Fate { NotOurs, RemovedAgain, Kept };

    void requireFree() const;
    void remove() noexcept;

    SafePath path_;
    UniqueFd directory_;
    Fate fate_ = Fate::NotOurs;
};

}  // namespace northstar
