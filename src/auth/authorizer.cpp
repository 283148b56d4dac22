// SPDX-License-Identifier: Apache-2.0
#include "auth/authorizer.h"

#include <fmt/format.h>

#include "async/callback.h"
#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"

namespace northstar {
namespace {

// The bus lets a connection wait for 128 answers (max_replies_per_connection of dbus-daemon on the system bus), of
// which sdbus/clients.cpp may use 32, and one user's dialogs must not keep the authority from being asked for others.
// Dialogs may stay open for ever, so they leave some for the rest.
constexpr std::size_t kMostOfUser = 16, kMostOfAll = 88, kMostDialogs = 72;
// For each question that a user has, so many places stay free for those who have fewer.
constexpr std::size_t kLeftForOthers = 3;

[[noreturn]] void throwDenied(const Call& call, const std::string& action, const Answer& answer) {
    const uid_t user = call.caller.euid;
    switch (answer.verdict) {
        case Verdict::NeedsInteraction:
            if (call.caller.interactive) {
                throw Error{Code::AccessDenied,
                            fmt::format("User {} may not do {}: nobody could be asked to authenticate (no polkit agent "
                                        "in this session, or it was dismissed); a polkit rule can allow it",
                                        user, action)};
            }
            throw Error{Code::InteractiveAuthorizationRequired,
                        fmt::format("User {} must authenticate for {}; allow interactive authorization in the call, or "
                                    "write a polkit rule",
                                    user, action)};
        case Verdict::Failed:
            log::warn("Denied {} to user {}: polkit gave no answer ({})", action, user, answer.detail);
            throw Error{Code::AccessDenied,
                        fmt::format("User {} may not do {}: polkit gave no answer ({})", user, action, answer.detail)};
        default:
            throw Error{
                Code::AccessDenied,
                fmt::format("User {} may not do {}: polkit denies it; a polkit rule can allow it", user, action)};
    }
}

void refuseIfRootOnly(Authorizer::Mode mode, const std::string& action) {
    if (mode != Authorizer::Mode::RootOnly) return;
    throw Error{
        Code::AccessDenied,
        fmt::format("Only root may do this ({}): the configuration says authorization = \"root-only\"", action)};
}

void refuseIfGone(const Call& call, const std::string& action) {
    if (!call.gone().stop_requested()) return;
    log::debug("Denied {} to user {}: the caller has left the bus", action, call.caller.euid);
    throw Error{Code::AccessDenied, "The caller has left the bus; nobody can be asked for " + action};
}

}  // namespace

Task<> Authorizer::require(CallPtr call, std::string_view action, Details details, std::optional<std::uint32_t> mount) {
    const std::string name{action};
    if (!call->rule->allows(action)) {
        log::error("{} asked for {}, which its rule does not hold", call->rule->method, name);
        throw Error{Code::AccessDenied, "This method may not use " + name};
    }
    if (call->caller.euid == 0) co_return;
    refuseIfRootOnly(mode_, name);
    if (closed_) throw Error{Code::Failed, "The service is stopping; try again when it runs"};
    refuseIfGone(*call, name);
    const Outcome outcome = co_await ask(call, name, std::move(details), mount);
    refuseIfRootOnly(mode_, name);  // the configuration may say so since
    refuseIfGone(*call, name);
    if (outcome.ending == Ending::Withdrawn) {
        throw Error{Code::NotMounted, fmt::format("The mount was taken down while polkit was asked for {}; ListMounts "
                                                  "shows what is mounted",
                                                  name)};
    }
    if (outcome.answer.verdict != Verdict::Granted) throwDenied(*call, name, outcome.answer);
}

Task<Authorizer::Outcome> Authorizer::ask(CallPtr call, std::string action, Details details,
                                          std::optional<std::uint32_t> mount) {
    Callback<Outcome> answered{[&](const Callback<Outcome>::Complete& complete) {
        const Number number = ++last_;
        Question& question = questions_[number];
        question.call = call;
        question.action = action;
        for (const auto& [name, value] : details) question.details.emplace(name, plainText(value));
        question.mount = mount;
        question.complete = complete;
        question.callerGone.emplace(call->gone(),
                                    [this, number] { end(number, {.answer = {.detail = "the caller has left"}}); });
        askMore();
    }};
    co_return co_await answered;
}

bool Authorizer::mayAsk(const User& user) const {
    const auto asked = asked_.find(user);
    const std::size_t own = asked != asked_.end() ? asked->second : 0;
    const bool dialog = user.second;
    const std::size_t all = kMostOfAll - dialogs_ - others_;
    const std::size_t room = dialog ? std::min(kMostDialogs - dialogs_, all) : all;
    return own < kMostOfUser && kLeftForOthers * own < room;
}

void Authorizer::askMore() {
    const auto askedOf = [this](const Question& question) {
        const auto own = asked_.find(question.user());
        return own != asked_.end() ? own->second : 0;
    };
    if (std::exchange(asking_, true)) return;  // the loop that is under way looks again
    while (!closed_) {
        auto next = questions_.end();
        for (auto it = questions_.begin(); it != questions_.end(); ++it) {
            if (it->second.asked || !mayAsk(it->second.user())) continue;
            if (next == questions_.end() || askedOf(it->second) < askedOf(next->second)) next = it;
        }
        if (next == questions_.end()) break;
        handOver(next->first, next->second);
    }
    asking_ = false;
}

void Authorizer::handOver(Number number, Question& question) {
    question.asked.emplace();
    ++asked_[question.user()];
    ++(question.call->caller.interactive ? dialogs_ : others_);
    try {
        question.asked = authority_.ask(
            {question.call->caller.name, question.action, question.details, question.call->caller.interactive},
            [this, number](const Answer& answer) { finish(number, {.answer = answer}); });
    } catch (const std::exception& error) {
        finish(number, {.answer = {.detail = error.what()}});
    }
}

void Authorizer::end(Number number, const Outcome& outcome) {
    const auto question = questions_.find(number);
    if (question == questions_.end()) return;
    if (question->second.asked) authority_.cancel(*question->second.asked);
    finish(number, outcome);
}

void Authorizer::finish(Number number, const Outcome& outcome) {
    const auto question = questions_.extract(number);
    if (question.empty()) return;
    const User user = question.mapped().user();
    if (question.mapped().asked) {
        --(user.second ? dialogs_ : others_);
        if (--asked_[user] == 0) asked_.erase(user);
    }
    askMore();
    question.mapped().complete(outcome);
}

void Authorizer::withdraw(std::uint32_t mount) {
    std::vector<Number> moot;  // an answer may ask the next question
    for (const auto& [number, question] : questions_) {
        if (question.mount == mount) moot.push_back(number);
    }
    for (const Number number : moot) end(number, {.answer = {}, .ending = Ending::Withdrawn});
}

void Authorizer::close() {
    closed_ = true;
    while (!questions_.empty()) end(questions_.begin()->first, {.answer = {.detail = "the service is stopping"}});
}

}  // namespace northstar
