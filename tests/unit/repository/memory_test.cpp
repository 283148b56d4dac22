// SPDX-License-Identifier: Apache-2.0
// A memory repository whose keys are others now.
#include <sys/stat.h>

#include "repository/repository.h"
#include "support/expect_error.h"
#include "unit/repository/repository_fixture.h"

namespace northstar::test {
namespace {

using Names = std::vector<std::string>;

ino_t inodeOf(int fd) {
    struct stat status{};
    EXPECT_EQ(fstat(fd, &status), 0);
    return status.st_ino;
}

class MemoryTest : public RepositoryFixture {
protected:
    static RepositoryContent checkAgain(const Repository& repository, std::initializer_list<const char*> keys) {
        return checkMemoryAgain("test", keyRing(keys), repository.content);
    }
};

TEST_F(MemoryTest, KeepsWhatTheNewKeysSignedAndRefusesTheRestByName) {
    Repository memory = repository(RepositoryType::Memory, {"golden", "stranger"});
    installInto(memory, package("old"));
    installInto(memory, package("new", "1.0.0", "stranger"));
    const RepositoryContent content = checkAgain(memory, {"stranger"});
    EXPECT_EQ(names(content), Names{"new:1.0.0"});
    ASSERT_TRUE(content.refused.contains("old:1.0.0"));
    EXPECT_EQ(content.refused.at("old:1.0.0").error.code(), Code::InvalidSignature);
    EXPECT_TRUE(content.refused.contains("old:1.0.0"));
    EXPECT_EQ(content.used(), package("new", "1.0.0", "stranger").size());
}

TEST_F(MemoryTest, KeepsTheMemoryThatAPackageLiesIn) {
    Repository memory = repository(RepositoryType::Memory);
    installInto(memory, package());
    const RepositoryContent content = checkAgain(memory, {"stranger", "golden"});
    const RepositoryEntry& entry = content.entries.at("hello:1.0.0");
    const int before = memory.content.entries.at("hello:1.0.0").package->fd.get();
    EXPECT_EQ(inodeOf(entry.package->fd.get()), inodeOf(before));
    EXPECT_EQ(inodeOf(entry.sealed->fd.get()), inodeOf(before));
    EXPECT_EQ(entry.sealed->image.size, entry.package->dataSize());
}

TEST_F(MemoryTest, ThatHadNoKeyChecksEveryBlockWhenItGetsOne) {
    PackageSpec spec;
    spec.changeImage = [](std::string& image) { image[4096] = 'x'; };
    Repository memory = repository(RepositoryType::Memory, {});
    installInto(memory, buildPackage(spec));
    installInto(memory, package("good"));
    EXPECT_FALSE(memory.content.entries.at("good:1.0.0").package->verified());
    const RepositoryContent content = checkAgain(memory, {"golden"});
    EXPECT_EQ(names(content), Names{"good:1.0.0"});
    EXPECT_TRUE(content.entries.at("good:1.0.0").package->verified());
    EXPECT_EQ(content.refused.at("hello:1.0.0").error.code(), Code::Corrupted);
}

TEST_F(MemoryTest, ThatHasNoKeyAnyMoreIsUnverifiedAndWhole) {
    Repository memory = repository(RepositoryType::Memory);
    installInto(memory, package());
    const RepositoryContent content = checkAgain(memory, {});
    const RepositoryEntry& entry = content.entries.at("hello:1.0.0");
    EXPECT_FALSE(entry.package->verified());
    EXPECT_EQ(entry.sealed->image, entry.package->image);
}

}  // namespace
}  // namespace northstar::test
