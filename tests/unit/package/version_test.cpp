// SPDX-License-Identifier: Apache-2.0
// Semantic versions: what is one, and which is higher.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "package/manifest.h"

namespace northstar {
namespace {

Version version(const std::string& text) {
    const auto parsed = Version::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Version{});
}

TEST(Version, TakesItsPartsApart) {
    const Version parsed = version("1.22.333-rc.1+build.5");
    EXPECT_EQ(parsed.major, 1U);
    EXPECT_EQ(parsed.minor, 22U);
    EXPECT_EQ(parsed.patch, 333U);
    EXPECT_EQ(parsed.prerelease, "rc.1");
    EXPECT_EQ(parsed.build, "build.5");
    EXPECT_EQ(parsed.text(), "1.22.333-rc.1+build.5");
}

TEST(Version, ReadsTheLargestNumbers) { EXPECT_EQ(version("18446744073709551615.0.0").major, UINT64_MAX); }

TEST(Version, KeepsHyphensOfAPrerelease) {
    EXPECT_EQ(version("1.0.0-alpha-beta").prerelease, "alpha-beta");
    EXPECT_EQ(version("1.0.0+build-1").build, "build-1");
    EXPECT_EQ(version("1.0.0+build-1").prerelease, "");
}

class NoVersion : public testing::TestWithParam<const char*> {};
TEST_P(NoVersion, IsRefused) { EXPECT_FALSE(Version::parse(GetParam())) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Texts, NoVersion,
                         testing::Values("", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.00.0", "1.0.00", "1.0.-1",
                                         "1.0.+1", " 1.0.0", "1.0.0 ", "1.0.0\n", "1..0", "1.0.0-", "1.0.0+",
                                         "1.0.0-a..b", "1.0.0-01", "1.0.0-a_b", "1.0.0+a/b", "1.0.0+a+b",
                                         "18446744073709551616.0.0", "1.0.x", "../1.0.0", "0x1.0.0"));

TEST(Version, RefusesOneThatIsTooLongForAFileName) {
    EXPECT_TRUE(Version::parse("1.0.0-" + std::string(122, 'a')));
    EXPECT_FALSE(Version::parse("1.0.0-" + std::string(123, 'a')));
}

// The order that semver.org gives as an example in section 11, and around it.
TEST(Version, IsOrderedByPrecedence) {
    const std::vector<std::string> ascending{
        "0.9.9",      "1.0.0-0",      "1.0.0-9",       "1.0.0-10",   "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",       "1.0.1",         "1.1.0",
        "1.2.0",      "1.10.0",       "2.0.0"};
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            EXPECT_EQ(version(ascending[i]) < version(ascending[j]), i < j) << ascending[i] << " " << ascending[j];
            EXPECT_EQ(version(ascending[i]) == version(ascending[j]), i == j) << ascending[i] << " " << ascending[j];
        }
    }
}

TEST(Version, IgnoresTheBuildInItsOrder) {
    EXPECT_EQ(version("1.0.0+a"), version("1.0.0+b"));
    EXPECT_EQ(version("1.0.0+a"), version("1.0.0"));
    EXPECT_NE(version("1.0.0+a").text(), version("1.0.0+b").text());
}

}  // namespace
}  // namespace northstar
