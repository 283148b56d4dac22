// SPDX-License-Identifier: Apache-2.0
// What a process that is killed between two steps of mounting leaves to the kernel: nothing.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/sandbox.h"

namespace northstar {
namespace {

class CrashTest : public KernelTest {
protected:
    // Runs the steps in a child that is killed, by a signal that nothing can handle, after so many of them.
    // Returns how many there were; fewer than asked for means that they all were done.
    int killAfter(int steps, bool verity) {
        const TestPackage package = copyPackage("signed/hello-xz-1.0.0.npk");
        const VerityTable table = uniqueTable(package);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto step = [&] {
                if (--steps == 0) ::kill(::getpid(), SIGKILL);
            };
            try {
                const auto kernel = makeLinuxKernel();
                const auto loop = kernel->attachLoop(package.loop());
                step();
                const auto device = verity ? kernel->openVerity(*loop, table) : nullptr;
                step();
                const auto detached = kernel->mountDetached(verity ? *device : *loop, {"squashfs", false, ""});
                step();
                ::_exit(0);
            } catch (const std::exception& error) {
                std::fputs(error.what(), stderr);
                ::_exit(1);
            }
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFSIGNALED(status)) << status;
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
};

TEST_F(CrashTest, LeavesNoLoopDevice) {
    for (int steps = 1; steps <= 3; ++steps) {
        EXPECT_EQ(killAfter(steps, false), SIGKILL);
        EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); })) << "after step " << steps;
    }
}

TEST_F(CrashTest, LeavesNoVerityDevice) {
    if (!kernel_->verityAvailable()) GTEST_SKIP() << "this kernel has no dm-verity";
    for (int steps = 1; steps <= 3; ++steps) {
        EXPECT_EQ(killAfter(steps, true), SIGKILL);
        EXPECT_TRUE(eventually([] { return sandboxVerityDevices().empty(); })) << "after step " << steps;
        EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); })) << "after step " << steps;
    }
}

TEST_F(CrashTest, LeavesAMountThatIsKnownAgain) {
    const Mounted mounted = mount(*kernel_, copyPackage("signed/hello-xz-1.0.0.npk"), path("hello"));
    kernel_ = makeLinuxKernel();  // as a service that was started again
    const auto table = kernel_->mountsOn({mounted.device});
    ASSERT_EQ(table.size(), 1U);
    EXPECT_EQ(table[0].identity, mounted.identity);
    EXPECT_EQ(kernel_->loopBacking(mounted.loop), mounted.backing);
    unmount(*kernel_,
            {table[0].identity, table[0].mountPoint, mounted.loop, "", mounted.backing, mounted.device, mounted.made});
}

}  // namespace
}  // namespace northstar
