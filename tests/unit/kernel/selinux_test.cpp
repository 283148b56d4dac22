// SPDX-License-Identifier: Apache-2.0
// SELinux contexts as mount options.
#include "kernel/linux/selinux.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace northstar {
namespace {

TEST(SelinuxMountOption, IsQuoted) {
    EXPECT_EQ(selinuxMountOption("system_u:object_r:container_file_t:s0"),
              "context=\"system_u:object_r:container_file_t:s0\"");
}

TEST(SelinuxMountOption, KeepsTheCommasOfAnMcsRange) {
    EXPECT_EQ(selinuxMountOption("system_u:object_r:app_t:s0:c1,c2.c7-s1:c3"),
              "context=\"system_u:object_r:app_t:s0:c1,c2.c7-s1:c3\"");
}

TEST(SelinuxMountOption, RefusesWhatCouldEndTheQuotes) {
    for (const char* context : {"", "a:b\",suid", "a b", "a:b\n", "a=b", "a/b", "a'b", "\xc3\xa4:b"}) {
        try {
            static_cast<void>(selinuxMountOption(context));
            ADD_FAILURE() << "accepted: " << context;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), Code::InvalidArgs);
        }
    }
}

}  // namespace
}  // namespace northstar
