// SPDX-License-Identifier: Apache-2.0
// An authority in memory: answers as told, and remembers what it was asked and what was withdrawn. Loop's thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/event_loop.h"
#include "auth/authorizer.h"

namespace northstar::test {

class FakeAuthority : public Authority {
public:
    using Reply = std::optional<Verdict>;
    static constexpr std::nullopt_t kHang = std::nullopt;

    explicit FakeAuthority(EventLoop& loop) : loop_{loop} {}

    // To all questions from now on, or to those about one action.
    void answer(Reply reply) { reply_ = reply; }
    void answer(std::string_view action, Reply reply) { replies_.insert_or_assign(std::string{action}, reply); }
    // Answers those that hang, the oldest first; at most so many.
    void release(Verdict verdict, std::size_t most = SIZE_MAX) {
        std::vector<std::string> ids;
        for (const Open& question : open_) {
            if (question.hangs && ids.size() < most) ids.push_back(question.id);
        }
        for (const std::string& id : ids) finish(id, verdict);
    }

    [[nodiscard]] const std::vector<Question>& asked() const { return asked_; }
    [[nodiscard]] std::vector<std::string> actions() const {
        std::vector<std::string> names;
        for (const Question& question : asked_) names.push_back(question.action);
        return names;
    }
    // How many wait for release(); and how many were withdrawn before they had an answer.
    [[nodiscard]] std::size_t hanging() const {
        return static_cast<std::size_t>(std::ranges::count(open_, true, &Open::hangs));
    }
    [[nodiscard]] std::size_t cancelled() const { return cancelled_; }

    std::string ask(const Question& question, std::function<void(Answer)> done) override {
        asked_.push_back(question);
        const std::string id = std::to_string(asked_.size());
        const auto own = replies_.find(question.action);
        const Reply reply = own != replies_.end() ? own->second : reply_;
        open_.push_back({id, std::move(done), !reply});
        if (reply) {
            loop_.post([this, id, verdict = *reply] { finish(id, verdict); });
        }
        return id;
    }
    void cancel(const std::string& id) noexcept override {
        cancelled_ += std::erase_if(open_, [&](const Open& question) { return question.id == id; });
    }

private:
    struct Open {
        std::string id;
        std::function<void(Answer)> done;
        bool hangs;
    };
    void finish(const std::string& id, Verdict verdict) {
        const auto question = std::ranges::find(open_, id, &Open::id);
        if (question == open_.end()) return;
        const auto done = std::move(question->done);
        open_.erase(question);
        done({verdict, verdict == Verdict::Failed ? "as ordered" : ""});
    }

    EventLoop& loop_;
    Reply reply_ = Verdict::Granted;
    std::map<std::string, Reply> replies_;
    std::vector<Question> asked_;
    std::vector<Open> open_;  // in the order asked
    std::size_t cancelled_ = 0;
};

}  // namespace northstar::test
