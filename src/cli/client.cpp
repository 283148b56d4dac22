// SPDX-License-Identifier: Apache-2.0
// Calls are built as messages, not by sdbus-c++'s short form, because only a message can say that polkit may prompt.
#include "cli/client.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "config/value.h"

namespace northstar::cli {
namespace {

constexpr const char* kService = "org.northstar.Mounter";
constexpr const char* kObject = "/org/northstar/Mounter";
constexpr const char* kInterface = "org.northstar.Mounter";
constexpr const char* kRepositoryInterface = "org.northstar.Mounter.Repository";
constexpr std::uint64_t kTimeoutUs = 600'000'000;  // somebody may have to type a password

std::unique_ptr<sdbus::IConnection> connect(const std::string& bus) {
    if (bus == "system") return sdbus::createSystemBusConnection();
    if (bus == "session") return sdbus::createSessionBusConnection();
    return sdbus::createSessionBusConnectionWithAddress(bus);
}

// The next value of a message.
template <typename Value, typename Message>
Value valueOf(Message&& message) {
    Value value{};
    message >> value;
    return value;
}

// The answer of the mount calls: an object path, then this.
std::string mountPointOf(sdbus::MethodReply reply) {
    valueOf<sdbus::ObjectPath>(reply);
    return valueOf<std::string>(reply);
}

// "Mounted hello:1.0.0 /run/northstar/hello:1.0.0": the signal, then its arguments without the object path.
std::string signalLine(sdbus::Message& message) {
    std::string line{message.getMemberName()};
    const auto text = [&] { line += ' ' + valueOf<std::string>(message); };
    if (line == "Mounted") {
        valueOf<sdbus::ObjectPath>(message);
        text(), text();
    } else if (line == "Unmounted") {
        valueOf<sdbus::ObjectPath>(message);
        text(), text(), text();
    } else if (line == "CorruptionDetected") {
        valueOf<sdbus::ObjectPath>(message);
        text();
        const auto block = valueOf<std::uint64_t>(message);
        line += block == UINT64_MAX ? " block unknown" : " block " + std::to_string(block);
    } else if (line == "Installed" || line == "Uninstalled") {
        text(), text();
    }
    return line;
}

}  // namespace

Client::Client(const std::string& bus, bool ask)
    : bus_{connect(bus)}, mounter_{sdbus::createProxy(*bus_, bus::ServiceName{kService}, sdbus::ObjectPath{kObject})},
      ask_{ask} {}

template <typename... Args>
sdbus::MethodReply Client::callOn(sdbus::IProxy& object, const std::string& interface, const std::string& method,
                                  const Args&... args) const {
    auto message = object.createMethodCall(bus::InterfaceName{interface}, bus::MethodName{method});
    if (ask_) sd_bus_message_set_allow_interactive_authorization(bus::rawMessage(message), 1);
    (static_cast<void>(message << args), ...);
    return object.callMethod(message, kTimeoutUs);
}

template <typename... Args>
sdbus::MethodReply Client::call(const std::string& method, const Args&... args) {
    return callOn(*mounter_, kInterface, method, args...);
}

template <typename... Args>
sdbus::MethodReply Client::callRepository(const std::string& repository, const std::string& method,
                                          const Args&... args) {
    const auto refuse = [&] {
        throw Error{Code::NoSuchRepository,
                    fmt::format("There is no repository {}; `northstarctl repositories` lists those there are",
                                printable(repository))};
    };
    if (!isRepositoryName(repository)) refuse();  // as in the configuration
    const sdbus::ObjectPath path{std::string{kObject} + "/repositories/" + repositoryLabel(repository)};
    const auto object = sdbus::createProxy(*bus_, bus::ServiceName{kService}, path);
    try {
        return callOn(*object, kRepositoryInterface, method, args...);
    } catch (const sdbus::Error& error) {
        if (std::string{error.getName()} == "org.freedesktop.DBus.Error.UnknownObject") refuse();
        throw;
    }
}

Options Client::withAsk(Options options) const {
    if (!ask_) options.emplace("auth.no_user_interaction", sdbus::Variant{true});
    return options;
}

std::string Client::mount(const std::string& container, const Options& options) {
    return mountPointOf(call("Mount", container, withAsk(options)));
}

std::string Client::mountFile(const std::string& path, const Options& options) {
    return mountPointOf(call("MountFile", path, withAsk(options)));
}

std::string Client::mountFd(int npk, const Options& options) {
    return mountPointOf(call("MountFd", sdbus::UnixFd{npk}, withAsk(options)));
}

void Client::unmount(const std::string& what, const Options& options) { call("Unmount", what, withAsk(options)); }

std::map<std::string, std::string> Client::unmountMany(const std::vector<std::string>& what, const Options& options) {
    using Result = sdbus::Struct<std::string, bool, std::string, std::string>;
    std::map<std::string, std::string> failures;
    for (const auto& result : valueOf<std::vector<Result>>(call("UnmountMany", what, withAsk(options)))) {
        if (!result.get<1>()) failures.emplace(result.get<0>(), result.get<3>());
    }
    return failures;
}

std::vector<MountRow> Client::listMounts() {
    using Mount = sdbus::Struct<sdbus::ObjectPath, std::string, std::string, std::string>;
    std::vector<MountRow> rows;
    for (const auto& m : valueOf<std::vector<Mount>>(call("ListMounts"))) {
        rows.push_back({m.get<0>(), m.get<1>(), m.get<2>(), m.get<3>()});
    }
    return rows;
}

std::vector<ContainerRow> Client::listContainers() {
    using Container = sdbus::Struct<std::string, std::string, std::string, bool>;
    std::vector<ContainerRow> rows;
    for (const auto& c : valueOf<std::vector<Container>>(call("ListContainers"))) {
        rows.push_back({c.get<0>(), c.get<1>(), c.get<2>(), c.get<3>()});
    }
    return rows;
}

Options Client::inspect(const std::string& container) { return valueOf<Options>(call("Inspect", container)); }

std::vector<RepositoryRow> Client::listRepositories() {
    using Objects = std::map<sdbus::ObjectPath, std::map<std::string, Options>>;
    auto objects = valueOf<Objects>(callOn(*mounter_, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"));
    std::vector<RepositoryRow> rows;
    for (auto& [path, interfaces] : objects) {
        const auto found = interfaces.find(kRepositoryInterface);
        if (found == interfaces.end()) continue;
        const auto name = found->second.find("Name");  // the path holds it escaped
        if (name == found->second.end() || !name->second.containsValueOfType<std::string>()) continue;
        rows.push_back({name->second.get<std::string>(), std::move(found->second)});
    }
    return rows;
}

bool Client::verify(const std::string& container, const Options& options) {
    return valueOf<bool>(call("Verify", container, withAsk(options)));
}

void Client::reload() { call("Reload", withAsk({})); }

std::string Client::install(const std::string& repository, int npk) {
    return valueOf<std::string>(callRepository(repository, "Install", sdbus::UnixFd{npk}, withAsk({})));
}

void Client::uninstall(const std::string& repository, const std::string& container) {
    callRepository(repository, "Uninstall", container, withAsk({}));
}

void Client::monitor(const std::function<void()>& ready, const std::function<void(const std::string&)>& line) {
    const std::string rule =
        std::string{"type='signal',sender='"} + kService + "',path='" + kObject + "',interface='" + kInterface + "'";
    [[maybe_unused]] const auto slot = bus::addMatch(*bus_, rule, [&line](bus::IncomingMessage message) {
        std::string text;
        try {
            text = signalLine(message);
        } catch (const sdbus::Error& error) {  // must not leave a handler
            text = std::string{message.getMemberName()} + " (cannot be read: " + error.getMessage() + ")";
        }
        line(text);
    });
    ready();
    bus_->enterEventLoop();
    throw bus::makeError("org.freedesktop.DBus.Error.Disconnected", "the connection to the bus was lost");
}

}  // namespace northstar::cli
