// SPDX-License-Identifier: Apache-2.0
// Calls are sent without blocking, so that signals arrive meanwhile and a service that hangs is noticed.
#include "cli/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <csignal>

#include "cli/failure.h"

namespace northstar::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSilence{25};   // as long as D-Bus waits for an answer unless told otherwise
constexpr std::chrono::seconds kHeartbeat{5};  // between two questions whether it is still there

// Connecting blocks inside sd-bus, for 90 s if nobody greets at the other end: this ends the program before. Only while
// it lives; one at a time.
class ConnectAlarm {
public:
    explicit ConnectAlarm(const Arguments& arguments) {
        const Failure failure{"NoServer", fmt::format("The bus has not answered for {} s", kSilence.count()),
                              Exit::Unreachable};
        text() = Reporter::lineOf(failure, arguments.json);
        std::signal(SIGALRM, [](int) {
            if (write(STDERR_FILENO, text().data(), text().size()) < 0) {}
            _exit(static_cast<int>(Exit::Unreachable));
        });
        alarm(static_cast<unsigned>(kSilence.count()));
    }
    ~ConnectAlarm() {
        alarm(0);
        std::signal(SIGALRM, SIG_DFL);
    }
    ConnectAlarm(const ConnectAlarm&) = delete;
    ConnectAlarm& operator=(const ConnectAlarm&) = delete;

private:
    static std::string& text() {
        static std::string text;
        return text;
    }
};

std::unique_ptr<sdbus::IConnection> connect(const Arguments& arguments) {
    const std::string& bus = arguments.bus;
    // ssh may ask for a password, and has its own time-out. Completion has an alarm of its own.
    std::optional<ConnectAlarm> inTime;
    if (arguments.host.empty() && !arguments.completing) inTime.emplace(arguments);
    try {
        if (!arguments.host.empty()) return sdbus::createRemoteSystemBusConnection(arguments.host);
        if (bus == "system") return sdbus::createSystemBusConnection();
        if (bus == "session") return sdbus::createSessionBusConnection();
        return sdbus::createSessionBusConnectionWithAddress(bus);
    } catch (const sdbus::Error& error) {
        const std::string where = !arguments.host.empty()               ? "the system bus of " + arguments.host
                                  : bus == "system" || bus == "session" ? "the " + bus + " bus"
                                                                        : "the bus " + bus;
        throw bus::makeError("org.freedesktop.DBus.Error.NoServer",
                             fmt::format("Cannot connect to {}: {}", where, error.getMessage()));
    }
}

sdbus::Error silent() {
    return bus::makeError("org.freedesktop.DBus.Error.NoReply",
                          fmt::format("The service has not answered for {} s; `systemctl status northstar-mounter` and "
                                      "`journalctl -u northstar-mounter` say what it does",
                                      kSilence.count()));
}

}  // namespace

Connection::Connection(const Arguments& arguments) : bus_{connect(arguments)}, peer_{proxy(kObject)} {}

std::unique_ptr<sdbus::IProxy> Connection::proxy(const std::string& path) {
    return sdbus::createProxy(*bus_, bus::ServiceName{kService}, sdbus::ObjectPath{path});
}

void Connection::waitUntil(const std::function<bool()>& done, std::chrono::milliseconds atMost) {
    const auto deadline = Clock::now() + atMost;
    try {
        while (!done()) {
            if (bus::processOne(*bus_)) continue;
            std::vector<pollfd> fds;
            const int busWaits = bus::preparePoll(*bus_, fds);
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
            if (left <= 0) return;
            const auto mine = static_cast<int>(std::min<std::int64_t>(left + 1, 1'000'000));
            ::poll(fds.data(), fds.size(), busWaits < 0 ? mine : std::min(busWaits, mine));
        }
    } catch (const sdbus::Error& error) {
        throw bus::makeError("org.freedesktop.DBus.Error.Disconnected",
                             "The connection to the bus was lost: " + error.getMessage());
    }
}

// Whoever waits for a person or for work on a large image may wait long, but not for a service that hangs: it is asked
// for a sign of life meanwhile, which its bus thread gives whatever its workers do.
sdbus::MethodReply Connection::answerTo(sdbus::IProxy& object, const sdbus::MethodCall& message, Patience patience) {
    struct Waiting {
        std::optional<sdbus::MethodReply> reply;
        std::optional<sdbus::Error> error;
        bool pinged = false;
        Clock::time_point seen = Clock::now();
    };
    const auto state = std::make_shared<Waiting>();  // outlives this call: an answer may come after all
    bus::callAsync(object, message, UINT64_MAX, [state](const sdbus::MethodReply& reply, const auto& error) {
        if (error) {
            state->error = *error;
        } else {
            state->reply = reply;
        }
    });
    const auto answered = [&] { return state->reply || state->error; };
    while (!answered()) {
        if (Clock::now() - state->seen >= kSilence) throw silent();
        if (patience == Patience::AsLongAsItLives && !state->pinged) {
            state->pinged = true;
            const auto ping =
                peer_->createMethodCall(bus::InterfaceName{"org.freedesktop.DBus.Peer"}, bus::MethodName{"Ping"});
            bus::callAsync(*peer_, ping, UINT64_MAX, [state](const sdbus::MethodReply&, const auto&) {
                state->seen = Clock::now();
                state->pinged = false;
            });
        }
        waitUntil(answered, patience == Patience::AsLongAsItLives ? kHeartbeat : kSilence);
    }
    if (state->error) throw *state->error;
    return *state->reply;
}

}  // namespace northstar::cli
