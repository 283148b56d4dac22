// SPDX-License-Identifier: Apache-2.0
// May this caller do this? Asked before anything is done, and waited for without blocking. Bus thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/legacy.h"
#include "auth/method_table.h"
#include "bus/caller.h"
#include "bus/client_watch.h"
#include "bus/polkit.h"
#include "config/config.h"

namespace northstar::bus {

// One call of one caller: shared by everything that works on it.
struct Call {
    Caller caller;
    const MethodRule* rule = nullptr;                            // never null once dispatched
    std::shared_ptr<bool> left = std::make_shared<bool>(false);  // the caller is gone, as far as was seen
};
using CallPtr = std::shared_ptr<const Call>;

class Authorizer {
public:
    Authorizer(sdbus::IConnection& bus, ClientWatch& clients, Authorization mode, std::chrono::microseconds timeout)
        : polkit_{bus, timeout}, clients_{clients}, mode_{mode} {}
    void setMode(Authorization mode) { mode_ = mode; }

    // Returns if the caller may, else throws AccessDenied, or InteractiveAuthorizationRequired if a person would have
    // to be asked and the call does not allow that; both name the action. Nobody is asked for a caller that has left.
    // Polkit has 16 questions of a user at a time, and 16 that may open a dialog; others wait. uid 0 always may; nobody
    // may ask for an action that the method's rule does not hold. `mount`: what it is about, for withdraw().
    Async<Done> require(CallPtr call, std::string_view action, Details details,
                        std::optional<std::uint32_t> mount = std::nullopt);

    // Ends all questions about a mount that is gone; their calls fail with NotMounted.
    void withdraw(std::uint32_t mount);

    // Ends all questions that wait for an answer, and asks no more: their calls fail.
    void close();

private:
    struct Answer {
        Polkit::Verdict verdict = Polkit::Verdict::Failed;
        std::string detail{};  // why it failed
        bool withdrawn = false;
    };
    using User = std::pair<uid_t, bool>;  // and whether a dialog may be opened: others need not wait for dialogs
    struct Question {
        [[nodiscard]] User user() const { return {call->caller.euid, call->caller.interactive}; }
        CallPtr call;
        std::string action;
        Details details;
        std::optional<std::uint32_t> mount;
        std::function<void(Answer)> complete;
        ClientWatch::Ticket ticket{};
        bool asked = false;          // or it waits for others of its user
        std::string cancellation{};  // polkit's id of it
    };
    using Number = std::uint64_t;  // in the order of arrival
    void add(Question question);
    void askNext(const User& user);
    void ask(Number number, Question& question);
    // Withdraws it, if it is there, and answers in polkit's place.
    void end(Number number, const Answer& answer);
    void finish(Number number, const Answer& answer);

    Polkit polkit_;
    ClientWatch& clients_;
    Authorization mode_;
    bool closed_ = false;
    Number last_ = 0;
    std::map<Number, Question> questions_;
    std::map<User, std::size_t> asked_;  // how many of a user polkit has
};

}  // namespace northstar::bus
