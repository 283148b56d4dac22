// SPDX-License-Identifier: Apache-2.0
// The one file that knows sdbus-c++ 1.2 (Debian 12) from 2.x (Debian 13). Everything else says what it wants in the
// names below. No threads of its own: whatever holds for the sdbus-c++ object passed in holds here.
#pragma once

#include <poll.h>
#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>

#include "base/log.h"
#include "base/std.h"

#if __has_include(<sdbus-c++/VTableItems.h>)  // new in 2.0
#define NORTHSTAR_SDBUS_V2 1
#else
#define NORTHSTAR_SDBUS_V2 0
#endif

namespace northstar::bus {

// CallError: first argument of an asynchronous reply handler; false when the call succeeded, `->` otherwise.
// IncomingMessage: argument of a match handler.
#if NORTHSTAR_SDBUS_V2
using sdbus::InterfaceName;
using sdbus::MethodName;
using sdbus::PropertyName;
using sdbus::ServiceName;
using sdbus::SignalName;
using CallError = std::optional<sdbus::Error>;
using IncomingMessage = sdbus::Message;
#else
using InterfaceName = std::string;
using MethodName = std::string;
using PropertyName = std::string;
using ServiceName = std::string;
using SignalName = std::string;
using CallError = const sdbus::Error*;
using IncomingMessage = sdbus::Message&;
#endif

inline sdbus::Error makeError(const std::string& name, const std::string& message) {
#if NORTHSTAR_SDBUS_V2
    return {sdbus::Error::Name{name}, message};
#else
    return {name, message};
#endif
}

// The match lives as long as the slot.
template <typename Handler>
[[nodiscard]] sdbus::Slot addMatch(sdbus::IConnection& bus, const std::string& rule, Handler handler) {
#if NORTHSTAR_SDBUS_V2
    return bus.addMatch(rule, std::move(handler), sdbus::return_slot);
#else
    return bus.addMatch(rule, std::move(handler));
#endif
}

// Sends a call; the handler gets the answer from processOne(), or an error, and must not throw. `timeout`: in
// microseconds, UINT64_MAX for none.
template <typename Handler>
void callAsync(sdbus::IProxy& proxy, const sdbus::MethodCall& message, std::uint64_t timeout, Handler handler) {
#if NORTHSTAR_SDBUS_V2
    proxy.callMethodAsync(
        message, [handler](const sdbus::MethodReply& reply, const CallError& error) { handler(reply, error); },
        timeout);
#else
    proxy.callMethod(
        message, [handler](sdbus::MethodReply& reply, CallError error) { handler(reply, error); }, timeout);
#endif
}

// sdbus-c++ keeps the sd-bus message inside protected, so this is a pointer to the base's own member, named by way of a
// derived class.
struct ReachMessage : sdbus::Message {
    static auto member() { return &ReachMessage::msg_; }
};

// The sd-bus message inside, borrowed: for what sdbus-c++ does not show.
inline sd_bus_message* rawMessage(const sdbus::Message& message) {
    return static_cast<sd_bus_message*>(message.*ReachMessage::member());
}

// The sd-bus connection inside, borrowed, by way of a message that is never sent.
inline sd_bus* rawBus(sdbus::IConnection& bus) {
    const auto driver = sdbus::createProxy(bus, ServiceName{"org.freedesktop.DBus"}, sdbus::ObjectPath{"/"});
    const auto probe = driver->createMethodCall(InterfaceName{"org.freedesktop.DBus"}, MethodName{"GetId"});
    return sd_bus_message_get_bus(rawMessage(probe));
}

// The call as far as an answer needs it: who it is from and its number, without arguments and descriptors, so that a
// call that waits keeps neither. Throws sdbus::Error.
inline sdbus::MethodCall withoutArguments(const sdbus::MethodCall& call) {
    sd_bus_message* raw = rawMessage(call);
    sd_bus_message* made = nullptr;
    const auto expect = [&made](int result) {
        if (result >= 0) return;
        sd_bus_message_unref(made);
        throw sdbus::createError(-result, "Cannot make an answer");
    };
    std::uint64_t number = 0;
    expect(sd_bus_message_get_cookie(raw, &number));
    expect(sd_bus_message_new_method_call(sd_bus_message_get_bus(raw), &made, sd_bus_message_get_destination(raw),
                                          sd_bus_message_get_path(raw), sd_bus_message_get_interface(raw),
                                          sd_bus_message_get_member(raw)));
    if (const char* sender = sd_bus_message_get_sender(raw)) expect(sd_bus_message_set_sender(made, sender));
    expect(sd_bus_message_set_expect_reply(made, sd_bus_message_get_expect_reply(raw)));
    expect(sd_bus_message_seal(made, number, 0));
    sdbus::MethodCall answerable = call;
    answerable.*ReachMessage::member() = made;
    sd_bus_message_unref(raw);  // the copy's
    return answerable;
}

// A method as it is called: with the whole message. No exception may leave `handler` (1.2 lets it end the process).
struct Method {
    std::string in, out;  // signatures
    sdbus::method_callback handler;
};

// The signatures of values that are sent, one after the other.
template <typename... T>
std::string signatureOf() {
#if NORTHSTAR_SDBUS_V2
    std::string signature;
    (signature.append(sdbus::signature_of_v<T>.data(), sdbus::signature_of_v<T>.size()), ...);
    return signature;
#else
    return (std::string{} + ... + sdbus::signature_of<T>::str());
#endif
}

// Adds what to poll for before processOne(), and returns the time-out in milliseconds, -1 for no limit.
inline int preparePoll(const sdbus::IConnection& bus, std::vector<pollfd>& fds) {
    const auto data = bus.getEventLoopPollData();
    fds.push_back({data.fd, data.events, 0});
#if NORTHSTAR_SDBUS_V2
    if (data.eventFd >= 0) fds.push_back({data.eventFd, POLLIN, 0});
#endif
    return data.getPollTimeout();
}

// Handles at most one message; true when more may be waiting.
inline bool processOne(sdbus::IConnection& bus) {
#if NORTHSTAR_SDBUS_V2
    return bus.processPendingEvent();
#else
    return bus.processPendingRequest();
#endif
}

// Declares one D-Bus interface on an object; publish() makes it callable. With 1.2, publish() activates every
// interface declared on the object so far: build them all, then publish the last one only.
class InterfaceBuilder {
public:
    InterfaceBuilder(sdbus::IObject& object, std::string name) : object_{object}, name_{std::move(name)} {}

