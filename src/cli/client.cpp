// SPDX-License-Identifier: Apache-2.0
// Calls are built as messages, not by sdbus-c++'s short form, because only a message can say that polkit may prompt.
#include "cli/client.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "cli/signals.h"
#include "config/value.h"

namespace northstar::cli {
namespace {

constexpr const char* kInterface = "org.northstar.Mounter";
constexpr const char* kMountInterface = "org.northstar.Mounter.Mount";
constexpr const char* kRepositoryInterface = "org.northstar.Mounter.Repository";
constexpr std::size_t kMost = 4096;  // names that one call takes, see org.northstar.Mounter(5)

// The next value of a message.
template <typename Value, typename Message>
Value valueOf(Message&& message) {
    Value value{};
    message >> value;
    return value;
}

// The answer of the mount calls.
Mounted mountedOf(sdbus::MethodReply reply) {
    Mounted mounted;
    mounted.object = valueOf<sdbus::ObjectPath>(reply);
    mounted.mountPoint = valueOf<std::string>(reply);
    return mounted;
}

// The names in portions that one call takes.
template <typename Each>
void inPortions(const std::vector<std::string>& names, const Each& each) {
    for (std::size_t at = 0; at < names.size(); at += kMost) {
        const auto end = std::min(at + kMost, names.size());
        each(std::vector<std::string>{names.begin() + static_cast<std::ptrdiff_t>(at),
                                      names.begin() + static_cast<std::ptrdiff_t>(end)});
    }
}

sdbus::Error noSuchRepository(const std::string& repository) {
    return bus::makeError("org.northstar.Mounter.Error.NoSuchRepository",
                          fmt::format("There is no repository {}; `northstarctl repositories` lists those there are",
                                      printable(repository)));
}

}  // namespace

Client::Client(const Arguments& arguments)
    : connection_{arguments}, mounter_{connection_.proxy(kObject)}, ask_{!arguments.noAsk},
      // pkttyagent knows the system bus of this machine only.
      mayStartAgent_{ask_ && arguments.host.empty() && arguments.bus == "system"} {}

template <typename... Args>
sdbus::MethodReply Client::callOn(sdbus::IProxy& object, Asks asks, const std::string& interface,
                                  const std::string& method, const Args&... args) {
    auto message = object.createMethodCall(bus::InterfaceName{interface}, bus::MethodName{method});
    if (asks == Asks::Polkit) {
        if (ask_) sd_bus_message_set_allow_interactive_authorization(bus::rawMessage(message), 1);
        if (!agent_ && mayStartAgent_ && Agent::isOfUse()) agent_ = std::make_unique<Agent>();
    }
    (static_cast<void>(message << args), ...);
    using enum Connection::Patience;
    return connection_.answerTo(object, message, asks == Asks::Nobody ? Short : AsLongAsItLives);
}

template <typename... Args>
sdbus::MethodReply Client::call(Asks asks, const std::string& method, const Args&... args) {
    return callOn(*mounter_, asks, kInterface, method, args...);
}

template <typename... Args>
sdbus::MethodReply Client::callRepository(const std::string& repository, const std::string& method,
                                          const Args&... args) {
    if (!isRepositoryName(repository)) throw noSuchRepository(repository);  // as in the configuration
    const auto object = connection_.proxy(std::string{kObject} + "/repositories/" + repositoryLabel(repository));
    try {
        return callOn(*object, Asks::Polkit, kRepositoryInterface, method, args...);
    } catch (const sdbus::Error& error) {
        if (std::string{error.getName()} == "org.freedesktop.DBus.Error.UnknownObject") {
            throw noSuchRepository(repository);
        }
        throw;
    }
}

Options Client::withAsk(Options options) const {
    if (!ask_) options.emplace("auth.no_user_interaction", sdbus::Variant{true});
    return options;
}

Mounted Client::mount(const std::string& container, const Options& options) {
    return mountedOf(call(Asks::Polkit, "Mount", container, withAsk(options)));
}

Mounted Client::mountFile(const std::string& path, const Options& options) {
    return mountedOf(call(Asks::Polkit, "MountFile", path, withAsk(options)));
}

Mounted Client::mountFd(int npk, const Options& options) {
    return mountedOf(call(Asks::Polkit, "MountFd", sdbus::UnixFd{npk}, withAsk(options)));
}

std::vector<Outcome> Client::mountMany(const std::vector<std::string>& containers, const Options& options) {
    using Result = sdbus::Struct<std::string, bool, sdbus::ObjectPath, std::string, std::string>;
    std::vector<Outcome> outcomes;
    inPortions(containers, [&](const std::vector<std::string>& some) {
        for (const auto& r : valueOf<std::vector<Result>>(call(Asks::Polkit, "MountMany", some, withAsk(options)))) {
            auto& outcome = outcomes.emplace_back(Outcome{r.get<0>(), {}, {}});
            if (r.get<1>()) {
                outcome.mounted = {r.get<2>(), r.get<3>()};
            } else {
                outcome.failure = failureOf(r.get<3>(), r.get<4>());
            }
        }
    });
    return outcomes;
}

std::vector<Outcome> Client::unmountMany(const std::vector<std::string>& what, const Options& options) {
    using Result = sdbus::Struct<std::string, bool, std::string, std::string>;
    std::vector<Outcome> outcomes;
    inPortions(what, [&](const std::vector<std::string>& some) {
        for (const auto& r : valueOf<std::vector<Result>>(call(Asks::Polkit, "UnmountMany", some, withAsk(options)))) {
            auto& outcome = outcomes.emplace_back(Outcome{r.get<0>(), {}, {}});
            if (!r.get<1>()) outcome.failure = failureOf(r.get<2>(), r.get<3>());
        }
    });
    return outcomes;
}

void Client::unmount(const std::string& what, const Options& options) {
    call(Asks::Polkit, "Unmount", what, withAsk(options));
}

Mounted Client::replace(const std::string& what, const std::string& container, const Options& options) {
    return mountedOf(call(Asks::Polkit, "Replace", what, container, withAsk(options)));
}

State Client::state() {
    using Objects = std::map<sdbus::ObjectPath, std::map<std::string, Options>>;
    State state;
    state.service = valueOf<Options>(
        callOn(*mounter_, Asks::Nobody, "org.freedesktop.DBus.Properties", "GetAll", std::string{kInterface}));
    auto objects =
        valueOf<Objects>(callOn(*mounter_, Asks::Nobody, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"));
    for (auto& [path, interfaces] : objects) {
        for (auto& [interface, properties] : interfaces) {
            auto* const of = interface == kMountInterface        ? &state.mounts
                             : interface == kRepositoryInterface ? &state.repositories
                                                                 : nullptr;
            if (of != nullptr) of->push_back({path, std::move(properties)});
        }
    }
    return state;
}

Json Client::listMounts() {
    using Mount = sdbus::Struct<sdbus::ObjectPath, std::string, std::string, std::string>;
    Json rows = Json::array();
    for (const auto& m : valueOf<std::vector<Mount>>(call(Asks::Nobody, "ListMounts"))) {
        rows.push_back({{"container", m.get<1>()},
                        {"mount_point", m.get<2>()},
                        {"device", m.get<3>()},
                        {"object", std::string{m.get<0>()}}});
    }
    return rows;
}

Json Client::listContainers() {
    using Container = sdbus::Struct<std::string, std::string, std::string, bool>;
    Json rows = Json::array();
    for (const auto& c : valueOf<std::vector<Container>>(call(Asks::Nobody, "ListContainers"))) {
        rows.push_back(
            {{"name", c.get<0>()}, {"version", c.get<1>()}, {"repository", c.get<2>()}, {"mounted", c.get<3>()}});
    }
    return rows;
}

Options Client::inspect(const std::string& container) {
    return valueOf<Options>(call(Asks::Nobody, "Inspect", container));
}

bool Client::verify(const std::string& container, const Options& options) {
    return valueOf<bool>(call(Asks::Polkit, "Verify", container, withAsk(options)));
}

void Client::reload() { call(Asks::Polkit, "Reload", withAsk({})); }

std::string Client::install(const std::string& repository, int npk, const Progress& progress) {
    const std::string rule = fmt::format("type='signal',sender='{}',path='{}/repositories/{}',member='InstallProgress'",
                                         kService, kObject, repositoryLabel(repository));
    [[maybe_unused]] const auto slot =
        bus::addMatch(connection_.bus(), rule, [&progress](bus::IncomingMessage message) {
            try {
                const auto done = valueOf<std::uint64_t>(message);
                progress(done, valueOf<std::uint64_t>(message));
            } catch (const sdbus::Error&) {  // must not leave a handler; it is only for show
            }
        });
    return valueOf<std::string>(callRepository(repository, "Install", sdbus::UnixFd{npk}, withAsk({})));
}

void Client::uninstall(const std::string& repository, const std::string& container) {
    callRepository(repository, "Uninstall", container, withAsk({}));
}

void Client::monitor(const std::function<void()>& ready, const std::function<bool(const Event&)>& event) {
    const std::string rule =
        std::string{"type='signal',sender='"} + kService + "',path='" + kObject + "',interface='" + kInterface + "'";
    bool goesOn = true;
    [[maybe_unused]] const auto slot = bus::addMatch(connection_.bus(), rule, [&](bus::IncomingMessage message) {
        if (goesOn) goesOn = event(eventOf(message));
    });
    ready();
    while (goesOn) connection_.waitUntil([&] { return !goesOn; }, std::chrono::hours{1});
}

}  // namespace northstar::cli
