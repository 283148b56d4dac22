// SPDX-License-Identifier: Apache-2.0
// Verify: the whole image, unless nobody wants to know any more.
#include "engine_test.h"

namespace northstar::test {
namespace {

class VerifyTest : public EngineTest {
protected:
    Pending<bool> verify(const TestCaller& caller, const std::string& what) {
        return begin(methods().queries.verify(caller.calls("Verify"), what, {}));
    }
};

TEST_F(VerifyTest, IsTrueForAnIntactImage) { EXPECT_TRUE(answer(verify(user_, "fonts"))); }

TEST_F(VerifyTest, IsFalseForDamagedData) {
    configureOnly("", repository("other", {"golden"}));
    addPackage("other", "tampered/fsimg-data-changed.npk");
    EXPECT_FALSE(answer(verify(user_, "hello-gzip")));
}

TEST_F(VerifyTest, OfWhatNobodySignedIsInvalidSignature) {
    expectFailure(Code::InvalidSignature, "no key", verify(user_, "hello-unsigned"));
}

TEST_F(VerifyTest, AsksForVerify) {
    answer(verify(user_, "fonts"));
    EXPECT_EQ(authority_.actions(), Texts{std::string{action::kVerify}});
}

TEST_F(VerifyTest, IsGivenUpWhenItsCallerLeaves) {
    const auto call = verify(root_, "fonts");
    root_.leave();
    expectFailure(Code::Failed, "given up", call);
}

TEST_F(VerifyTest, IsGivenUpWhenTheServiceStops) {
    const auto call = verify(root_, "fonts");
    engine().stop();
    expectFailure(Code::Failed, "given up", call);
}

TEST_F(VerifyTest, OfOthersGoesOnWhenACallerLeaves) {
    const TestCaller other{0, ":1.9"};
    const auto given = verify(root_, "fonts"), kept = verify(other, "fonts");
    root_.leave();
    EXPECT_TRUE(answer(kept));
    expectFailure(Code::Failed, "given up", given);
}

}  // namespace
}  // namespace northstar::test
