// SPDX-License-Identifier: Apache-2.0
// Every method call passes here: it is looked up in the table of rules (no entry: refused), counted against the limits
// of its connection and its user, run, and answered. No exception leaves a handler. While it waits it keeps its
// arguments as they were read, and nothing else of the message. Bus thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "bus/arguments.h"
#include "bus/core.h"
#include "bus/error_names.h"

namespace northstar::bus {

class Dispatcher {
public:
    // mapUid: what euid counts for authorization; tests put others in the place of their own.
    Dispatcher(Core& core, std::function<uid_t(uid_t)> mapUid) : core_{core}, mapUid_{std::move(mapUid)} {}

    // `interface` and `name` must be literals.
    template <typename... R, typename... A>
    Method method(const char* interface, const char* name,
                  std::function<Async<std::tuple<R...>>(CallPtr, A...)> start) {
        auto handler = [this, interface, name, start = std::move(start)](const sdbus::MethodCall& message) {
            try {
                const auto reply = std::make_shared<sdbus::Result<R...>>(withoutArguments(message));
                try {
                    const CallPtr call = begin(message, interface, name);
                    std::tuple<A...> arguments;
                    ArgumentReader reader{message};
                    const auto startWith = [&](A&... argument) {
                        (reader.read(argument), ...);
                        return start(call, std::move(argument)...);
                    };
                    run<R...>(reply, call, std::apply(startWith, arguments));
                } catch (...) {
                    fail([&](const sdbus::Error& error) { reply->returnError(error); });
                }
            } catch (const std::exception& error) {
                reportLost(error);
            }
        };
        return {(std::string{} + ... + kSignatureOf<A>), signatureOf<R...>(), std::move(handler)};
    }

    // Calls that are not answered yet.
    [[nodiscard]] std::size_t active() const noexcept { return active_; }

    // From now on every call is refused: the service is stopping.
    void close() { closed_ = true; }

private:
    CallPtr begin(const sdbus::Message& message, const char* interface, const char* name);
    void identify(Call& call, const sdbus::Message& message) const;
    void refuseTooManyCalls(const Caller& caller) const;
    void enter(const Caller& caller);
    void leave(const Caller& caller);

    template <typename... R>
    Detached run(std::shared_ptr<sdbus::Result<R...>> reply, CallPtr call, Async<std::tuple<R...>> body) {
        enter(call->caller);
        try {
            const std::tuple<R...> values = co_await body;
            std::apply([&](const R&... value) { reply->returnResults(value...); }, values);
        } catch (...) {
            fail([&](const sdbus::Error& error) { reply->returnError(error); });
        }
        leave(call->caller);
    }
    // Answers the exception being handled; a reply that cannot be sent is logged.
    static void fail(const std::function<void(const sdbus::Error&)>& answer);
    static void reportLost(const std::exception& error);

    Core& core_;
    std::function<uid_t(uid_t)> mapUid_;
    std::map<std::string, std::uint32_t> pending_;   // calls not answered yet, by client
    std::map<uid_t, std::uint64_t> pendingOfUsers_;  // and by effective uid
    std::size_t active_ = 0;
    bool closed_ = false;
};

}  // namespace northstar::bus
