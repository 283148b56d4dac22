// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "cli/text.h"

namespace northstar::cli {

Progress::Progress(std::string what) : what_{std::move(what)}, terminal_{isatty(STDERR_FILENO) == 1} {}

Progress::~Progress() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;  // erase to the end of the line: ECMA-48, 8.3.41
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
    if (!terminal_ || total == 0) return;
    const double percent = 100.0 * static_cast<double>(std::min(done, total)) / static_cast<double>(total);
    std::cerr << fmt::format("\r{}: {:3.0f} % of {}\x1b[K", plain(what_), percent, bytesText(total)) << std::flush;
    shown_ = true;
}

}  // namespace northstar::cli
