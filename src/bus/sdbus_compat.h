// SPDX-License-Identifier: Apache-2.0
// The one file that knows sdbus-c++ 1.2 (Debian 12) from 2.x (Debian 13). Everything else says what it wants in the
// names below. No threads of its own: whatever holds for the sdbus-c++ object passed in holds here.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __has_include(<sdbus-c++/VTableItems.h>)  // new in 2.0
#define NORTHSTAR_SDBUS_V2 1
#else
#define NORTHSTAR_SDBUS_V2 0
#endif

struct sd_bus_message;

namespace northstar::bus {

// CallError: first argument of an asynchronous reply handler; false when the call succeeded, `->` otherwise.
// IncomingMessage: argument of a match handler.
#if NORTHSTAR_SDBUS_V2
using sdbus::InterfaceName;
using sdbus::MethodName;
using sdbus::PropertyName;
using sdbus::ServiceName;
using CallError = std::optional<sdbus::Error>;
using IncomingMessage = sdbus::Message;
#else
using InterfaceName = std::string;
using MethodName = std::string;
using PropertyName = std::string;
using ServiceName = std::string;
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

// Calls fn(const sdbus::Message&) with the message being handled. Only valid inside a handler of `object`.
template <typename Fn>
decltype(auto) withCurrentMessage(const sdbus::IObject& object, Fn&& fn) {
#if NORTHSTAR_SDBUS_V2
    const sdbus::Message message = object.getCurrentlyProcessedMessage();
    return std::forward<Fn>(fn)(message);
#else
    return std::forward<Fn>(fn)(static_cast<const sdbus::Message&>(*object.getCurrentlyProcessedMessage()));
#endif
}

// The sd-bus message inside, borrowed: for the header flags sdbus-c++ does not show. sdbus-c++ keeps it protected,
// so this goes through a pointer to the base's own member, named by way of a derived class.
inline sd_bus_message* rawMessage(const sdbus::Message& message) {
    struct Reach : sdbus::Message {
        static auto member() { return &Reach::msg_; }
    };
    return static_cast<sd_bus_message*>(message.*Reach::member());
}

// What to poll before processOne(): events are poll(2) bits, timeoutMs is -1 for no limit, wakeFd is -1 before 2.x.
struct BusPoll {
    int fd;
    short events;
    int wakeFd;
    int timeoutMs;
};

inline BusPoll pollData(const sdbus::IConnection& bus) {
    const auto data = bus.getEventLoopPollData();
#if NORTHSTAR_SDBUS_V2
    return {data.fd, data.events, data.eventFd, data.getPollTimeout()};
#else
    return {data.fd, data.events, -1, data.getPollTimeout()};
#endif
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

    template <typename Handler>
    InterfaceBuilder& method(const std::string& name, std::vector<std::string> in, std::vector<std::string> out,
                             Handler&& handler) {
        add(
#if NORTHSTAR_SDBUS_V2
            sdbus::registerMethod(sdbus::MethodName{name})
#else
            object_.registerMethod(name).onInterface(name_)
#endif
                .withInputParamNames(std::move(in))
                .withOutputParamNames(std::move(out))
                .implementedAs(std::forward<Handler>(handler)));
        return *this;
    }

    template <typename... Args>
    InterfaceBuilder& signal(const std::string& name, std::vector<std::string> params) {
        add(
#if NORTHSTAR_SDBUS_V2
            sdbus::registerSignal(sdbus::SignalName{name})
#else
            object_.registerSignal(name).onInterface(name_)
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
            object_.registerProperty(name).onInterface(name_)
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

}  // namespace northstar::bus
