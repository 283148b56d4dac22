// SPDX-License-Identifier: Apache-2.0
// Names of repositories in object paths.
#include <gtest/gtest.h>

#include "config/value.h"

namespace northstar::test {
namespace {

TEST(RepositoryName, HasLettersDigitsUnderscoresDashesAndDots) {
    for (const char* name : {"a", "vendor", "my_repo", "0", "_", "com.example.apps", "my-repo", "v1.2-rc"}) {
        EXPECT_TRUE(isRepositoryName(name)) << name;
    }
    for (const char* name : {"", ".", "..", ".hidden", "-x", "a/b", "../x", "a b", "a:b", "\xc3\xa4", "a\n"}) {
        EXPECT_FALSE(isRepositoryName(name)) << name;
    }
    EXPECT_TRUE(isRepositoryName(std::string(255, 'a')));
    EXPECT_FALSE(isRepositoryName(std::string(256, 'a')));
}

TEST(RepositoryName, IsItsOwnLabelWhereAnObjectPathAllowsIt) {
    for (const char* name : {"vendor", "my_repo", "0", "1st", "_"}) EXPECT_EQ(repositoryLabel(name), name);
}

TEST(RepositoryName, IsEscapedElsewhere) {
    EXPECT_EQ(repositoryLabel("my-repo"), "my_2drepo");
    EXPECT_EQ(repositoryLabel("com.example.apps"), "com_2eexample_2eapps");
    EXPECT_EQ(repositoryLabel("my_own-repo"), "my_5fown_2drepo");
    EXPECT_EQ(repositoryLabel("1-2"), "_31_2d2");
}

}  // namespace
}  // namespace northstar::test
