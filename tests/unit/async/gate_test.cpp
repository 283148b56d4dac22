// SPDX-License-Identifier: Apache-2.0
// Who waits in front of a gate, and in which order they pass.
#include "async/gate.h"

#include <gtest/gtest.h>

#include "async/scope.h"

namespace northstar::test {
namespace {

class GateTest : public testing::Test {
protected:
    Task<> pass(std::string name, std::string what) {
        co_await gate_.pass(name);
        passed_.push_back(what);
    }
    Task<> passBehind(std::string name, std::string what) {
        co_await gate_.passBehind(name);
        passed_.push_back(what);
    }
    Task<> expectRefused(std::string name) {
        try {
            co_await gate_.pass(name);
        } catch (const Error& error) {
            passed_.emplace_back(error.what());
        }
    }

    using Names = std::vector<std::string>;
    Gate gate_;
    Names passed_;
    Scope scope_;
};

TEST_F(GateTest, ThoseWhoWaitPassInOrderWhenItIsOpened) {
    scope_.spawn(pass("a", "1"));
    scope_.spawn(pass("b", "2"));
    EXPECT_EQ(passed_, Names{});
    gate_.open();
    EXPECT_EQ(passed_, (Names{"1", "2"}));
    scope_.spawn(pass("a", "3"));
    EXPECT_EQ(passed_.size(), 3U);
    EXPECT_TRUE(scope_.empty());
}

TEST_F(GateTest, NobodyOvertakesHimself) {
    scope_.spawn(passBehind("a", "at once"));
    scope_.spawn(pass("a", "1"));
    scope_.spawn(passBehind("a", "2"));
    scope_.spawn(passBehind("b", "of another"));
    EXPECT_EQ(passed_, (Names{"at once", "of another"}));
    gate_.open();
    EXPECT_EQ(passed_, (Names{"at once", "of another", "1", "2"}));
}

TEST_F(GateTest, ARefusalIsForEverybody) {
    scope_.spawn(expectRefused("a"));
    gate_.open(Error{Code::Failed, "no"});
    scope_.spawn(expectRefused("b"));
    EXPECT_EQ(passed_, (Names{"no", "no"}));
}

}  // namespace
}  // namespace northstar::test
