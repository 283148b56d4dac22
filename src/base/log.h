// SPDX-License-Identifier: Apache-2.0
// The service's log: log::info("format", ...), from any thread. The format strings are fmt's, checked when compiled.
// spdlog writes it; only log.cpp sees that, since its header takes half a second to compile.
#pragma once

#include <fmt/core.h>

#include "base/std.h"

namespace northstar {

// Sets where the log goes: the journal with its priorities if standard error is connected to it (systemd.exec(5),
// $JOURNAL_STREAM), else lines on standard error. `level`: a name that spdlog knows ("debug", "info", ...).
void setUpLogging(const std::string& identifier, const std::string& level);

// Logs why the process ends, as its last act; the message is one line. After setUpLogging.
void logFatal(const std::string& message);

namespace log {

enum class Level { Trace, Debug, Info, Warn, Error };

[[nodiscard]] bool enabled(Level level) noexcept;
// A line that cannot be written is lost.
void write(Level level, fmt::string_view format, fmt::format_args arguments) noexcept;

template <Level level>
struct Writer {
    template <typename... Arguments>
    void operator()(fmt::format_string<Arguments...> format, const Arguments&... arguments) const {
        write(level, format, fmt::make_format_args(arguments...));
    }
};
inline constexpr Writer<Level::Trace> trace;
inline constexpr Writer<Level::Debug> debug;
inline constexpr Writer<Level::Info> info;
inline constexpr Writer<Level::Warn> warn;
inline constexpr Writer<Level::Error> error;

}  // namespace log
}  // namespace northstar
