// SPDX-License-Identifier: Apache-2.0
// A caller of the service: one connection, one thread. It remembers every signal of the service with its number in the
// order in which the service sent things (the message serial), so that a test can say what came before a reply.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sdbus/compat.h"

namespace northstar::test {

inline constexpr const char* kService = "org.northstar.Mounter";
inline constexpr const char* kRoot = "/org/northstar/Mounter";
inline constexpr const char* kMountInterface = "org.northstar.Mounter.Mount";
inline constexpr const char* kRepositoryInterface = "org.northstar.Mounter.Repository";
inline constexpr const char* kProperties = "org.freedesktop.DBus.Properties";

using Options = std::map<std::string, sdbus::Variant>;
using MountItem = sdbus::Struct<sdbus::ObjectPath, std::string, std::string, std::string>;
using ContainerItem = sdbus::Struct<std::string, std::string, std::string, bool>;
using MountResult = sdbus::Struct<std::string, bool, sdbus::ObjectPath, std::string, std::string>;
using UnmountResult = sdbus::Struct<std::string, bool, std::string, std::string>;
using Interfaces = std::map<std::string, std::map<std::string, sdbus::Variant>>;

inline std::string ownError(const std::string& name) { return "org.northstar.Mounter.Error." + name; }
inline std::string busError(const std::string& name) { return "org.freedesktop.DBus.Error." + name; }

struct Signal {
    std::string member, path;
    std::uint64_t serial = 0;
    std::vector<std::string> args;  // numbers as text; of PropertiesChanged: interface, then the names
};

struct Mounted {
    std::string object, mountPoint;
};

// What a call fails with; an empty name if it does not.
struct Failure {
    std::string name, message;
};

// Of a call that was begun; empty while there is no answer.
using Pending = std::shared_ptr<std::optional<Failure>>;

class Client {
public:
    explicit Client(std::unique_ptr<sdbus::IConnection> connection);

    [[nodiscard]] std::string name() const { return std::string{bus_->getUniqueName()}; }
    bool interactive = false;       // may polkit ask?
    std::uint64_t replySerial = 0;  // of the last reply

    template <typename... Out, typename... In>
    std::tuple<Out...> call(const std::string& path, const std::string& interface, const std::string& method,
                            const In&... in) {
        auto message = prepare(path, interface, method);
        ((message << in), ...);
        auto reply = proxy_->callMethod(message, std::chrono::seconds{30});
        sd_bus_message_get_cookie(bus::rawMessage(reply), &replySerial);
        std::tuple<Out...> out;
        std::apply([&](auto&... value) { ((reply >> value), ...); }, out);
        return out;
    }

    // Sends a call and does not wait.
    template <typename... In>
    void send(const std::string& path, const std::string& interface, const std::string& method, const In&... in) {
        made(path, interface, method, in...)();
    }

    // The same in two steps: what is returned sends what was made.
    template <typename... In>
    [[nodiscard]] std::function<void()> made(const std::string& path, const std::string& interface,
                                             const std::string& method, const In&... in) {
        auto message = prepare(path, interface, method);
        ((message << in), ...);
        message.dontExpectReply();
        return [this, message] { proxy_->callMethod(message); };
    }

    // Sends a call and does not wait: the answer is taken in by waitUntil(). Out: what it answers with.
    template <typename... Out, typename... In>
    Pending begin(const std::string& path, const std::string& interface, const std::string& method, const In&... in) {
        const auto result = std::make_shared<std::optional<Failure>>();
        begun_.push_back(sdbus::createProxy(*bus_, bus::ServiceName{kService}, sdbus::ObjectPath{path}));
        begun_.back()->callMethodAsync(method).onInterface(interface).withArguments(in...).uponReplyInvoke(
            [result](bus::CallError error, const Out&...) {
                *result = error ? Failure{std::string{error->getName()}, error->getMessage()} : Failure{};
            });
        return result;
    }

    Mounted mount(const std::string& container, const Options& options = {});
    Mounted mountFile(const std::string& path, const Options& options = {});
    Mounted mountFd(int fd, const Options& options = {});
    Mounted replace(const std::string& what, const std::string& container, const Options& options = {});
    void unmount(const std::string& what, const Options& options = {});
    std::vector<MountItem> listMounts();
    std::vector<ContainerItem> listContainers();
    Options inspect(const std::string& container);
    bool verify(const std::string& container, const Options& options = {});
    void reload(const Options& options = {});
    std::string install(const std::string& repository, int fd, const Options& options = {});
    void uninstall(const std::string& repository, const std::string& container, const Options& options = {});
    std::map<sdbus::ObjectPath, Interfaces> managedObjects();
    std::string introspect(const std::string& path);

    template <typename T>
    T property(const std::string& path, const std::string& interface, const std::string& name) {
        return std::get<0>(call<sdbus::Variant>(path, kProperties, "Get", interface, name)).template get<T>();
    }

    [[nodiscard]] const std::vector<Signal>& signals() const noexcept { return signals_; }
    // Waits for a signal of this name (after the first `skip` ones).
    std::optional<Signal> waitForSignal(const std::string& member, std::size_t skip = 0);
    // Takes what comes until the predicate holds; false if it does not within the time.
    bool waitUntil(const std::function<bool()>& predicate,
                   std::chrono::milliseconds timeout = std::chrono::seconds{10});

private:
    sdbus::MethodCall prepare(const std::string& path, const std::string& interface, const std::string& method);
    void remember(sdbus::Message& message);

    std::unique_ptr<sdbus::IConnection> bus_;
    std::unique_ptr<sdbus::IProxy> proxy_;
    std::vector<std::unique_ptr<sdbus::IProxy>> begun_;
    std::vector<Signal> signals_;
    sdbus::Slot match_;
};

template <typename Action>
Failure failureOf(Action&& action) {
    try {
        action();
        return {};
    } catch (const sdbus::Error& error) {
        return {std::string{error.getName()}, error.getMessage()};
    }
}

}  // namespace northstar::test
