// SPDX-License-Identifier: Apache-2.0
#include "config/suggestion.h"

namespace northstar {
namespace {

constexpr std::size_t kLongest = 64;  // no key is as long; the work grows with the square

// Optimal string alignment: no part is changed twice.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> to(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) to[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) to[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            to[i][j] =
                std::min({to[i - 1][j] + 1, to[i][j - 1] + 1, to[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0)});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) to[i][j] = std::min(to[i][j], to[i - 2][j - 2] + 1);
        }
    }
    return to[a.size()][b.size()];
}

struct Successor {
    std::string_view table, key, text;
};

// Of esrlabs/northstar, northstar-runtime/src/runtime/config.rs; [cgroups], [devices] and console are of versions
// before.
constexpr std::array kSuccessors{
    Successor{"repositories", "key", "write keys = [\"FILE\"]"},
    Successor{"repositories", "capacity_num", "write max_containers"},
    Successor{"repositories", "capacity_size", "write capacity"},
    Successor{"", "data_dir", "nothing is run here; leave it out"},
    Successor{"", "log_dir", "nothing is run here, and the service logs to the journal; leave it out"},
    Successor{"", "cgroup", "nothing is run here; leave it out"},
    Successor{"", "cgroups", "nothing is run here; leave it out"},
    Successor{"", "event_buffer_size", "leave it out"},
    Successor{"", "notification_buffer_size", "signals of D-Bus take the place of notifications; leave it out"},
    Successor{"", "device_mapper_device_timeout", "there is no such time here; leave it out"},
    Successor{"", "token_validity", "there are no tokens here; leave it out"},
    Successor{"", "console", "D-Bus takes the place of the console; leave it out"},
    Successor{"", "devices", "the service finds its devices itself; leave it out"},
    Successor{"", "debug", "nothing is run here, and D-Bus takes the place of the console; leave it out"},
};

}  // namespace

std::string nearestName(const std::string& name, const std::set<std::string>& known) {
    if (name.size() > kLongest) return {};
    std::pair<std::size_t, std::string> best{name.size(), {}};
    for (const auto& other : known) {
        const std::size_t far = distance(name, other);
        if (far < best.first && far <= std::max<std::size_t>(1, other.size() / 3)) best = {far, other};
    }
    return best.second;
}

std::string successorOfNorthstar(std::string_view table, std::string_view key) {
    const auto found = std::ranges::find_if(
        kSuccessors, [&](const Successor& successor) { return successor.table == table && successor.key == key; });
    return found == kSuccessors.end() ? std::string{} : "it is one of northstar.toml: " + std::string{found->text};
}

}  // namespace northstar
