// SPDX-License-Identifier: Apache-2.0
// The table of methods and actions: what has no entry is refused, and no entry holds more than its method needs.
#include "auth/method_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "support/paths.h"

namespace northstar::test {
namespace {

constexpr const char* kService = "org.northstar.Mounter";

TEST(MethodTable, HasNoEntryForWhatIsNotThere) {
    EXPECT_EQ(findMethodRule(kService, "Explode"), nullptr);
    EXPECT_EQ(findMethodRule(kService, ""), nullptr);
    EXPECT_EQ(findMethodRule(kService, "mount"), nullptr);
    EXPECT_EQ(findMethodRule("org.northstar.Mounter.Other", "Mount"), nullptr);
    EXPECT_EQ(findMethodRule("", "Mount"), nullptr);
    EXPECT_EQ(findMethodRule("org.northstar.Mounter.Mount", "Install"), nullptr);
}

TEST(MethodTable, ReadingNeedsNoAction) {
    for (const char* method : {"ListMounts", "ListContainers", "Inspect"}) {
        const auto* rule = findMethodRule(kService, method);
        ASSERT_NE(rule, nullptr) << method;
        EXPECT_TRUE(rule->actions.empty()) << method;
    }
}

TEST(MethodTable, WhatChangesSomethingHoldsAnAction) {
    for (const char* method :
         {"Mount", "MountFile", "MountFd", "MountMany", "Unmount", "UnmountMany", "Verify", "Reload"}) {
        const auto* rule = findMethodRule(kService, method);
        ASSERT_NE(rule, nullptr) << method;
        EXPECT_FALSE(rule->actions.empty()) << method;
    }
}

TEST(MethodTable, ARuleAllowsItsOwnActionsOnly) {
    const auto* mount = findMethodRule(kService, "Mount");
    ASSERT_NE(mount, nullptr);
    EXPECT_TRUE(mount->allows(action::kMount));
    EXPECT_FALSE(mount->allows(action::kMountPath));
    EXPECT_FALSE(mount->allows(action::kManageRepository));
    EXPECT_FALSE(mount->allows(""));
    EXPECT_TRUE(findMethodRule(kService, "MountFile")->allows(action::kMountPath));
    EXPECT_FALSE(findMethodRule(kService, "ListMounts")->allows(action::kMount));
}

std::string installedPolicy() {
    std::ifstream file{std::string{kSourceDir} + "/polkit/org.northstar.mounter.policy"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// An answer that is kept holds for the action, whatever the details are the next time.
TEST(MethodTable, NoAnswerIsKeptThatWasGivenToWhatAPersonWasShown) {
    const std::string policy = installedPolicy();
    for (const auto name : {action::kMountUnverified, action::kMountAnywhere, action::kManageRepository}) {
        const auto begin = policy.find("<action id=\"" + std::string{name} + "\">");
        ASSERT_NE(begin, std::string::npos) << name;
        const std::string entry = policy.substr(begin, policy.find("</action>", begin) - begin);
        EXPECT_NE(entry.find("<allow_active>auth_admin</allow_active>"), std::string::npos) << entry;
    }
}

TEST(MethodTable, EveryActionIsInTheInstalledPolicy) {
    const std::string policy = installedPolicy();
    for (const auto name : {action::kMount, action::kMountUnverified, action::kMountAnywhere, action::kMountPath,
                            action::kUnmountOthers, action::kManageRepository, action::kVerify, action::kReload}) {
        EXPECT_NE(policy.find("<action id=\"" + std::string{name} + "\">"), std::string::npos) << name;
    }
}

}  // namespace
}  // namespace northstar::test
