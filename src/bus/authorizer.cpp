// SPDX-License-Identifier: Apache-2.0
#include "bus/authorizer.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "base/error.h"

namespace northstar::bus {

void Authorizer::ask(const Call& call, const std::string& action, const Details& details,
                     std::optional<std::uint32_t> mount, const std::function<void(Answer)>& complete) {
    struct Asked {
        std::string id;
        ClientWatch::Ticket ticket;
    };
    auto asked = std::make_shared<Asked>();
    // First, as it may throw: then nobody has been asked yet.
    asked->ticket = clients_.onLeave(call.caller.name, [this, gone = call.left, weak = std::weak_ptr{asked}] {
        *gone = true;
        if (const auto left = weak.lock()) end(left->id, {.detail = "the caller has left"});
    });
    asked->id = polkit_.check(call.caller.name, action, details, call.caller.interactive,
                              [this, asked, complete](Polkit::Verdict verdict, const std::string& detail) {
                                  asked->ticket.reset();
                                  questions_.erase(asked->id);
                                  complete({verdict, detail});
                              });
    questions_[asked->id] = {mount, [this, asked, complete](const Answer& answer) {
                                 polkit_.cancel(asked->id);
                                 asked->ticket.reset();
                                 complete(answer);
                             }};
}

void Authorizer::end(const std::string& id, const Answer& answer) {
    const auto question = questions_.extract(id);
    if (!question.empty()) question.mapped().end(answer);
}

Async<Done> Authorizer::require(CallPtr call, std::string_view action, Details details,
                                std::optional<std::uint32_t> mount) {
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
    Callback<Answer> answered{[&](const Callback<Answer>::Complete& complete) {
        ask(*call, name, details, mount, complete);
    }};
    const Answer answer = co_await answered;
    if (*call->left) throwLeft();
    if (answer.withdrawn) {
        throw Error{Code::NotMounted, "The mount was taken down while polkit was asked for " + name +
                                          "; ListMounts shows what is mounted"};
    }
    switch (answer.verdict) {
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
            spdlog::warn("Denied {} to user {}: polkit gave no answer ({})", name, call->caller.euid, answer.detail);
            throw Error{Code::AccessDenied, "User " + std::to_string(call->caller.euid) + " may not do " + name +
                                                ": polkit gave no answer (" + answer.detail + ")"};
    }
    throw Error{Code::AccessDenied, "User " + std::to_string(call->caller.euid) + " may not do " + name +
                                        ": polkit denies it; a polkit rule can allow it"};
}

void Authorizer::withdraw(std::uint32_t mount) {
    std::vector<std::string> moot;  // an answer may ask the next question
    for (const auto& [id, question] : questions_) {
        if (question.mount == mount) moot.push_back(id);
    }
    for (const auto& id : moot) end(id, {.withdrawn = true});
}

void Authorizer::close() {
    closed_ = true;
    while (!questions_.empty()) end(std::string{questions_.begin()->first}, {.detail = "the service is stopping"});
}

}  // namespace northstar::bus
