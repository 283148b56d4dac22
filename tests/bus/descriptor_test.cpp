// SPDX-License-Identifier: Apache-2.0
// Descriptors that callers pass to MountFd and Install: what is refused, and what is done with a memfd.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "bus_test.h"
#include "support/package_builder.h"

namespace northstar::test {
namespace {

class DescriptorTest : public BusTest {
protected:
    void expectRefused(int fd, const std::string& error, const std::string& part) {
        const Options anything{{"allow_unverified", sdbus::Variant{true}}};
        const std::array<Failure, 3> failures{failureOf([&] { client().mountFd(fd); }),
                                              failureOf([&] { client().mountFd(fd, anything); }),
                                              failureOf([&] { client().install("plain", fd); })};
        for (const auto& failure : failures) {
            EXPECT_EQ(failure.name, error) << failure.message;
            EXPECT_NE(failure.message.find(part), std::string::npos) << failure.message;
        }
        EXPECT_TRUE(nothingLeft());
        const auto files = std::filesystem::directory_iterator{directory_ / "plain"};
        EXPECT_EQ(std::distance(begin(files), end(files)), 1);
    }
    [[nodiscard]] static UniqueFd openAs(const std::string& path, int flags) {
        UniqueFd fd{open(path.c_str(), flags | O_CLOEXEC, 0600)};
        EXPECT_TRUE(fd) << path;
        return fd;
    }
    const std::string package_ = dataPath("signed/fonts-2.3.4.npk");
};

TEST_F(DescriptorTest, OfAPathOnlyIsRefused) {
    expectRefused(openAs(package_, O_PATH).get(), busError("InvalidArgs"), "O_PATH");
}

TEST_F(DescriptorTest, ForWritingOnlyIsRefused) {
    expectRefused(openAs(directory_ / "w", O_WRONLY | O_CREAT).get(), busError("InvalidArgs"), "writing only");
}

TEST_F(DescriptorTest, OfADirectoryIsRefused) {
    expectRefused(openAs("/", O_RDONLY | O_DIRECTORY).get(), busError("InvalidArgs"), "a directory");
}

TEST_F(DescriptorTest, OfASocketIsRefused) {
    expectRefused(UniqueFd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}.get(), busError("InvalidArgs"), "a socket");
}

TEST_F(DescriptorTest, OfAPipeIsRefused) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reader{ends[0]}, writer{ends[1]};
    expectRefused(reader.get(), busError("InvalidArgs"), "a pipe");
}

TEST_F(DescriptorTest, OfACharacterDeviceIsRefused) {
    expectRefused(openAs("/dev/zero", O_RDONLY).get(), busError("InvalidArgs"), "a character device");
}

TEST_F(DescriptorTest, OfABlockDeviceIsRefused) {
    const std::string path = directory_ / "block";
    if (mknod(path.c_str(), S_IFBLK | 0600, makedev(7, 0)) != 0) GTEST_SKIP() << "needs the right to make device nodes";
    expectRefused(openAs(path, O_PATH).get(), busError("InvalidArgs"), "a block device");
}

TEST_F(DescriptorTest, OfAHugeHoleIsNoPackage) {
    const UniqueFd hole = openAs(directory_ / "hole", O_RDWR | O_CREAT);
    ASSERT_EQ(ftruncate(hole.get(), off_t{1} << 43), 0);  // 8 TiB
    expectRefused(hole.get(), ownError("InvalidPackage"), "Cannot open the package");
}

TEST_F(DescriptorTest, OfAnEmptyFileIsNoPackage) {
    expectRefused(openAs(directory_ / "empty", O_RDWR | O_CREAT).get(), ownError("InvalidPackage"),
                  "Cannot open the package");
}

class SealedModeTest : public DescriptorTest {
protected:
    SealedModeTest() {
        configureOnly("", "[files]\nverification = \"sealed\"\nkeys = [\"" + dataPath("keys/golden.pub") + "\"]\n");
    }
    // The inode that the loop device of this mount reads from.
    ino_t backingOf(const Mounted& mounted) {
        const auto loop = client().property<std::string>(mounted.object, kMountInterface, "LoopDevice");
        const auto backing = kernel_->loopBacking(loop);
        return backing ? backing->inode : 0;
    }
    static ino_t inodeOf(int fd) {
        struct stat status{};
        EXPECT_EQ(fstat(fd, &status), 0);
        return status.st_ino;
    }
};

TEST_F(SealedModeTest, ASealedMemfdIsMountedWithoutACopy) {
    const MemoryFile file = buildPackage({});
    file.seal();
    EXPECT_EQ(backingOf(client().mountFd(file.fd())), inodeOf(file.fd()));
}

TEST_F(SealedModeTest, AMemfdThatIsNotSealedIsCopiedSoThatItsWriterChangesNothing) {
    const MemoryFile file = buildPackage({});
    const auto mounted = client().mountFd(file.fd());
    EXPECT_NE(backingOf(mounted), inodeOf(file.fd()));
    EXPECT_NE(backingOf(mounted), 0U);
    EXPECT_EQ(ftruncate(file.fd(), 0), 0);  // it is the caller's
}

TEST_F(SealedModeTest, AFileIsCopied) {
    EXPECT_NE(backingOf(client().mountFile(package_)), inodeOf(openAs(package_, O_RDONLY).get()));
}

}  // namespace
}  // namespace northstar::test
