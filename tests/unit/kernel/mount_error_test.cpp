// SPDX-License-Identifier: Apache-2.0
// What callers are told when the kernel refuses a mount.
#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "kernel/linux/detached_mount.h"

namespace northstar {
namespace {

Error errorOf(const std::string& filesystem, int error, const std::string& log) {
    try {
        throwMountError("/dev/loop3", MountOptions{filesystem, false, ""}, error, log);
    } catch (const Error& e) {
        return e;
    }
}

bool mentions(const Error& error, const std::string& text) {
    return std::string{error.what()}.find(text) != std::string::npos;
}

TEST(MountError, NamesTheKernelOptionOfAMissingFilesystem) {
    const Error squashfs = errorOf("squashfs", ENODEV, ""), erofs = errorOf("erofs", ENODEV, "");
    EXPECT_EQ(squashfs.code(), Code::Unsupported);
    EXPECT_TRUE(mentions(squashfs, "CONFIG_SQUASHFS,")) << squashfs.what();
    EXPECT_TRUE(mentions(erofs, "CONFIG_EROFS_FS,")) << erofs.what();
}

TEST(MountError, NamesTheKernelOptionOfAMissingDecompressor) {
    const Error error =
        errorOf("squashfs", EINVAL, "squashfs: Filesystem uses \"xz\" compression. This is not supported");
    EXPECT_EQ(error.code(), Code::Unsupported);
    EXPECT_TRUE(mentions(error, "CONFIG_SQUASHFS_XZ")) << error.what();
}

TEST(MountError, OfAnUnreadableImageIsCorrupted) {
    EXPECT_EQ(errorOf("squashfs", EIO, "").code(), Code::Corrupted);
    EXPECT_EQ(errorOf("erofs", EUCLEAN, "").code(), Code::Corrupted);
}

TEST(MountError, CarriesTheKernelsWords) {
    const Error error = errorOf("squashfs", EINVAL, "squashfs: Can't find a SQUASHFS superblock on loop3");
    EXPECT_EQ(error.code(), Code::Failed);
    EXPECT_TRUE(mentions(error, "/dev/loop3"));
    EXPECT_TRUE(mentions(error, "Can't find a SQUASHFS superblock"));
}

}  // namespace
}  // namespace northstar
