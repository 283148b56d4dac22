// SPDX-License-Identifier: Apache-2.0
// Options are decoded strictly: what is unknown or of the wrong type is refused by its name.
#include <functional>

#include "bus_test.h"

namespace northstar::test {
namespace {

// Options as they are sent: a key may come again.
struct Entries {
    std::vector<std::pair<std::string, sdbus::Variant>> entries;
};

sdbus::Message& operator<<(sdbus::Message& message, const Entries& options) {
    message.openContainer("{sv}");
    for (const auto& [key, value] : options.entries) {
        message.openDictEntry("sv");
        message << key << value;
        message.closeDictEntry();
    }
    return message.closeContainer();
}

class OptionsTest : public BusTest {
protected:
    // Every method with options, so that each is asked the same questions.
    std::map<std::string, std::function<void(const Options&)>> methods() {
        const std::string repository = std::string{kRoot} + "/repositories/plain";
        return {
            {"Mount", [&](const Options& o) { client().mount("hello-gzip", o); }},
            {"MountFile", [&](const Options& o) { client().mountFile(dataPath("signed/hello-xz-1.0.0.npk"), o); }},
            {"MountFd",
             [&](const Options& o) { client().mountFd(openPackageFile("signed/fonts-2.3.4.npk").get(), o); }},
            {"MountMany",
             [&](const Options& o) {
                 client().call<std::vector<MountResult>>(kRoot, kService, "MountMany", std::vector<std::string>{}, o);
             }},
            {"Unmount", [&](const Options& o) { client().unmount("hello-zstd", o); }},
            {"UnmountMany",
             [&](const Options& o) {
                 client().call<std::vector<UnmountResult>>(kRoot, kService, "UnmountMany", std::vector<std::string>{},
                                                           o);
             }},
            {"Verify", [&](const Options& o) { client().verify("fonts", o); }},
            {"Reload", [&](const Options& o) { client().reload(o); }},
            {"Install",
             [&](const Options& o) { client().install("plain", openPackageFile("signed/multi-0.1.0.npk").get(), o); }},
            {"Uninstall", [&](const Options& o) { client().uninstall("plain", "hello-unsigned", o); }},
        };
    }
};

TEST_F(OptionsTest, UnknownKeysAreRefusedByName) {
    client().mount("hello-zstd");
    for (const auto& [name, call] : methods()) {
        const auto failure = failureOf([&] { call({{"colour", sdbus::Variant{true}}}); });
        EXPECT_EQ(failure.name, busError("InvalidArgs")) << name;
        EXPECT_NE(failure.message.find("colour"), std::string::npos) << name << ": " << failure.message;
    }
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(OptionsTest, NoUserInteractionIsAlwaysAllowedAndMustBeABoolean) {
    client().mount("hello-zstd");
    for (const auto& [name, call] : methods()) {
        const auto failure =
            failureOf([&] { call({{"auth.no_user_interaction", sdbus::Variant{std::string{"yes"}}}}); });
        EXPECT_EQ(failure.name, busError("InvalidArgs")) << name;
        EXPECT_NE(failure.message.find("auth.no_user_interaction"), std::string::npos) << failure.message;
    }
    for (const auto& [name, call] : methods()) {
        const auto failure = failureOf([&] { call({{"auth.no_user_interaction", sdbus::Variant{true}}}); });
        EXPECT_EQ(failure.name, "") << name << ": " << failure.message;
    }
}

TEST_F(OptionsTest, WrongTypesAreRefusedByName) {
    const auto number = sdbus::Variant{std::uint32_t{1}};
    for (const char* key : {"target", "repository", "noexec", "verity"}) {
        const auto failure = failureOf([&] { client().mount("hello-gzip", {{key, number}}); });
        EXPECT_EQ(failure.name, busError("InvalidArgs")) << key;
        EXPECT_NE(failure.message.find(key), std::string::npos) << failure.message;
    }
    const auto failure =
        failureOf([&] { client().mountFile(dataPath("signed/fonts-2.3.4.npk"), {{"allow_unverified", number}}); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("allow_unverified"), std::string::npos) << failure.message;
    client().mount("fonts");
    const auto lazy = failureOf([&] { client().unmount("fonts", {{"lazy", sdbus::Variant{std::string{"true"}}}}); });
    EXPECT_EQ(lazy.name, busError("InvalidArgs"));
    EXPECT_NE(lazy.message.find("lazy"), std::string::npos) << lazy.message;
    EXPECT_EQ(client().listMounts().size(), 1U);
}

TEST_F(OptionsTest, AKeyThatIsGivenTwiceIsRefusedByName) {
    const auto unmount = [&](const Entries& options) {
        return failureOf([&] { client().call<>(kRoot, kService, "Unmount", std::string{"fonts"}, options); });
    };
    const Entries once{{{"lazy", sdbus::Variant{false}}}};
    const Entries twice{{{"lazy", sdbus::Variant{false}}, {"lazy", sdbus::Variant{std::string(1024 * 1024, 'x')}}}};
    client().mount("fonts");
    const auto failure = unmount(twice);
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("lazy is given twice"), std::string::npos) << failure.message;
    EXPECT_EQ(client().listMounts().size(), 1U);
    EXPECT_EQ(unmount(once).name, "");
}

TEST_F(OptionsTest, OtherTypesAreRefusedWithoutReadingThem) {
    const std::vector<std::string> many(100000, "x");
    const auto failure = failureOf([&] { client().mount("fonts", {{"colour", sdbus::Variant{many}}}); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("Unknown option colour"), std::string::npos) << failure.message;
    const auto known = failureOf([&] { client().mount("fonts", {{"noexec", sdbus::Variant{many}}}); });
    EXPECT_NE(known.message.find("noexec must be of type b"), std::string::npos) << known.message;
}

TEST_F(OptionsTest, MoreThanAnyMethodKnowsAreRefusedByName) {
    Options options;
    for (char key = 'a'; key <= 'q'; ++key) options.emplace(std::string{key}, sdbus::Variant{true});
    const auto failure = failureOf([&] { client().mount("fonts", options); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("option q is one too many"), std::string::npos) << failure.message;
}

TEST_F(OptionsTest, ATextThatIsLongerThanAnyPathIsRefusedByName) {
    for (const char* key : {"repository", "verity", "target", "colour"}) {
        const auto failure =
            failureOf([&] { client().mount("fonts", {{key, sdbus::Variant{std::string(4096, 'x')}}}); });
        EXPECT_EQ(failure.name, busError("InvalidArgs")) << key;
        EXPECT_NE(failure.message.find(std::string{key} + " is too long"), std::string::npos) << failure.message;
    }
}

TEST_F(OptionsTest, AllowUnverifiedIsNoOptionOfMount) {
    EXPECT_EQ(failureOf([&] { client().mount("hello-gzip", {{"allow_unverified", sdbus::Variant{true}}}); }).name,
              busError("InvalidArgs"));
}

TEST_F(OptionsTest, BadTargetsAreRefusedBeforeAnythingIsDone) {
    for (const std::string target : {"relative", "", "/", "/srv/../etc", "/..", "//"}) {
        EXPECT_EQ(failureOf([&] { client().mount("hello-gzip", {{"target", sdbus::Variant{target}}}); }).name,
                  busError("InvalidArgs"))
            << target;
    }
    EXPECT_EQ(failureOf([&] {
                  client().mount("hello-gzip", {{"target", sdbus::Variant{"/" + std::string(5000, 'x')}}});
              }).name,
              busError("InvalidArgs"));
    EXPECT_TRUE(kernel_->calls().empty() || kernel_->calls().back() == "removeStaleDevices");
}

TEST_F(OptionsTest, PathsAreShownAsTheyAreWrittenOrRefused) {
    for (const std::string hidden : {"\n", "\x1b", "\x7f", "\u0085", "\u009f", "\u061c", "\u200e", "\u200f", "\u2028",
                                     "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"}) {
        const auto target =
            failureOf([&] { client().mount("fonts", {{"target", sdbus::Variant{"/srv/a" + hidden + "b"}}}); });
        const auto path = failureOf([&] { client().mountFile("/srv/a" + hidden + "b.npk"); });
        for (const auto& failure : {target, path}) {
            EXPECT_EQ(failure.name, busError("InvalidArgs")) << testing::PrintToString(hidden);
            EXPECT_NE(failure.message.find("control characters"), std::string::npos) << failure.message;
        }
    }
    const std::string plain = runDir() + "/\u00a0\u00e9\u0639\u2027\u202f\u206a\U0001f4e6";
    EXPECT_EQ(client().mount("fonts", {{"target", sdbus::Variant{plain}}}).mountPoint, plain);
}

TEST_F(OptionsTest, UnknownVerityModeIsRefused) {
    const auto failure =
        failureOf([&] { client().mount("fonts", {{"verity", sdbus::Variant{std::string{"ignore"}}}}); });
    EXPECT_EQ(failure.name, busError("InvalidArgs"));
    EXPECT_NE(failure.message.find("verity"), std::string::npos) << failure.message;
}

TEST_F(OptionsTest, AnEmptyVerityModeIsRefusedToo) {
    EXPECT_EQ(failureOf([&] { client().mount("fonts", {{"verity", sdbus::Variant{std::string{}}}}); }).name,
              busError("InvalidArgs"));
}

TEST_F(OptionsTest, WrongArgumentsAreInvalidArgs) {
    EXPECT_EQ(failureOf([&] { client().call<>(kRoot, kService, "Mount", std::uint32_t{7}); }).name,
              busError("InvalidArgs"));
    EXPECT_EQ(failureOf([&] { client().call<>(kRoot, kService, "Explode"); }).name, busError("UnknownMethod"));
}

}  // namespace
}  // namespace northstar::test
