// SPDX-License-Identifier: Apache-2.0
// Where the system tests work: a private mount namespace with a tmpfs of its own, so that nothing they mount
// is seen outside and nothing outlives them. The fixture checks after each test that nothing of it was left
// behind.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/linux/linux_kernel.h"
#include "system/test_package.h"

namespace northstar {

// Directory of the tmpfs; only root may write there, nor above it except for /tmp itself.
[[nodiscard]] const std::string& sandbox();

// How long a test waits for what the kernel or udev does in its own time; only a failing test waits that long.
inline constexpr std::chrono::seconds kPatience{30};

// Waits, up to kPatience, until the condition is true.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

// The line of /proc/self/mountinfo for a mount point; empty if there is none.
[[nodiscard]] std::string mountInfoLine(const std::string& mountPoint);

// "/dev/loopN" of each loop device that shows a file of the sandbox.
[[nodiscard]] std::vector<std::string> sandboxLoops();

// "dm-N" of each device-mapper device that these tests made, or that is about to go and no longer tells its
// name.
[[nodiscard]] std::vector<std::string> sandboxVerityDevices();

// Files of a mounted package differ from tests/data/SHA256SUMS: what differs, or empty.
[[nodiscard]] std::string contentDifference(const std::string& directory);

struct Mounted {
    MountIdentity identity;
    std::string path;  // mount point
    std::string loop;  // "/dev/loopN"
    std::string uuid;  // of the verity device; empty without
    LoopBacking backing;
    dev_t device = 0;  // that is mounted
    MadeDirectory made;

    [[nodiscard]] MountDevices devices() const { return {uuid, uuid.empty() ? dev_t{0} : device, loop, backing}; }
};

class KernelTest : public testing::Test {
protected:
    ~KernelTest() override { ::umask(umask_); }
    void SetUp() override;
    void TearDown() override;

    // A path in the sandbox.
    [[nodiscard]] std::string path(const std::string& name) const { return sandbox() + "/" + name; }

    // Loop device, detached mount, attach: as the service does it for a package without verity.
    Mounted mount(Kernel& kernel, const TestPackage& package, const std::string& mountPoint,
                  const MountOptions& options = {"squashfs", false, ""});
    // The same with a verity device between.
    Mounted mountVerified(Kernel& kernel, const TestPackage& package, const std::string& mountPoint);
    // A table with a name and UUID that no other test uses.
    [[nodiscard]] static VerityTable uniqueTable(const TestPackage& package);

    void unmount(Kernel& kernel, const Mounted& mounted);

    mode_t umask_ = ::umask(022);  // the service's
    std::unique_ptr<Kernel> kernel_ = makeLinuxKernel();
};

// The code that a call throws; Failed and a failed expectation if it throws nothing.
template <typename Call>
Error errorOf(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error{Code::Failed, ""};
}

#define EXPECT_MENTIONS(error, text) \
    EXPECT_NE(std::string{(error).what()}.find(text), std::string::npos) << (error).what()

}  // namespace northstar
