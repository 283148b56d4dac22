// SPDX-License-Identifier: Apache-2.0
// May this caller do this? Who decides, and the questions to them: asked before anything is done, and waited for
// without blocking. Bus thread only.
#pragma once

#include <sys/types.h>

#include <stop_token>

#include "async/task.h"
#include "auth/call.h"
#include "base/std.h"

namespace northstar {

// What rules and people see of a question, by name.
using Details = std::map<std::string, std::string>;

enum class Verdict { Granted, Denied, NeedsInteraction, Failed };

struct Answer {
    Verdict verdict = Verdict::Failed;
    std::string detail{};  // why the check failed, for Failed
};

// Who decides: the seam that polkit implements. Bus thread only; never blocks.
class Authority {
public:
    virtual ~Authority() = default;

    struct Question {
        std::string subject;  // unique bus name
        std::string action;
        Details details;
        bool interactive = false;  // may it open a dialog?
    };
    // Asks. `done` runs once, later, unless the question is cancelled. Returns what cancel() takes.
    virtual std::string ask(const Question& question, std::function<void(Answer)> done) = 0;
    // Forgets the question and closes its dialog. Nothing happens if it was answered.
    virtual void cancel(const std::string& id) noexcept = 0;
};

class Authorizer {
public:
    enum class Mode { AskAuthority, RootOnly };

    Authorizer(Authority& authority, Mode mode) : authority_{authority}, mode_{mode} {}
    void setMode(Mode mode) { mode_ = mode; }

    // Returns if the caller may, else throws AccessDenied, or InteractiveAuthorizationRequired if a person would have
    // to be asked and the call does not allow that; both name the action.
    // uid 0 always may; nobody may ask for an action that the method's rule does not hold, and nobody is asked for a
    // caller that has left. The authority has 88 questions at a time, 72 of them with a dialog; of a user 16, and 16
    // with a dialog, or fewer while there are many of others. The rest wait. `mount`: what it is about, for withdraw().
    Task<> require(CallPtr call, std::string_view action, Details details,
                   std::optional<std::uint32_t> mount = std::nullopt);

    // Ends all questions about a mount that is gone; their calls fail with NotMounted.
    void withdraw(std::uint32_t mount);

    // Ends all questions that wait for an answer, and asks no more: their calls fail.
    void close();

private:
    enum class Ending { Answered, Withdrawn };
    struct Outcome {
        Answer answer;
        Ending ending = Ending::Answered;
    };
    using User = std::pair<uid_t, bool>;  // and whether a dialog may be opened: others need not wait for dialogs
    struct Question {
        [[nodiscard]] User user() const { return {call->caller.euid, call->caller.interactive}; }
        CallPtr call;
        std::string action;
        Details details;
        std::optional<std::uint32_t> mount;
        std::function<void(Outcome)> complete;
        std::optional<std::stop_callback<std::function<void()>>> callerGone{};
        std::optional<std::string> asked{};  // the authority's id of it; without: it waits for others of its user
    };
    using Number = std::uint64_t;  // in the order of arrival
    Task<Outcome> ask(CallPtr call, std::string action, Details details, std::optional<std::uint32_t> mount);
    [[nodiscard]] bool mayAsk(const User& user) const;
    // Those of users who have the fewest first, and of theirs the oldest.
    void askMore();
    void handOver(Number number, Question& question);
    // Withdraws it, if it is there, and answers in the authority's place.
    void end(Number number, const Outcome& outcome);
    void finish(Number number, const Outcome& outcome);

    Authority& authority_;
    Mode mode_;
    bool closed_ = false;
    bool asking_ = false;
    Number last_ = 0;
    std::map<Number, Question> questions_;
    std::map<User, std::size_t> asked_;  // how many of a user the authority has
    std::size_t dialogs_ = 0;            // of all users, those that may open a dialog
    std::size_t others_ = 0;
};

}  // namespace northstar
