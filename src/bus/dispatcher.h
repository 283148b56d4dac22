// SPDX-License-Identifier: Apache-2.0
// Every method call passes here: it is looked up in the table of rules (no entry: refused), counted against the limits
// of its connection, then, once the bus has told whose that is, of its user, run, and answered. No exception leaves a
// handler. While it waits it keeps its arguments as they were read, and nothing else of the message. Bus thread only.
#pragma once

#include <sys/types.h>

#include <tuple>
#include <variant>

#include "async/scope.h"
#include "async/task.h"
#include "auth/call.h"
#include "base/slow_close.h"
#include "base/std.h"
#include "bus/arguments.h"
#include "bus/options.h"
#include "config/config.h"
#include "sdbus/clients.h"

namespace northstar::bus {

// What a method answers with: nothing, one value, or the values of a tuple.
template <typename... T>
struct ResultsOf {
    using Reply = sdbus::Result<T...>;
    static std::string signature() { return signatureOf<T...>(); }
    static std::tuple<T...> of(std::tuple<T...> values) { return values; }
};
template <typename T>
struct Results : ResultsOf<T> {};
template <typename... T>
struct Results<std::tuple<T...>> : ResultsOf<T...> {};
template <>
struct Results<void> : ResultsOf<> {};

class Dispatcher {
public:
    // Calls run in the scope. `limits` may change. mapUid: what euid counts for authorization; tests put others in the
    // place of their own.
    Dispatcher(Scope& scope, Clients& clients, const Limits& limits, std::function<uid_t(uid_t)> mapUid)
        : scope_{scope}, clients_{clients}, limits_{limits}, mapUid_{std::move(mapUid)} {}

    // `interface` and `name` must be literals. Of an object that outlives all its calls.
    template <typename Object, typename T, typename... A>
    Method method(const char* interface, const char* name, Object* object, Task<T> (Object::*start)(CallPtr, A...)) {
        return method(interface, name, [object, start](CallPtr call, A... argument) {
            return (object->*start)(std::move(call), std::move(argument)...);
        });
    }
    // `start`: a function from CallPtr and arguments to the task. It may run after the object is gone.
    template <typename Start>
    Method method(const char* interface, const char* name, Start start) {
        return make(interface, name, std::function{std::move(start)});
    }

    // From now on every call is refused: the service is stopping.
    void close() { closed_ = true; }

private:
    template <typename T, typename... A>
    Method make(const char* interface, const char* name, std::function<Task<T>(CallPtr, A...)> start) {
        using Reply = typename Results<T>::Reply;
        auto handler = [this, interface, name, start = std::move(start)](const sdbus::MethodCall& message) {
            try {
                const auto reply = std::make_shared<Reply>(withoutArguments(message));
                try {
                    auto call = begin(message, interface, name);
                    auto client = clients_.senderOf(message);
                    std::tuple<A...> arguments;
                    ArgumentReader reader{rawMessage(message), client->euid.value_or(SlowClose::kNobody)};
                    std::apply([&](A&... argument) { (reader.read(argument), ...); }, arguments);
                    scope_.spawn(
                        run<T>(reply, std::move(call), std::move(client), reader.bytes(), start, std::move(arguments)));
                } catch (...) {
                    fail([&](const sdbus::Error& error) { reply->returnError(error); });
                }
            } catch (const std::exception& error) {
                reportLost(error);
            }
        };
        return {(std::string{} + ... + kSignatureOf<A>), Results<T>::signature(), std::move(handler)};
    }

    template <typename T, typename... A>
    Task<> run(std::shared_ptr<typename Results<T>::Reply> reply, std::shared_ptr<Call> call,
               std::shared_ptr<Clients::Client> client, std::size_t bytes, std::function<Task<T>(CallPtr, A...)> start,
               std::tuple<A...> arguments) {
        try {
            CallLimits::Pending pending{limits_, client->name, bytes, client->euid.has_value()};
            co_await clients_.known(client, call->rule->method);
            identify(*call, *client);
            pending.setUser(call->caller.euid);
            const auto startWith = [&](A&... argument) {
                (settle(*call, argument), ...);
                return start(call, std::move(argument)...);
            };
            Task<T> body = std::apply(startWith, arguments);
            if constexpr (std::is_void_v<T>) {
                co_await body;
                reply->returnResults();
            } else {
                const auto values = Results<T>::of(co_await body);
                std::apply([&](const auto&... value) { reply->returnResults(value...); }, values);
            }
        } catch (...) {
            fail([&](const sdbus::Error& error) { reply->returnError(error); });
        }
    }

    std::shared_ptr<Call> begin(const sdbus::Message& message, const char* interface, const char* name) const;
    void identify(Call& call, const Clients::Client& client) const;
    // What arguments say about the call, and the call about them.
    static void settle(Call& call, const Options& options) {
        if (!allowsInteraction(options)) call.caller.interactive = false;
        for (const auto& [key, value] : options) {
            const auto* fd = std::get_if<std::shared_ptr<CallerFd>>(&value);
            if (fd != nullptr) (*fd)->setOwner(call.caller.euid);
        }
    }
    static void settle(const Call& call, CallerFd& fd) { fd.setOwner(call.caller.euid); }
    template <typename Other>
    static void settle(const Call&, const Other&) {}
    // Answers the exception being handled; a reply that cannot be sent is logged.
    static void fail(const std::function<void(const sdbus::Error&)>& answer);
    static void reportLost(const std::exception& error);

    Scope& scope_;
    Clients& clients_;
    CallLimits limits_;
    std::function<uid_t(uid_t)> mapUid_;
    bool closed_ = false;
};

}  // namespace northstar::bus
