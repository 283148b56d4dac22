// SPDX-License-Identifier: Apache-2.0
// A message bus of our own in a temporary directory; its address is handed on, never put into the environment.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "sdbus/compat.h"
#include "support/process.h"
#include "support/temporary_directory.h"

namespace northstar::test {

class PrivateBus {
public:
    PrivateBus() {
        const std::string config = directory_.write(
            "bus.conf", "<busconfig><type>system</type><listen>unix:path=" + directory_ / "socket" +
                            "</listen>"
                            "<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
                            "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>");
        daemon_ = std::make_unique<Process>(std::vector<std::string>{"dbus-daemon", "--nofork", "--nopidfile",
                                                                     "--print-address", "--config-file=" + config});
        address_ = daemon_->readLine();
        if (!address_.starts_with("unix:")) throw std::runtime_error{"no bus: " + address_};
    }

    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] std::unique_ptr<sdbus::IConnection> connect() const {
        return sdbus::createSessionBusConnectionWithAddress(address_);
    }
    void stop() { daemon_.reset(); }

private:
    TemporaryDirectory directory_;
    std::unique_ptr<Process> daemon_;
    std::string address_;
};

}  // namespace northstar::test
