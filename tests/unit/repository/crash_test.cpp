// SPDX-License-Identifier: Apache-2.0
// A service that is killed at any step of an install or an uninstall leaves the old state or the new one.
#include <sys/syscall.h>

#include <algorithm>

#include "package/image/hash_tree.h"
#include "support/traced_process.h"
#include "unit/repository/repository_fixture.h"

namespace northstar::test {
namespace {

using Names = std::vector<std::string>;

class CrashTest : public RepositoryFixture {
protected:
    // Runs it killed at each step in turn. After each, a fresh load finds `before` or `after`, each package whole and
    // no other file; `again` puts things back. Both must come up.
    void killAtEveryStep(const Repository& target, const std::function<void()>& action, const Names& before,
                         const Names& after, const std::function<void()>& again) {
        std::size_t old = 0, complete = 0;
        for (std::size_t step = 0; step < 2000; ++step) {
            const Trace trace = runTraced([&] { return action(), 0; }, step);
            if (!trace.possible) GTEST_SKIP() << "needs the right to trace a child process";
            const RepositoryContent content = loaded();
            ASSERT_TRUE(names(content) == before || names(content) == after) << "step " << step;
            ASSERT_EQ(files().size(), content.entries.size()) << "step " << step;
            ASSERT_TRUE(content.refused.empty()) << "step " << step;
            for (const auto& [name, entry] : content.entries) {
                const RepositoryEntry open = refresh(target.config, target.keys, name, entry);
                const Package& package = *open.package;
                ASSERT_NO_THROW(HashTree::load(package.fd.get(), package.image, *package.verity)
                                    .verifyData(package.fd.get(), package.image, 1, {}));
            }
            ++(names(content) == before ? old : complete);
            if (trace.finished) {
                EXPECT_EQ(trace.status, 0);
                EXPECT_EQ(names(content), after);
                EXPECT_GT(old, 0U);
                EXPECT_GT(complete, 1U);  // killed after the decisive step, too
                return;
            }
            again();
        }
        FAIL() << "it does not end: " << target.name;
    }
};

TEST_F(CrashTest, AnInstallThatIsKilledAtAnyStepLeavesTheOldStateOrTheNewOne) {
    Repository target = repository();
    installInto(target, package("first"));
    const MemoryFile second = package("second");
    killAtEveryStep(
        target, [&] { install(target, second); }, {"first:1.0.0"}, {"first:1.0.0", "second:1.0.0"},
        [&] { std::filesystem::remove(directory_ / "second-1.0.0.npk"); });
}

TEST_F(CrashTest, AnUninstallThatIsKilledAtAnyStepLeavesTheOldStateOrTheNewOne) {
    Repository target = repository();
    const MemoryFile file = package();
    installInto(target, file);
    killAtEveryStep(
        target, [&] { uninstallPackage(target, target.content.entries.at("hello:1.0.0")); }, {"hello:1.0.0"}, {},
        [&] {
            if (std::filesystem::exists(directory_ / "hello-1.0.0.npk")) return;
            target.content.entries.clear();
            installInto(target, file);
        });
}

// What a power failure leaves cannot be tried here; the order that it depends on can be seen.
TEST_F(CrashTest, TheContentIsOnTheDiskBeforeTheNameAndTheNameBeforeTheEnd) {
    const MemoryFile file = package();
    const Repository target = repository();
    const Trace trace = runTraced([&] { return install(target, file), 0; });
    if (trace.calls.empty()) GTEST_SKIP() << "needs PTRACE_GET_SYSCALL_INFO (Linux 5.3)";
    std::string order;
    for (const auto call : trace.calls) {
        if (call == SYS_write || call == SYS_pwrite64 || call == SYS_copy_file_range) order += "write ";
        if (call == SYS_fsync) order += "fsync ";
        if (call == SYS_renameat2) order += "rename ";
    }
    EXPECT_TRUE(order.ends_with("write fsync rename fsync ")) << order;
}

}  // namespace
}  // namespace northstar::test
