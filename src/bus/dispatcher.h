// SPDX-License-Identifier: Apache-2.0
// Every method call passes here: it is looked up in the table of rules (no entry: refused), counted against the limits
// of its connection and its user, run, and answered. No exception leaves a handler. While it waits it keeps its
// arguments as they were read, and nothing else of the message. Bus thread only.
#pragma once

#include <sys/types.h>

#include <tuple>

#include "async/scope.h"
#include "async/task.h"
#include "auth/call.h"
#include "base/std.h"
#include "bus/arguments.h"
#include "bus/client_watch.h"
#include "bus/options.h"
#include "config/config.h"

namespace northstar::bus {

// What a method answers with: nothing, one value, or the values of a tuple.
template <typename T>
struct Results {
    using Tuple = std::tuple<T>;
    static Tuple of(T value) { return {std::move(value)}; }
};
template <typename... T>
struct Results<std::tuple<T...>> {
    using Tuple = std::tuple<T...>;
    static Tuple of(Tuple values) { return values; }
};
template <>
struct Results<void> {
    using Tuple = std::tuple<>;
};

class Dispatcher {
public:
    // Calls run in the scope. `limits` may change. mapUid: what euid counts for authorization; tests put others in the
    // place of their own.
    Dispatcher(Scope& scope, ClientWatch& clients, const Limits& limits, std::function<uid_t(uid_t)> mapUid)
        : scope_{scope}, clients_{clients}, limits_{limits}, mapUid_{std::move(mapUid)} {}

    // `interface` and `name` must be literals. The object may go while a call of it waits: `start` must not be a
    // coroutine then.
    template <typename Object, typename T, typename... A>
    Method method(const char* interface, const char* name, Object* object, Task<T> (Object::*start)(CallPtr, A...)) {
        return make(interface, name, static_cast<typename Results<T>::Tuple*>(nullptr),
                    std::function<Task<T>(CallPtr, A...)>{[object, start](CallPtr call, A... argument) {
                        return (object->*start)(std::move(call), std::move(argument)...);
                    }});
    }

    // From now on every call is refused: the service is stopping.
    void close() { closed_ = true; }

private:
    template <typename T, typename... R, typename... A>
    Method make(const char* interface, const char* name, std::tuple<R...>*,
                std::function<Task<T>(CallPtr, A...)> start) {
        auto handler = [this, interface, name, start = std::move(start)](const sdbus::MethodCall& message) {
            try {
                const auto reply = std::make_shared<sdbus::Result<R...>>(withoutArguments(message));
                try {
                    const auto call = begin(message, interface, name);
                    std::tuple<A...> arguments;
                    ArgumentReader reader{message};
                    const auto startWith = [&](A&... argument) {
                        (reader.read(argument), ...);
                        (settleInteraction(*call, argument), ...);
                        return start(call, std::move(argument)...);
                    };
                    scope_.spawn(run(reply, call, std::apply(startWith, arguments)));
                } catch (...) {
                    fail([&](const sdbus::Error& error) { reply->returnError(error); });
                }
            } catch (const std::exception& error) {
                reportLost(error);
            }
        };
        return {(std::string{} + ... + kSignatureOf<A>), signatureOf<R...>(), std::move(handler)};
    }

    template <typename T, typename... R>
    Task<> run(std::shared_ptr<sdbus::Result<R...>> reply, CallPtr call, Task<T> body) {
        const CallLimits::Pending pending{limits_, call};
        try {
            if constexpr (std::is_void_v<T>) {
                co_await body;
                reply->returnResults();
            } else {
                const auto values = Results<T>::of(co_await body);
                std::apply([&](const R&... value) { reply->returnResults(value...); }, values);
            }
        } catch (...) {
            fail([&](const sdbus::Error& error) { reply->returnError(error); });
        }
    }

    std::shared_ptr<Call> begin(const sdbus::Message& message, const char* interface, const char* name);
    void identify(Call& call, const sdbus::Message& message) const;
    static void settleInteraction(Call& call, const Options& options) {
        if (!allowsInteraction(options)) call.caller.interactive = false;
    }
    template <typename Other>
    static void settleInteraction(Call&, const Other&) {}
    // Answers the exception being handled; a reply that cannot be sent is logged.
    static void fail(const std::function<void(const sdbus::Error&)>& answer);
    static void reportLost(const std::exception& error);

    Scope& scope_;
    ClientWatch& clients_;
    CallLimits limits_;
    std::function<uid_t(uid_t)> mapUid_;
    bool closed_ = false;
};

}  // namespace northstar::bus
