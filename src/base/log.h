// SPDX-License-Identifier: Apache-2.0
// Where the service's log goes. Code logs through spdlog's default logger: spdlog::info("..."), from any thread.
#pragma once

#include <string>

namespace northstar {

// Sets the default logger: the journal with its priorities if standard error is connected to it (systemd.exec(5),
// $JOURNAL_STREAM), else lines on standard error. `level`: a name that spdlog knows ("debug", "info", ...).
void setUpLogging(const std::string& identifier, const std::string& level);

// Logs why the process ends, as its last act; the message is one line. After setUpLogging.
void logFatal(const std::string& message);

}  // namespace northstar
