// SPDX-License-Identifier: Apache-2.0
// The directory that will be mounted on, held by descriptors from the moment that it was checked.
#pragma once

#include <memory>
#include <string>

#include "kernel/kernel.h"
#include "kernel/linux/safe_path.h"

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
    [[nodiscard]] bool created() const override { return created_; }
    void keep() override { kept_ = true; }

    // Descriptor of the directory itself, below anything that is mounted on it.
    [[nodiscard]] int directory() const noexcept { return directory_.get(); }

    // O_PATH descriptor of what is to be seen at the path now: the directory or what is mounted on it. Throws
    // Failed.
    [[nodiscard]] UniqueFd openTop() const;

    // Throws AlreadyMounted if something is mounted on the directory.
    void requireFree() const;

private:
    void remove() noexcept;

    SafePath path_;
    UniqueFd directory_;
    bool created_ = false, kept_ = false;
};

}  // namespace northstar
