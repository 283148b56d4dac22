// SPDX-License-Identifier: Apache-2.0
#include "bus/authorizer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace northstar::bus {
namespace {

// The bus lets a connection wait for so many answers only (max_replies_per_connection of dbus-daemon: 128 on the system
// bus), and one user's dialogs must not keep polkit from being asked for others.
constexpr std::size_t kMostAsked = 16;

}  // namespace

void Authorizer::add(Question question) {
    const Number number = ++last_;
    const User user = question.user();
    // First, as it may throw: then nobody has been asked yet.
    question.ticket = clients_.onLeave(question.call->caller.name, [this, number, gone = question.call->left] {
        *gone = true;
        end(number, {.detail = "the caller has left"});
    });
    questions_.emplace(number, std::move(question));
    askNext(user);
}

void Authorizer::askNext(const User& user) {
    while (!closed_ && asked_[user] < kMostAsked) {
        const auto next = std::ranges::find_if(
            questions_, [&user](const auto& entry) { return !entry.second.asked && entry.second.user() == user; });
        if (next == questions_.end()) break;
        ask(next->first, next->second);
    }
    if (asked_[user] == 0) asked_.erase(user);
}

void Authorizer::ask(Number number, Question& question) {
    question.asked = true;
    ++asked_[question.user()];
    try {
        question.cancellation = polkit_.check(
            question.call->caller.name, question.action, question.details, question.call->caller.interactive,
            [this, number](Polkit::Verdict verdict, const std::string& detail) { finish(number, {verdict, detail}); });
    } catch (const sdbus::Error& error) {
        finish(number, {.detail = error.getMessage()});
    }
}

void Authorizer::end(Number number, const Answer& answer) {
    const auto question = questions_.find(number);
    if (question == questions_.end()) return;
    polkit_.cancel(question->second.cancellation);
    finish(number, answer);
}

void Authorizer::finish(Number number, const Answer& answer) {
    const auto question = questions_.extract(number);
    if (question.empty()) return;
    const User user = question.mapped().user();
    if (question.mapped().asked) --asked_[user];
    question.mapped().ticket.reset();
    askNext(user);
    question.mapped().complete(answer);
}

Async<Done> Authorizer::require(CallPtr call, std::string_view action, Details details,
                                std::optional<std::uint32_t> mount) {
    const std::string name{action};
    if (!call->rule->allows(action)) {
        spdlog::error("{} asked for {}, which its rule does not hold", call->rule->method, name);
        throw Error{Code::AccessDenied, "This method may not use " + name};
    }
    if (call->caller.euid == 0) co_return Done{};
    const auto refuseIfRootOnly = [&] {
        if (mode_ != Authorization::RootOnly) return;
        throw Error{Code::AccessDenied,
                    "Only root may do this (" + name + "): the configuration says authorization = \"root-only\""};
    };
    refuseIfRootOnly();
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    const auto throwLeft = [&] {
        spdlog::debug("Denied {} to user {}: the caller has left the bus", name, call->caller.euid);
        throw Error{Code::AccessDenied, "The caller has left the bus; nobody can be asked for " + name};
    };
    if (*call->left) throwLeft();
    Callback<Answer> answered{[&](const Callback<Answer>::Complete& complete) {
        add({.call = call, .action = name, .details = details, .mount = mount, .complete = complete});
    }};
    const Answer answer = co_await answered;
    refuseIfRootOnly();  // it may say so since
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
    std::vector<Number> moot;  // an answer may ask the next question
    for (const auto& [number, question] : questions_) {
        if (question.mount == mount) moot.push_back(number);
    }
    for (const Number number : moot) end(number, {.withdrawn = true});
}

void Authorizer::close() {
    closed_ = true;
    while (!questions_.empty()) end(questions_.begin()->first, {.detail = "the service is stopping"});
}

}  // namespace northstar::bus