    InterfaceBuilder& method(const std::string& name, std::vector<std::string> in, std::vector<std::string> out,
                             Method method) {
#if NORTHSTAR_SDBUS_V2
        add(sdbus::MethodVTableItem{sdbus::MethodName{name},
                                    sdbus::Signature{method.in},
                                    std::move(in),
                                    sdbus::Signature{method.out},
                                    std::move(out),
                                    std::move(method.handler),
                                    {}});
#else
        object_.registerMethod(name_, name, method.in, in, method.out, out, std::move(method.handler));
#endif
        return *this;
    }

    template <typename... Args>
    InterfaceBuilder& signal(const std::string& name, std::vector<std::string> params) {
        add(
#if NORTHSTAR_SDBUS_V2
            sdbus::registerSignal(sdbus::SignalName{name})
#else
            object_.registerSignal(name)
                .onInterface(name_)
#endif
                .template withParameters<Args...>(std::move(params)));
        return *this;
    }

    template <typename Getter>
    InterfaceBuilder& property(const std::string& name, sdbus::Flags::PropertyUpdateBehaviorFlags update,
                               Getter&& getter) {
        add(
#if NORTHSTAR_SDBUS_V2
            sdbus::registerProperty(PropertyName{name})
#else
            object_.registerProperty(name)
                .onInterface(name_)
#endif
                .withGetter(std::forward<Getter>(getter))
                .withUpdateBehavior(update));
        return *this;
    }

    void publish() {
#if NORTHSTAR_SDBUS_V2
        object_.addVTable(sdbus::InterfaceName{name_}, std::move(items_));
        items_.clear();
#else
        object_.finishRegistration();
#endif
    }

private:
#if NORTHSTAR_SDBUS_V2
    template <typename Item>
    void add(Item&& item) {
        items_.emplace_back(std::forward<Item>(item));
    }
    std::vector<sdbus::VTableItem> items_;
#else
    template <typename Registrator>
    static void add(Registrator&&) {}  // 1.2 registers when the temporary dies
#endif
    sdbus::IObject& object_;
    std::string name_;
};

// The bus may be gone already when the service ends; then nobody needs to be told.
inline void removeObject(std::unique_ptr<sdbus::IObject>& object) noexcept {
    try {
        object->emitInterfacesRemovedSignal();  // while it can still be asked which interfaces it has
    } catch (const sdbus::Error& error) {
        log::debug("Cannot say that an object is gone: {}", error.getMessage());
    }
    object.reset();
}

}  // namespace northstar::bus
