// SPDX-License-Identifier: Apache-2.0
// May this caller do this? Asked before anything is done, and waited for without blocking. Bus thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/method_table.h"
#include "auth/polkit.h"
#include "bus/async.h"
#include "bus/caller.h"
#include "bus/client_watch.h"
#include "config/config.h"

namespace northstar::bus {

// One call of one caller: shared by everything that works on it.
struct Call {
    Caller caller;
    const MethodRule* rule = nullptr;  // never null once dispatched
    std::shared_ptr<bool> left = std::make_shared<bool>(false);  // the caller is gone, as far as was seen
};
using CallPtr = std::shared_ptr<const Call>;

class Authorizer {
public:
    Authorizer(sdbus::IConnection& bus, ClientWatch& clients, Authorization mode, std::chrono::microseconds timeout)
        : polkit_{bus, timeout}, clients_{clients}, mode_{mode} {}
    void setMode(Authorization mode) { mode_ = mode; }

    // Returns if the caller may, else throws AccessDenied, or InteractiveAuthorizationRequired if a person would have to
    // be asked and the call does not allow that; both name the action.
    // Nobody is asked for a caller that has left.
    // uid 0 always may; nobody may ask for an action that the method's rule does not hold.
    // `mount`: what it is about, for withdraw().
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
    struct Question {
        std::optional<std::uint32_t> mount;
        std::function<void(Answer)> end;  // withdraws it and answers in polkit's place
    };
    void ask(const Call& call, const std::string& action, const Details& details, std::optional<std::uint32_t> mount,
             const std::function<void(Answer)>& complete);
    void end(const std::string& id, const Answer& answer);

    Polkit polkit_;
    ClientWatch& clients_;
    Authorization mode_;
    bool closed_ = false;
    std::map<std::string, Question> questions_;  // by cancellation id
};

}  // namespace northstar::bus
