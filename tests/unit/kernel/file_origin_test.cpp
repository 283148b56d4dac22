// SPDX-License-Identifier: Apache-2.0
// Where an open file lies, and which may keep a reader waiting.
#include "kernel/linux/file_origin.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <filesystem>

#include "base/unique_fd.h"
#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

TEST(FileOrigin, OfAFileIsItsPathAndItsFilesystem) {
    const TemporaryDirectory directory;
    const std::string path = std::filesystem::canonical(directory.write("file", "x"));
    const UniqueFd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(findFileOrigin(fd.get()).path, path);
    EXPECT_FALSE(findFileOrigin(fd.get()).filesystem.empty());
    std::filesystem::remove(path);
    EXPECT_EQ(findFileOrigin(fd.get()).path, "");
}

TEST(FileOrigin, OfAMemfdIsMemoryWithoutAPath) {
    const UniqueFd fd{memfd_create("name", MFD_CLOEXEC)};
    EXPECT_EQ(findFileOrigin(fd.get()).path, "");
    EXPECT_EQ(findFileOrigin(fd.get()).filesystem, "tmpfs");
}

TEST(FileOrigin, ThatIsNotMountedHereOrOnFuseMayStall) {
    EXPECT_TRUE((FileOrigin{"", ""}.mayStall()));
    EXPECT_TRUE((FileOrigin{"/a", "fuse"}.mayStall()));
    EXPECT_TRUE((FileOrigin{"/a", "fuse.sshfs"}.mayStall()));
    EXPECT_FALSE((FileOrigin{"/a", "ext4"}.mayStall()));
}

}  // namespace
}  // namespace northstar::test
