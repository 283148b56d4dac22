// SPDX-License-Identifier: Apache-2.0
#include "config/problems.h"

#include <fmt/format.h>

#include <tuple>

namespace northstar {
namespace {

// As much as a person reads in one message of D-Bus.
std::string joined(const std::vector<std::string>& lines) {
    constexpr std::size_t kLongest = 4096;  // bytes
    std::string text;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0 && text.size() + lines[i].size() > kLongest) {
            return fmt::format("{}; and {} more, see northstar-mounterd --check-config", text, lines.size() - i);
        }
        text += (i > 0 ? "; " : "") + lines[i];
    }
    return text;
}

}  // namespace

std::string Place::text() const { return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column); }

ConfigError::ConfigError(std::vector<std::string> lines)
    : Error{Code::Failed, joined(lines)}, lines_{std::make_shared<std::vector<std::string>>(std::move(lines))} {}

void Problems::add(const Place& place, const std::string& what) {
    if (all_.size() >= kMost) {
        ++more_;
        return;
    }
    all_.emplace_back(place, place.file.empty() ? what : fmt::format("{}: {}", place.text(), what));
}

std::vector<std::string> Problems::lines() const {
    auto sorted = all_;
    std::ranges::stable_sort(sorted, {}, [](const auto& problem) {
        const Place& place = problem.first;
        return std::tuple{place.layer, place.line, place.column};
    });
    std::vector<std::string> lines;
    for (auto& [place, line] : sorted) lines.push_back(std::move(line));
    if (more_ > 0) lines.push_back(fmt::format("and {} problems more", more_));
    return lines;
}

void Problems::refuse() const {
    if (!empty()) throw ConfigError{lines()};
}

}  // namespace northstar
