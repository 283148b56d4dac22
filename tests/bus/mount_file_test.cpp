// SPDX-License-Identifier: Apache-2.0
// MountFile and MountFd: packages that are in no repository.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus_test.h"

namespace northstar::test {
namespace {

const Options kAllowUnverified{{"allow_unverified", sdbus::Variant{true}}};

TEST_F(BusTest, MountFileMountsASignedFileVerified) {
    const auto mounted = client().mountFile(dataPath("signed/fonts-2.3.4.npk"));
    EXPECT_EQ(mounted.mountPoint, runDir() + "/fonts:2.3.4");
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
    EXPECT_EQ(client().property<std::string>(mounted.object, kMountInterface, "Repository"), "");
    EXPECT_TRUE(client().property<std::string>(mounted.object, kMountInterface, "Source").ends_with("fonts-2.3.4.npk"));
}

TEST_F(BusTest, MountFdMountsADescriptor) {
    const auto mounted = client().mountFd(openPackageFile("signed/fonts-2.3.4.npk").get());
    EXPECT_EQ(mounted.mountPoint, runDir() + "/fonts:2.3.4");
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
}

TEST_F(BusTest, FilesOfRepositoryKeysAreVerifiedToo) {
    configureOnly("", "[repositories.main]\ndir = \"" + directory_ / "main" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\n");
    const auto mounted = client().mountFile(dataPath("signed/fonts-2.3.4.npk"));
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
}

TEST_F(BusTest, UnsignedFileIsInvalidSignatureForRootToo) {
    EXPECT_EQ(failureOf([&] { client().mountFile(dataPath("unsigned/hello-unsigned-1.0.0.npk")); }).name,
              ownError("InvalidSignature"));
    EXPECT_EQ(failureOf([&] { client().mountFd(openPackageFile("stranger/hello-stranger-1.0.0.npk").get()); }).name,
              ownError("InvalidSignature"));
    EXPECT_TRUE(kernel_->calls().empty() || kernel_->calls().back() != "attach");
}

TEST_F(BusTest, AllowUnverifiedMountsUnsignedAndStrangersFiles) {
    const auto first = client().mountFile(dataPath("unsigned/hello-unsigned-1.0.0.npk"), kAllowUnverified);
    EXPECT_FALSE(client().property<bool>(first.object, kMountInterface, "Verified"));
    const auto second = client().mountFd(openPackageFile("stranger/hello-stranger-1.0.0.npk").get(), kAllowUnverified);
    EXPECT_FALSE(client().property<bool>(second.object, kMountInterface, "Verified"));
}

TEST_F(BusTest, AllowUnverifiedStillVerifiesWhatAKeySigned) {
    const auto mounted = client().mountFile(dataPath("signed/fonts-2.3.4.npk"), kAllowUnverified);
    EXPECT_TRUE(client().property<bool>(mounted.object, kMountInterface, "Verified"));
}

TEST_F(BusTest, MountFileRefusesRelativePathsAndMissingFiles) {
    EXPECT_EQ(failureOf([&] { client().mountFile("fonts.npk"); }).name, busError("InvalidArgs"));
    const auto failure = failureOf([&] { client().mountFile("/nowhere/fonts.npk"); });
    EXPECT_EQ(failure.name, ownError("Failed"));
    EXPECT_NE(failure.message.find("/nowhere/fonts.npk"), std::string::npos) << failure.message;
}

TEST_F(BusTest, MountFileRefusesDirectoriesAndMagicLinks) {
    EXPECT_EQ(failureOf([&] { client().mountFile("/tmp"); }).name, busError("InvalidArgs"));
    const auto file = openPackageFile("signed/fonts-2.3.4.npk");
    const auto link = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file.get());
    EXPECT_EQ(failureOf([&] { client().mountFile(link); }).name, ownError("Failed"));
}

TEST_F(BusTest, MountFileOpensNothingButFiles) {
    const std::string fifo = directory_ / "fifo", link = directory_ / "link.npk";
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    ASSERT_EQ(symlink(fifo.c_str(), link.c_str()), 0);
    std::promise<void> started;
    // This returns when somebody opens it for reading, however shortly.
    auto writer = std::async(std::launch::async, [&] {
        started.set_value();
        return UniqueFd{open(fifo.c_str(), O_WRONLY | O_CLOEXEC)};
    });
    started.get_future().wait();
    std::this_thread::sleep_for(std::chrono::milliseconds{50});  // it waits in open(2) by then
    const auto failure = failureOf([&] { client().mountFile(link); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("no regular file"), std::string::npos) << failure.message;
    EXPECT_EQ(writer.wait_for(std::chrono::milliseconds{50}), std::future_status::timeout);
    const UniqueFd reader{open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    EXPECT_TRUE(writer.get());
}

TEST_F(BusTest, AFileThatMayStallIsMountedForRootOnly) {
    kernel_->setFilesystemType("fuse");
    const std::string path = dataPath("signed/fonts-2.3.4.npk");
    const auto file = openPackageFile("signed/fonts-2.3.4.npk");
    client();
    callAs(1000);
    for (const auto& failure :
         {failureOf([&] { client().mountFile(path); }), failureOf([&] { client().mountFd(file.get()); })}) {
        EXPECT_EQ(failure.name, busError("InvalidArgs"));
        EXPECT_NE(failure.message.find("may stall"), std::string::npos) << failure.message;
    }
    callAs(0);
    client().unmount(client().mountFile(path).object);
    client().mountFd(file.get());
}

TEST_F(BusTest, MountFileFollowsASymlinkToAFile) {
    const std::string link = directory_ / "link.npk";
    ASSERT_EQ(symlink(dataPath("signed/fonts-2.3.4.npk").c_str(), link.c_str()), 0);
    EXPECT_EQ(client().mountFile(link).mountPoint, runDir() + "/fonts:2.3.4");
}

TEST_F(BusTest, MountFdRefusesWhatIsNoReadableRegularFile) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd read{ends[0]}, write{ends[1]};
    const UniqueFd path{open(dataPath("signed/fonts-2.3.4.npk").c_str(), O_PATH | O_CLOEXEC)};
    const UniqueFd directory{open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const UniqueFd device{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const UniqueFd writeOnly{open((directory_ / "w").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    for (const auto* fd : {&read, &path, &directory, &device, &writeOnly}) {
        EXPECT_EQ(failureOf([&] { client().mountFd(fd->get()); }).name, busError("InvalidArgs"));
    }
}

TEST_F(BusTest, MountFdTakesAMemfd) {
    const UniqueFd memory{memfd_create("package", MFD_CLOEXEC)};
    const auto file = openPackageFile("signed/fonts-2.3.4.npk");
    std::array<char, 65536> bytes{};
    const auto size = read(file.get(), bytes.data(), bytes.size());
    ASSERT_GT(size, 0);
    ASSERT_EQ(write(memory.get(), bytes.data(), static_cast<std::size_t>(size)), size);
    EXPECT_EQ(client().mountFd(memory.get()).mountPoint, runDir() + "/fonts:2.3.4");
}

TEST_F(BusTest, DamagedFilesAreRefusedByName) {
    const auto nameOf = [&](const std::string& file) {
        return failureOf([&] { client().mountFile(dataPath("tampered/" + file)); }).name;
    };
    EXPECT_EQ(nameOf("truncated.npk"), ownError("InvalidPackage"));
    EXPECT_EQ(nameOf("signature-changed.npk"), ownError("InvalidSignature"));
    for (const char* file : {"manifest-changed.npk", "comment-changed.npk", "verity-hash-changed.npk"}) {
        EXPECT_TRUE(nameOf(file) == ownError("InvalidSignature") || nameOf(file) == ownError("InvalidPackage")) << file;
    }
    EXPECT_TRUE(kernel_->live().empty());
}

}  // namespace
}  // namespace northstar::test
