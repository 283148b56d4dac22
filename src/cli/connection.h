// SPDX-License-Identifier: Apache-2.0
// One connection to the bus that the arguments name, and waiting on it without hanging.
#pragma once

#include <chrono>

#include "base/std.h"
#include "cli/arguments.h"
#include "sdbus/compat.h"

namespace northstar::cli {

inline constexpr const char* kService = "org.northstar.Mounter";
inline constexpr const char* kObject = "/org/northstar/Mounter";

class Connection {
public:
    // Throws NoServer.
    explicit Connection(const Arguments& arguments);

    [[nodiscard]] sdbus::IConnection& bus() { return *bus_; }
    [[nodiscard]] std::unique_ptr<sdbus::IProxy> proxy(const std::string& path);

    // How long an answer may take: of what the service knows at once, 25 s. Else a person may be asked, or an image be
    // read, and it takes what it takes, as long as the service shows that it lives.
    enum class Patience { Short, AsLongAsItLives };

    // Sends the call, and handles what arrives until it is answered. Throws what the answer is, or NoReply,
    // Disconnected.
    sdbus::MethodReply answerTo(sdbus::IProxy& object, const sdbus::MethodCall& message, Patience patience);

    // Handles what arrives until it is done, or the time is up. Throws Disconnected.
    void waitUntil(const std::function<bool()>& done, std::chrono::milliseconds atMost);

private:
    std::unique_ptr<sdbus::IConnection> bus_;
    std::unique_ptr<sdbus::IProxy> peer_;  // to ask for a sign of life
};

}  // namespace northstar::cli
