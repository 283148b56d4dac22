// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace northstar {
namespace {

// systemd.exec(5): the variable may be inherited by a process whose standard error went elsewhere, so compare.
bool stderrIsJournal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status{};
    if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

spdlog::level::level_enum spdlogLevel(log::Level level) noexcept {
    switch (level) {
        case log::Level::Trace: return spdlog::level::trace;
        case log::Level::Debug: return spdlog::level::debug;
        case log::Level::Info: return spdlog::level::info;
        case log::Level::Warn: return spdlog::level::warn;
        case log::Level::Error: return spdlog::level::err;
    }
    return spdlog::level::critical;
}

}  // namespace

void setUpLogging(const std::string& identifier, const std::string& level) {
    std::shared_ptr<spdlog::logger> logger;
    if (stderrIsJournal()) {
        logger =
            std::make_shared<spdlog::logger>(identifier, std::make_shared<spdlog::sinks::systemd_sink_mt>(identifier));
    } else {
        logger = std::make_shared<spdlog::logger>(identifier, std::make_shared<spdlog::sinks::stderr_sink_mt>());
        logger->set_pattern("%n: %l: %v");
    }
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

bool log::enabled(Level level) noexcept { return spdlog::should_log(spdlogLevel(level)); }

void log::write(Level level, fmt::string_view format, fmt::format_args arguments) noexcept {
    if (!enabled(level)) return;
    try {
        spdlog::log(spdlogLevel(level), "{}", fmt::vformat(format, arguments));
    } catch (const std::exception&) {  // out of memory
    }
}

void logFatal(const std::string& message) {
    // sd-daemon(3): a line's priority. A datagram is shown as the unit's only if the journal still finds its sender,
    // while a stream belongs to the unit.
    if (stderrIsJournal()) {
        std::cerr << "<2>" << message << std::endl;
    } else {
        spdlog::critical("{}", message);
    }
}

}  // namespace northstar
