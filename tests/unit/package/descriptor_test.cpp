// SPDX-License-Identifier: Apache-2.0
// Descriptors that callers pass: what is a file to read a package from.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <filesystem>

#include "package/package.h"
#include "support/expect_error.h"
#include "support/memory_file.h"
#include "support/test_data.h"

namespace northstar {
namespace {

using test::expectError;

void expectRefused(int fd, const char* message) {
    expectError(Code::InvalidArgs, message, [&] { checkPackageDescriptor(fd); });
}

UniqueFd open(const std::string& path, int flags) { return UniqueFd{::open(path.c_str(), flags | O_CLOEXEC)}; }
const std::string kFile = test::dataPath("signed/fonts-2.3.4.npk");

TEST(PackageDescriptor, MayBeAFileOrAMemfd) {
    EXPECT_NO_THROW(checkPackageDescriptor(open(kFile, O_RDONLY).get()));
    EXPECT_NO_THROW(checkPackageDescriptor(test::MemoryFile{}.fd()));
}

TEST(PackageDescriptor, ThatCannotBeReadIsRefused) {
    expectRefused(open(kFile, O_PATH).get(), "O_PATH");
    expectRefused(-1, "not open");
    std::string path = testing::TempDir() + "descriptorXXXXXX";
    const UniqueFd made{::mkstemp(path.data())};
    ASSERT_TRUE(made);
    const UniqueFd writeOnly = open(path, O_WRONLY);
    ::unlink(path.c_str());
    expectRefused(writeOnly.get(), "writing only");
}

TEST(PackageDescriptor, ThatIsNoRegularFileIsRefused) {
    expectRefused(open("/", O_RDONLY | O_DIRECTORY).get(), "directory");
    expectRefused(open("/", O_PATH).get(), "directory");
    expectRefused(open("/dev/null", O_RDONLY).get(), "character device");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reader{ends[0]}, writer{ends[1]};
    expectRefused(reader.get(), "pipe");
    expectRefused(writer.get(), "pipe");
    expectRefused(UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}.get(), "socket");
    expectRefused(UniqueFd{::eventfd(0, EFD_CLOEXEC)}.get(), "no file");
}

TEST(PackageDescriptor, OfABlockDeviceIsRefused) {
    const std::string path = testing::TempDir() + "northstar-block-" + std::to_string(::getpid());
    // Major 7 is the loop driver; opening with O_PATH needs no such device to exist.
    if (::mknod(path.c_str(), S_IFBLK | 0600, makedev(7, 0)) != 0)
        GTEST_SKIP() << "needs the right to make device nodes";
    const UniqueFd fd = open(path, O_PATH);
    ::unlink(path.c_str());
    expectRefused(fd.get(), "block device");
}

TEST(FileIdentity, ChangesWithTheFile) {
    test::MemoryFile file{"a"};
    const test::MemoryFile other{"a"};
    const FileIdentity before = identify(file.fd());
    EXPECT_EQ(before, identify(file.fd()));
    EXPECT_EQ(before.size, 1U);
    EXPECT_FALSE(before == identify(other.fd()));
    file.append("b");
    EXPECT_FALSE(before == identify(file.fd()));
}

TEST(FileIdentity, OfNothingFails) {
    expectError(Code::Failed, "EBADF", [] { (void)identify(-1); });
}

}  // namespace
}  // namespace northstar
