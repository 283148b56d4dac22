// SPDX-License-Identifier: Apache-2.0
#include "bus/authorizer.h"

#include <spdlog/spdlog.h>

#include "base/error.h"

namespace northstar::bus {

void Authorizer::ask(const Call& call, const std::string& action, const Details& details,
                     const std::function<void(Answer)>& complete) {
    struct Question {
        std::string id;
        ClientWatch::Ticket ticket;
    };
    auto question = std::make_shared<Question>();
    // First, as it may throw: then nobody has been asked yet.
    question->ticket = clients_.onLeave(call.caller.name, [this, gone = call.left, asked = std::weak_ptr{question}] {
        *gone = true;
        const auto left = asked.lock();
        const auto it = left ? cancels_.find(left->id) : cancels_.end();
        if (it != cancels_.end()) std::function{it->second}();
    });
    question->id = polkit_.check(call.caller.name, action, details, call.caller.interactive,
                                 [this, question, complete](Polkit::Verdict verdict, const std::string& detail) {
                                     question->ticket.reset();
                                     cancels_.erase(question->id);
                                     complete({verdict, detail});
                                 });
    const auto cancel = [this, question, complete] {
        const auto keep = cancels_.extract(question->id);  // owns this very function
        if (keep.empty()) return;
        auto finish = complete;
        polkit_.cancel(question->id);
        question->ticket.reset();
        finish({Polkit::Verdict::Failed, "the question was cancelled"});
    };
    cancels_[question->id] = cancel;
}

Async<Done> Authorizer::require(CallPtr call, std::string_view action, Details details) {
    const std::string name{action};
    if (!call->rule->allows(action)) {
        spdlog::error("{} asked for {}, which its rule does not hold", call->rule->method, name);
        throw Error{Code::AccessDenied, "This method may not use " + name};
    }
    if (call->caller.euid == 0) co_return Done{};
    if (mode_ == Authorization::RootOnly) {
        throw Error{Code::AccessDenied, "Only root may do this (" + name +
                                            "): the configuration says authorization = \"root-only\""};
    }
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    const auto throwLeft = [&] {
        spdlog::debug("Denied {} to user {}: the caller has left the bus", name, call->caller.euid);
        throw Error{Code::AccessDenied, "The caller has left the bus; nobody can be asked for " + name};
    };
    if (*call->left) throwLeft();
    Callback<Answer> answered{[&](const Callback<Answer>::Complete& complete) { ask(*call, name, details, complete); }};
    const Answer answer = co_await answered;
    if (*call->left) throwLeft();
    switch (answer.first) {
        case Polkit::Verdict::Granted: co_return Done{};
        case Polkit::Verdict::NeedsInteraction:
            if (call->caller.interactive) {
                throw Error{Code::AccessDenied, "User " + std::to_string(call->caller.euid) + " may not do " + name +
                                                    ": nobody could be asked to authenticate (no polkit agent in this "
                                                    "session, or it was dismissed); a polkit rule can allow it"};
            }
            throw Error{Code::InteractiveAuthorizationRequired,
                        "User " + std::to_string(call->caller.euid) + " must authenticate for " + name +
                            "; allow interactive authorization in the call, or write a polkit rule"};
        case Polkit::Verdict::Denied: break;
        case Polkit::Verdict::Failed:
            spdlog::warn("Denied {} to user {}: polkit gave no answer ({})", name, call->caller.euid, answer.second);
            throw Error{Code::AccessDenied, "User " + std::to_string(call->caller.euid) + " may not do " + name +
                                                ": polkit gave no answer (" + answer.second + ")"};
    }
    throw Error{Code::AccessDenied, "User " + std::to_string(call->caller.euid) + " may not do " + name +
                                        ": polkit denies it; a polkit rule can allow it"};
}

void Authorizer::close() {
    closed_ = true;
    while (!cancels_.empty()) {
        const auto cancel = cancels_.begin()->second;
        cancel();
    }
}

}  // namespace northstar::bus
