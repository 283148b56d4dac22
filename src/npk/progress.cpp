// SPDX-License-Identifier: Apache-2.0
#include "npk/progress.h"

#include <fmt/format.h>
#include <unistd.h>

namespace northstar::npk {
namespace {

// Short work shows nothing.
constexpr std::chrono::milliseconds kFirst{0}, kBetweenBars{100}, kBetweenLines{1000};

std::chrono::milliseconds between(Progress::Form form) {
    return form == Progress::Form::Bar ? kBetweenBars : kBetweenLines;
}

// One write(2) a line, as other threads write, too.
void say(const std::string& text) noexcept {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::string bar(std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kWidth = 30;
    const std::uint64_t full = total == 0 ? 0 : std::min(kWidth, done / std::max<std::uint64_t>(total / kWidth, 1));
    return std::string(full, '=') + std::string(kWidth - full, ' ');
}

}  // namespace

Progress::Form Progress::choose(bool asked) {
    if (::isatty(STDERR_FILENO) == 1) return Form::Bar;
    return asked ? Form::Lines : Form::None;
}

Progress::Progress(Form form, std::string what, std::uint64_t total)
    : form_{form}, what_{std::move(what)}, total_{total},
      next_{(Clock::now() + (form == Form::Bar ? kFirst : kBetweenLines)).time_since_epoch().count()} {}

Progress::~Progress() {
    if (form_ == Form::Bar && shown_) say("\r\033[K");
}

void Progress::add(std::uint64_t bytes) noexcept {
    done_ += bytes;
    show();
}

void Progress::set(std::uint64_t bytes) noexcept {
    done_ = bytes;
    show();
}

void Progress::show() noexcept {
    if (form_ == Form::None) return;
    const auto now = Clock::now();
    Clock::rep due = next_;
    const auto later = (now + between(form_)).time_since_epoch().count();
    // One thread writes, whichever comes first.
    if (now.time_since_epoch().count() < due || !next_.compare_exchange_strong(due, later)) return;
    try {
        const std::uint64_t done = total_ == 0 ? done_.load() : std::min(done_.load(), total_);
        std::string line = what_ + " " + sizeText(done);
        if (total_ != 0) line += " of " + sizeText(total_);
        if (form_ == Form::Lines) return say(line + "\n");
        if (total_ != 0) line = fmt::format("[{}] {:3}% {}", bar(done, total_), done * 100 / total_, line);
        shown_ = true;
        say("\r" + line + "\033[K");
    } catch (const std::exception&) {
        // No memory for a line: the next one will do.
    }
}

std::string sizeText(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    return unit == 0 ? fmt::format("{} {}", bytes, kUnits.at(0)) : fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

}  // namespace northstar::npk
