// SPDX-License-Identifier: Apache-2.0
// Manifests: what is read of them, and what is refused.
#include "package/manifest.h"

#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.h"

namespace northstar {
namespace {

using test::expectError;

const std::string kIds = "uid: 1000\ngid: 1001\n";
const std::string kMinimal = "name: hello\nversion: 1.2.3\n" + kIds;

TEST(Manifest, OfAnApplicationIsRead) {
    const Manifest manifest = parseManifest(kMinimal + "init: /bin/hello\n");
    EXPECT_EQ(manifest.name, "hello");
    EXPECT_EQ(manifest.version.text(), "1.2.3");
    EXPECT_EQ(manifest.init, "/bin/hello");
    EXPECT_EQ(manifest.uid, 1000);
    EXPECT_EQ(manifest.gid, 1001);
    EXPECT_EQ(manifest.mountContext, std::nullopt);
    EXPECT_EQ(manifest.container(), "hello:1.2.3");
}

TEST(Manifest, OfAResourceHasNoInit) { EXPECT_EQ(parseManifest(kMinimal).init, std::nullopt); }

TEST(Manifest, MayHaveSelinuxContextsWithCategories) {
    const Manifest manifest = parseManifest(
        kMinimal + "selinux:\n  mount_context: system_u:object_r:app_t:s0-s15:c0,c1.c1023\n  exec: null\n");
    EXPECT_EQ(manifest.mountContext, "system_u:object_r:app_t:s0-s15:c0,c1.c1023");
    EXPECT_EQ(manifest.execContext, std::nullopt);
}

TEST(Manifest, MayCarryEverythingThatRunningNeeds) {
    EXPECT_EQ(parseManifest(kMinimal + R"(
args: ["--one", two]
env: {LANG: C, TEXT: "a\nb"}
mounts:
  /dev: {type: dev}
  /data: !persist {}
autostart: critical
cgroups: {memory: {limit_in_bytes: 1000}}
network: ~
seccomp: {profile: default}
capabilities: [CAP_KILL]
suppl_groups: [inet]
rlimits: {nofile: {soft: 1}}
sockets: {}
io: {stdout: pipe}
sched: !fifo {priority: 1}
console: full
custom: {blob: {1: 2}}
)")
                  .name,
              "hello");
}

TEST(Manifest, MayBeJson) {
    EXPECT_EQ(parseManifest(R"({"name": "hello", "version": "1.0.0", "uid": 1, "gid": 65535})").gid, 65535);
}

TEST(ContainerName, IsAPathComponent) {
    for (const char* good : {"a", "hello", "A-b_c.9", "...", ".a", "-"}) EXPECT_TRUE(isContainerName(good)) << good;
    for (const char* bad : {"", ".", "..", "a/b", "a:b", "a b", "\xc3\xa4", "a\n", "*"}) {
        EXPECT_FALSE(isContainerName(bad)) << bad;
    }
    EXPECT_FALSE(isContainerName(std::string_view{"a\0b", 3}));
    EXPECT_TRUE(isContainerName(std::string(1024, 'a')));
    EXPECT_FALSE(isContainerName(std::string(1025, 'a')));
}

TEST(ContainerPattern, MeansWhatItSays) {
    const auto matches = [](const char* pattern, const char* container) {
        const auto parsed = ContainerPattern::parse(pattern);
        return parsed && parsed->matches(*ContainerName::parse(container));
    };
    for (const char* good : {"a", "a:1.2.3", "a:1", "a:1.2", "vendor/a", "vendor/a:1"}) {
        EXPECT_TRUE(matches(good, "a:1.2.3")) << good;
    }
    for (const char* other : {"b", "a:1.2.4", "a:2", "a:1.3", "a:12", "a:1.20"}) {
        EXPECT_FALSE(matches(other, "a:1.2.3")) << other;
    }
    EXPECT_FALSE(matches("a:1", "a:12.0.0"));
    EXPECT_EQ(ContainerPattern::parse("vendor/a:1")->repository, "vendor");
    for (const char* none : {"", "/a", "vendor/", "a/b/c", "a:", "a:1.", "a:.1", "a:01", "a:1.2.", "a:x", "a:1-x"}) {
        EXPECT_FALSE(ContainerPattern::parse(none)) << none;
    }
}

struct Refused {
    const char* name;
    std::string yaml;
    const char* message;
};
class RefusedManifest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedManifest, NamesWhatIsWrong) {
    expectError(Code::InvalidPackage, GetParam().message, [] { (void)parseManifest(GetParam().yaml); });
}

std::string with(const std::string& name, const std::string& version) {
    return "name: " + name + "\nversion: " + version + "\n" + kIds;
}
std::string withUid(const std::string& uid) { return "name: hello\nversion: 1.0.0\ngid: 1\nuid: " + uid + "\n"; }
std::string withContext(const std::string& context) { return kMinimal + "selinux: {mount_context: " + context + "}\n"; }

INSTANTIATE_TEST_SUITE_P(
    Documents, RefusedManifest,
    testing::Values(Refused{"Empty", "", "empty"}, Refused{"OnlyAComment", "# nothing\n", "empty"},
                    Refused{"Null", "~\n", "not a map"}, Refused{"Scalar", "hello\n", "not a map"},
                    Refused{"Sequence", "- name: hello\n", "not a map"},
                    Refused{"TaggedMap", "!x\n" + kMinimal, "not a map"},
                    Refused{"SecondDocument", kMinimal + "---\n" + kMinimal, "more than one document"},
                    Refused{"SecondDocumentEmpty", kMinimal + "---\n", "more than one document"},
                    Refused{"UnknownKey", kMinimal + "entry: x\n", "'entry' is not known"},
                    Refused{"MergeKey", kMinimal + "<<: {init: /x}\n", "'<<' is not known"},
                    Refused{"KeyTwice", kMinimal + "name: other\n", "'name' is there twice"},
                    Refused{"KeyTwiceQuoted", kMinimal + "\"name\": other\n", "'name' is there twice"},
                    Refused{"NestedKeyTwice", kMinimal + "custom: {a: 1, a: 2}\n", "'a' is there twice"},
                    Refused{"KeyIsAMap", kMinimal + "? {a: b}\n: c\n", "key must be a string"},
                    Refused{"KeyIsNull", kMinimal + "? ~\n: c\n", "key must be a string"},
                    Refused{"Anchor", kMinimal + "custom: &a 1\n", "anchors"},
                    Refused{"AnchorOnKey", kMinimal + "custom: {&a b: 1}\n", "anchors"},
                    Refused{"AnchorOnMap", kMinimal + "custom: &a {b: 1}\n", "anchors"},
                    Refused{"Alias", kMinimal + "custom: [&a 1, *a]\n", "anchors"},
                    Refused{"AliasToNothing", kMinimal + "custom: *a\n", "manifest.yaml"},
                    Refused{"NoName", "version: 1.0.0\n" + kIds, "'name' is missing"},
                    Refused{"NullName", with("null", "1.0.0"), "'name' is missing"},
                    Refused{"NameIsAMap", with("{a: b}", "1.0.0"), "'name' is not a string"},
                    Refused{"NameIsTagged", with("!!str a", "1.0.0"), "'name' is not a string"},
                    Refused{"NameIsEmpty", with("''", "1.0.0"), "'name' is not 1 to"},
                    Refused{"NameIsDot", with(".", "1.0.0"), "'name' is not 1 to"},
                    Refused{"NameIsDotDot", with("..", "1.0.0"), "'name' is not 1 to"},
                    Refused{"NameIsAPath", with("../etc", "1.0.0"), "'name' is not 1 to"},
                    Refused{"NameHasNul", with("\"a\\0b\"", "1.0.0"), "control character"},
                    Refused{"NameHasNewline", with("\"a\\nb\"", "1.0.0"), "control character"},
                    Refused{"NoVersion", "name: hello\n" + kIds, "'version' is missing"},
                    Refused{"VersionIsShort", with("hello", "1.0"), "'version' is not a semantic version"},
                    Refused{"VersionIsAPath", with("hello", "1.0.0/.."), "'version' is not a semantic version"},
                    Refused{"NoUid", "name: hello\nversion: 1.0.0\ngid: 1\n", "'uid' is missing"},
                    Refused{"NoGid", "name: hello\nversion: 1.0.0\nuid: 1\n", "'gid' is missing"},
                    Refused{"UidIsRoot", withUid("0"), "between 1 and 65535"},
                    Refused{"UidIsTooLarge", withUid("65536"), "between 1 and 65535"},
                    Refused{"UidIsHuge", withUid("18446744073709551617"), "decimal number"},
                    Refused{"UidIsNegative", withUid("-1"), "decimal number"},
                    Refused{"UidIsHexadecimal", withUid("0x10"), "decimal number"},
                    Refused{"UidHasLeadingZero", withUid("010"), "decimal number"},
                    Refused{"UidIsAFraction", withUid("1.0"), "decimal number"},
                    Refused{"UidIsQuoted", withUid("'1'"), "decimal number"},
                    Refused{"InitIsASequence", kMinimal + "init: [a]\n", "'init' is not a string"},
                    Refused{"InitHasNul", kMinimal + "init: \"/bin/a\\0b\"\n", "control character"},
                    Refused{"SelinuxIsAString", kMinimal + "selinux: x\n", "not a map"},
                    Refused{"SelinuxHasUnknownKey", kMinimal + "selinux: {context: a}\n", "'context' is not known"},
                    Refused{"ContextEndsItsQuotes", withContext("'a\",rw=\"b'"), "SELinux context"},
                    Refused{"ContextHasABackslash", withContext("'a\\b'"), "SELinux context"},
                    Refused{"ContextHasAnEqualsSign", withContext("'a=b'"), "SELinux context"},
                    Refused{"ContextIsEmpty", withContext("''"), "SELinux context"},
                    Refused{"ContextIsTooLong", withContext(std::string(4097, 'a')), "SELinux context"},
                    Refused{"ControlCharacter", kMinimal + "custom: \x1b[0m\n", "control characters"},
                    Refused{"EscapedControlCharacter", kMinimal + "custom: \"\\x1b\"\n", "control character"},
                    // yaml-cpp takes it for the end of the text, and would not read what follows.
                    Refused{"EndOfTransmission", kMinimal + "\x04\nname: other\n", "control characters"},
                    Refused{"Utf16", std::string{"\xff\xfen\0a\0", 6}, "control characters"},
                    Refused{"Tab", "name:\thello\n\tversion: 1.0.0\n", "manifest.yaml"},
                    Refused{"UnclosedQuote", "name: \"hello\n", "manifest.yaml"},
                    Refused{"UnclosedMap", "{name: hello", "manifest.yaml"}),
    [](const auto& tested) { return tested.param.name; });

TEST(RefusedManifest, IsRefusedQuicklyHoweverDeepItIs) {
    constexpr std::size_t kSize = 1 << 20;
    std::string blocks, complexKeys;
    while (blocks.size() < kSize) blocks += "- ";
    while (complexKeys.size() < kSize) complexKeys += "? ";
    std::string indented;
    for (std::size_t i = 0; i < 1400; ++i) indented += std::string(i, ' ') + "a:\n";
    for (const std::string& deep : {std::string(kSize, '['), std::string(kSize, '{'), std::string(4096, '['),
                                    std::string(4096, '{'), blocks, complexKeys, indented}) {
        expectError(Code::InvalidPackage, "manifest.yaml", [&] { (void)parseManifest(deep); });
    }
}

TEST(Manifest, WithAThousandsOfKeysIsReadInReasonableTime) {
    std::string yaml = kMinimal + "custom:\n";
    for (std::size_t i = 0; yaml.size() < (1 << 20); ++i) yaml += "  k" + std::to_string(i) + ": 1\n";
    EXPECT_EQ(parseManifest(yaml).name, "hello");
}

}  // namespace
}  // namespace northstar
