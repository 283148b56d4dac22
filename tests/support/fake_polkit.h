// SPDX-License-Identifier: Apache-2.0
// org.freedesktop.PolicyKit1.Authority on a private bus: answers as told and remembers what it was asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sdbus/compat.h"
#include "support/private_bus.h"

namespace northstar::test {

class FakePolkit {
public:
    enum class Policy { Yes, No, Challenge, Hang };
    struct Question {
        std::string kind, subject, action;
        std::map<std::string, std::string> details;
        bool interactive = false;
        std::string cancellation;
    };

    explicit FakePolkit(const PrivateBus& bus);
    ~FakePolkit();
    FakePolkit(const FakePolkit&) = delete;
    FakePolkit& operator=(const FakePolkit&) = delete;

    // For all actions, or for one.
    void answer(Policy policy);
    void answer(const std::string& action, Policy policy);
    // Answers the questions that hang.
    void release(bool yes);

    [[nodiscard]] std::vector<Question> asked() const;
    [[nodiscard]] std::vector<std::string> actions() const;
    [[nodiscard]] std::vector<std::string> cancelled() const;
    // False if it was asked (or cancelled) less often after five seconds.
    [[nodiscard]] bool waitForQuestions(std::size_t count) const;
    [[nodiscard]] bool waitForCancellations(std::size_t count) const;

private:
    using Answer = sdbus::Struct<bool, bool, std::map<std::string, std::string>>;
    using Subject = sdbus::Struct<std::string, std::map<std::string, sdbus::Variant>>;

    void check(sdbus::Result<Answer>&& result, const Question& question);

    mutable std::mutex mutex_;
    Policy policy_ = Policy::Yes;
    std::map<std::string, Policy> policies_;
    std::vector<Question> asked_;
    std::vector<std::string> cancelled_;
    std::unique_ptr<sdbus::IConnection> bus_;
    std::vector<sdbus::Result<Answer>> hanging_;  // before the object, after the bus: they hold messages of the bus
    std::unique_ptr<sdbus::IObject> object_;
};

}  // namespace northstar::test
