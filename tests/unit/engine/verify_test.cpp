// SPDX-License-Identifier: Apache-2.0
// Verify: the whole image, unless nobody wants to know any more.
#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "engine_test.h"
#include "package/package.h"

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

TEST_F(VerifyTest, IsFalseForADamagedFirstBlock) {
    const auto damage = [](const std::string& file) {
        const UniqueFd npk{open(file.c_str(), O_RDWR | O_CLOEXEC)};
        const auto image = openPackage(duplicateFd(npk.get()), {}, SignaturePolicy::Optional, "test").image;
        EXPECT_EQ(pwrite(npk.get(), "damaged", 7, static_cast<off_t>(image.offset + 100)), 7);
    };
    configureOnly("", repository("other", {"golden"}));
    addPackage("other", "signed/fonts-2.3.4.npk");
    damage(directory_ / "other/fonts-2.3.4.npk");
    addPackage("other", "signed/multi-1.2.0.npk");
    EXPECT_FALSE(answer(verify(user_, "fonts:2.3.4")));
    EXPECT_EQ(authority_.actions(), Texts{std::string{action::kVerify}});
    damage(directory_ / "other/multi-1.2.0.npk");
    EXPECT_FALSE(answer(verify(user_, "multi")));
    authority_.answer(Verdict::Denied);
    expectFailure(Code::AccessDenied, "verify", verify(user_, "fonts:2.3.4"));
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
