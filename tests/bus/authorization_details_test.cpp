// SPDX-License-Identifier: Apache-2.0
// What polkit's rules, and the person who is asked, get to know of a call.
#include "bus_test.h"

namespace northstar::test {
namespace {

using Actions = std::vector<std::string>;

const std::string kPrefix = "org.northstar.mounter.";
const Options kAllowUnverified{{"allow_unverified", sdbus::Variant{true}}};

class AuthorizationDetails : public BusTest {
protected:
    AuthorizationDetails() { callAs(1000); }
};

TEST_F(AuthorizationDetails, TellRulesWhatIsToBeMounted) {
    client().mount("multi");
    ASSERT_EQ(polkit_->asked().size(), 1U);
    auto details = polkit_->asked()[0].details;
    EXPECT_EQ(details["container"], "multi:1.2.0");
    EXPECT_EQ(details["version"], "1.2.0");
    EXPECT_EQ(details["repository"], "main");
    EXPECT_EQ(details["verified"], "true");
    EXPECT_EQ(details["target"], runDir() + "/multi:1.2.0");
}

TEST_F(AuthorizationDetails, TellRulesHowItIsMounted) {
    client().mount("multi", {{"noexec", sdbus::Variant{true}}, {"verity", sdbus::Variant{std::string{"restart"}}}});
    client().mountFile(dataPath("signed/fonts-2.3.4.npk"), {{"noexec", sdbus::Variant{true}}});
    const auto asked = polkit_->asked();
    ASSERT_EQ(asked.size(), 4U);
    for (const auto& question : asked) EXPECT_EQ(question.details.at("noexec"), "true") << question.action;
    EXPECT_EQ(asked[0].details.at("verity"), "restart");
    EXPECT_EQ(asked[1].details.at("verity"), "restart");
    EXPECT_EQ(asked[2].details.at("verity"), "eio");
    EXPECT_EQ(asked[3].details.at("verity"), "eio");
}

TEST_F(AuthorizationDetails, WhoMustAgreeThatDamageBringsTheMachineDownIsToldSo) {
    const auto message = [&](std::size_t at) { return polkit_->asked().at(at).details.at("polkit.message"); };
    const Options panic{{"verity", sdbus::Variant{std::string{"panic"}}}};
    client().mountFd(openPackageFile("signed/fonts-2.3.4.npk").get(), panic);
    EXPECT_EQ(polkit_->actions(), (Actions{kPrefix + "mount-unverified", kPrefix + "mount"}));
    for (std::size_t at : {0U, 1U}) EXPECT_NE(message(at).find("the kernel panics"), std::string::npos) << message(at);
    client().mount("multi", {{"verity", sdbus::Variant{std::string{"restart"}}}});
    EXPECT_EQ(polkit_->asked().at(2).action, kPrefix + "mount-unverified");
    EXPECT_EQ(polkit_->asked().at(3).action, kPrefix + "mount");
    for (std::size_t at : {2U, 3U})
        EXPECT_NE(message(at).find("the system restarts"), std::string::npos) << message(at);
    Options anybody = panic;
    anybody.insert(kAllowUnverified.begin(), kAllowUnverified.end());
    client().mountFd(openPackageFile("unsigned/hello-unsigned-1.0.0.npk").get(), anybody);
    EXPECT_NE(message(4).find("the kernel panics"), std::string::npos) << message(4);
    client().mount("hello-gzip");
    EXPECT_FALSE(polkit_->asked().at(5).details.contains("polkit.message"));  // that of the action
}

TEST_F(AuthorizationDetails, WhoMayOnlyMountDoesNotBringTheMachineDown) {
    polkit_->answer(kPrefix + "mount-unverified", FakePolkit::Policy::No);
    for (const std::string mode : {"restart", "panic"}) {
        const Options options{{"verity", sdbus::Variant{mode}}};
        EXPECT_EQ(failureOf([&] { client().mount("multi", options); }).name, busError("AccessDenied")) << mode;
    }
    EXPECT_NO_THROW(client().mount("multi"));
}

TEST_F(AuthorizationDetails, WhereDamageCannotBringTheMachineDownNobodyIsToldSo) {
    const std::string keys = "keys = [\"" + dataPath("keys/golden.pub") + "\"]\n";
    addPackage("other", "signed/multi-1.2.0.npk");
    configureOnly("", "[files]\nverification = \"sealed\"\n" + keys + "[repositories.other]\ndir = \"" +
                          (directory_ / "other") + "\"\nverification = \"sealed\"\n" + keys);
    const Options panic{{"verity", sdbus::Variant{std::string{"panic"}}}};
    client().mountFd(openPackageFile("signed/fonts-2.3.4.npk").get(), panic);
    client().mount("multi", panic);
    EXPECT_EQ(polkit_->actions(), (Actions{kPrefix + "mount", kPrefix + "mount"}));
    for (const auto& asked : polkit_->asked()) {
        EXPECT_EQ(asked.details.at("verity"), "eio");
        EXPECT_FALSE(asked.details.contains("polkit.message"));
    }
}

TEST_F(AuthorizationDetails, TheFirstQuestionsAboutAFileTellSourceAndTarget) {
    Options options = kAllowUnverified;
    options["target"] = sdbus::Variant{std::string{"/srv/fonts"}};
    const auto path = dataPath("signed/fonts-2.3.4.npk");
    client().mountFile(path, options);
    const auto asked = polkit_->asked();
    ASSERT_EQ(asked.size(), 4U);
    for (std::size_t i : {0U, 1U}) {
        EXPECT_EQ(asked[i].details.at("source"), asked[0].details.at("path")) << asked[i].action;
        EXPECT_EQ(asked[i].details.at("target"), "/srv/fonts") << asked[i].action;
        EXPECT_EQ(asked[i].details.at("verified"), "false") << asked[i].action;
    }
    EXPECT_EQ(asked[3].action, kPrefix + "mount-anywhere");
    client().mountFile(dataPath("signed/multi-0.1.0.npk"));
    EXPECT_EQ(polkit_->asked().at(4).details.at("target"), runDir());  // which name in it is not known yet
}

TEST_F(AuthorizationDetails, OfInstallTellWhatComesIn) {
    const auto seen = [&] { return polkit_->asked().back().details; };
    client().install("plain", openPackageFile("signed/fonts-2.3.4.npk").get());
    EXPECT_EQ(seen().at("container"), "fonts:2.3.4");
    EXPECT_EQ(seen().at("name"), "fonts");
    EXPECT_EQ(seen().at("version"), "2.3.4");
    EXPECT_EQ(seen().at("repository"), "plain");
    EXPECT_EQ(seen().at("verified"), "false");
    EXPECT_FALSE(seen().contains("key"));
    client().uninstall("main", "fonts");
    client().install("main", openPackageFile("signed/fonts-2.3.4.npk").get());
    EXPECT_EQ(seen().at("verified"), "true");
    EXPECT_EQ(seen().at("key").size(), 64U);  // a fingerprint
}

TEST_F(AuthorizationDetails, ShowNoMarkupAndNoNameOfSomebodysMaking) {
    client().mount("multi", {{"target", sdbus::Variant{directory_ / "<b>&"}}});
    EXPECT_EQ(polkit_->asked().back().details.at("target"), directory_ / "?b??");
    const std::size_t asked = polkit_->asked().size();
    EXPECT_EQ(failureOf([&] { client().uninstall("main", "<b>no name</b>"); }).name,
              "org.northstar.Mounter.Error.NoSuchContainer");
    EXPECT_EQ(polkit_->asked().size(), asked);
}

// /bin is a symlink to usr/bin since Debian 12; nothing is made there, the kernel is one in memory.
TEST_F(AuthorizationDetails, TheTargetIsWhereTheMountWillBe) {
    const Options options{{"target", sdbus::Variant{std::string{"/bin/northstar-test"}}}};
    const auto packed = dataPath("signed/fonts-2.3.4.npk");
    for (int i = 0; i < 3; ++i) {
        const auto mounted = i == 0   ? client().mount("fonts", options)
                             : i == 1 ? client().mountFile(packed, options)
                                      : client().mountFd(openPackageFile("signed/fonts-2.3.4.npk").get(), options);
        EXPECT_EQ(mounted.mountPoint, "/usr/bin/northstar-test");
        client().unmount(i == 0 ? "/bin/northstar-test" : mounted.mountPoint);
    }
    EXPECT_GE(polkit_->asked().size(), 7U);
    for (const auto& asked : polkit_->asked()) {
        EXPECT_EQ(asked.details.at("target"), "/usr/bin/northstar-test") << asked.action;
    }
}

TEST_F(AuthorizationDetails, OfVerifyAndUninstallTellWhichContainer) {
    const auto seen = [&] { return polkit_->asked().back().details; };
    client().verify("multi");
    EXPECT_EQ(seen().at("container"), "multi:1.2.0");
    EXPECT_EQ(seen().at("version"), "1.2.0");
    EXPECT_EQ(seen().at("repository"), "main");
    EXPECT_EQ(seen().at("verified"), "true");
    client().uninstall("plain", "hello-unsigned");
    EXPECT_EQ(seen().at("container"), "hello-unsigned:1.0.0");
    EXPECT_EQ(seen().at("version"), "1.0.0");
    EXPECT_EQ(seen().at("repository"), "plain");
    EXPECT_EQ(seen().at("verified"), "false");
}

}  // namespace
}  // namespace northstar::test
