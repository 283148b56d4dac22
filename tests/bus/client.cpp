// SPDX-License-Identifier: Apache-2.0
// The methods by name, and how signals are taken in.
#include "client.h"

#include <poll.h>

#include <algorithm>

namespace northstar::test {

Client::Client(std::unique_ptr<sdbus::IConnection> connection) : bus_{std::move(connection)} {
    match_ = bus::addMatch(*bus_, "type='signal',path_namespace='/org/northstar/Mounter'",
                           [this](bus::IncomingMessage message) { remember(message); });
}

sdbus::MethodCall Client::prepare(const std::string& path, const std::string& interface, const std::string& method) {
    proxy_ = sdbus::createProxy(*bus_, bus::ServiceName{kService}, sdbus::ObjectPath{path});
    auto message = proxy_->createMethodCall(bus::InterfaceName{interface}, bus::MethodName{method});
    sd_bus_message_set_allow_interactive_authorization(bus::rawMessage(message), interactive ? 1 : 0);
    return message;
}

void Client::remember(sdbus::Message& message) {
    auto* raw = bus::rawMessage(message);
    Signal signal{sd_bus_message_get_member(raw), sd_bus_message_get_path(raw), 0, {}};
    sd_bus_message_get_cookie(raw, &signal.serial);
    if (signal.member == "PropertiesChanged") {
        std::string interface;
        std::map<std::string, sdbus::Variant> values;
        std::vector<std::string> invalidated;
        message >> interface >> values >> invalidated;
        signal.args.push_back(interface);
        for (const auto& [name, value] : values) signal.args.push_back(name);
        signal.args.insert(signal.args.end(), invalidated.begin(), invalidated.end());
    } else {
        char type = 0;
        const char* contents = nullptr;
        while (sd_bus_message_peek_type(raw, &type, &contents) > 0 && contents == nullptr) {
            const char* text = nullptr;
            std::uint64_t number = 0;
            if (type == 't') {
                sd_bus_message_read_basic(raw, type, &number);
                signal.args.push_back(std::to_string(number));
            } else {
                sd_bus_message_read_basic(raw, type, &text);
                signal.args.emplace_back(text);
            }
        }
    }
    signals_.push_back(std::move(signal));
}

bool Client::waitUntil(const std::function<bool()>& predicate, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        while (bus::processOne(*bus_)) {}
        if (predicate()) return true;
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::vector<pollfd> wanted;
        bus::preparePoll(*bus_, wanted);
        poll(wanted.data(), wanted.size(), 20);
    }
}

std::optional<Signal> Client::waitForSignal(const std::string& member, std::size_t skip) {
    std::optional<Signal> found;
    waitUntil([&] {
        std::size_t left = skip;
        const auto it =
            std::ranges::find_if(signals_, [&](const auto& s) { return s.member == member && left-- == 0; });
        if (it != signals_.end()) found = *it;
        return found.has_value();
    });
    return found;
}

Mounted Client::mount(const std::string& container, const Options& options) {
    const auto [object, point] = call<sdbus::ObjectPath, std::string>(kRoot, kService, "Mount", container, options);
    return {object, point};
}

Mounted Client::mountFile(const std::string& path, const Options& options) {
    const auto [object, point] = call<sdbus::ObjectPath, std::string>(kRoot, kService, "MountFile", path, options);
    return {object, point};
}

Mounted Client::mountFd(int fd, const Options& options) {
    const auto [object, point] =
        call<sdbus::ObjectPath, std::string>(kRoot, kService, "MountFd", sdbus::UnixFd{fd}, options);
    return {object, point};
}

Mounted Client::replace(const std::string& what, const std::string& container, const Options& options) {
    const auto [object, point] =
        call<sdbus::ObjectPath, std::string>(kRoot, kService, "Replace", what, container, options);
    return {object, point};
}

void Client::unmount(const std::string& what, const Options& options) {
    call<>(kRoot, kService, "Unmount", what, options);
}

std::vector<MountItem> Client::listMounts() {
    return std::get<0>(call<std::vector<MountItem>>(kRoot, kService, "ListMounts"));
}

std::vector<ContainerItem> Client::listContainers() {
    return std::get<0>(call<std::vector<ContainerItem>>(kRoot, kService, "ListContainers"));
}

Options Client::inspect(const std::string& container) {
    return std::get<0>(call<Options>(kRoot, kService, "Inspect", container));
}

bool Client::verify(const std::string& container, const Options& options) {
    return std::get<0>(call<bool>(kRoot, kService, "Verify", container, options));
}

void Client::reload(const Options& options) { call<>(kRoot, kService, "Reload", options); }

std::string Client::install(const std::string& repository, int fd, const Options& options) {
    return std::get<0>(call<std::string>(std::string{kRoot} + "/repositories/" + repository, kRepositoryInterface,
                                         "Install", sdbus::UnixFd{fd}, options));
}

void Client::uninstall(const std::string& repository, const std::string& container, const Options& options) {
    call<>(std::string{kRoot} + "/repositories/" + repository, kRepositoryInterface, "Uninstall", container, options);
}

std::map<sdbus::ObjectPath, Interfaces> Client::managedObjects() {
    return std::get<0>(call<std::map<sdbus::ObjectPath, Interfaces>>(kRoot, "org.freedesktop.DBus.ObjectManager",
                                                                     "GetManagedObjects"));
}

std::string Client::introspect(const std::string& path) {
    return std::get<0>(call<std::string>(path, "org.freedesktop.DBus.Introspectable", "Introspect"));
}

}  // namespace northstar::test
