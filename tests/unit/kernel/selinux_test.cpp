// SPDX-License-Identifier: Apache-2.0
// SELinux contexts as mount options.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernel/linux/detached_mount.h"

namespace northstar {
namespace {

TEST(SelinuxOption, ForFsconfigIsTheBareContext) {
    for (const char* context : {"system_u:object_r:container_file_t:s0", "system_u:object_r:app_t:s0:c1,c2",
                                "system_u:object_r:app_t:s0:c1,c2.c7-s1:c3"}) {
        EXPECT_EQ(selinuxContext(context, true), context);
    }
}

TEST(SelinuxOption, ForMountIsQuoted) {
    EXPECT_EQ(selinuxData("system_u:object_r:container_file_t:s0"),
              "context=\"system_u:object_r:container_file_t:s0\"");
}

TEST(SelinuxOption, ForMountKeepsTheCommasOfAnMcsRange) {
    EXPECT_EQ(selinuxData("system_u:object_r:app_t:s0:c1,c2"), "context=\"system_u:object_r:app_t:s0:c1,c2\"");
    EXPECT_EQ(selinuxData("system_u:object_r:app_t:s0:c1,c2.c7-s1:c3"),
              "context=\"system_u:object_r:app_t:s0:c1,c2.c7-s1:c3\"");
}

TEST(SelinuxOption, IsLeftOutWhereSelinuxIsNotEnabled) {
    EXPECT_FALSE(selinuxContext("system_u:object_r:container_file_t:s0", false));
    EXPECT_FALSE(selinuxContext("system_u:object_r:app_t:s0:c1,c2", false));
}

TEST(SelinuxOption, RefusesWhatCouldEndTheQuotes) {
    for (const bool enabled : {true, false}) {
        for (const char* context : {"", "a:b\",suid", "a b", "a:b\n", "a=b", "a/b", "a'b", "\xc3\xa4:b"}) {
            try {
                static_cast<void>(selinuxContext(context, enabled));
                ADD_FAILURE() << "accepted: " << context;
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), Code::InvalidArgs);
            }
        }
    }
}

}  // namespace
}  // namespace northstar
