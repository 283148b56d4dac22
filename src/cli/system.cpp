// SPDX-License-Identifier: Apache-2.0
#include "cli/system.h"

#include <sys/utsname.h>
#include <zlib.h>

#include <filesystem>
#include <sstream>
#include <system_error>

namespace northstar::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = std::size_t{16} << 20;  // modules.dep of a distribution has less than one MiB

// "kernel/drivers/md/dm-verity.ko.xz: ..." becomes "dm_verity".
std::string moduleName(const std::string& line) {
    std::string name = line.substr(0, line.find(':'));
    name.erase(0, name.rfind('/') + 1);
    name.erase(std::min(name.find(".ko"), name.size()));
    std::ranges::replace(name, '-', '_');
    return name;
}

std::string releaseOf(const std::string& root) {
    if (root.empty()) {
        utsname names{};
        return uname(&names) == 0 ? names.release : "";
    }
    std::string newest;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{root + "/lib/modules", ignored}) {
        newest = std::max(newest, entry.path().filename().string());
    }
    return newest;
}

}  // namespace

System::System(std::string root) : root_{std::move(root)}, release_{releaseOf(root_)} {
    while (root_.ends_with('/')) root_.pop_back();
    configFile_ = firstOf({"/proc/config.gz", "/boot/config-" + release_, "/lib/modules/" + release_ + "/config",
                           "/lib/modules/" + release_ + "/build/.config"});
    std::istringstream config{configFile_.empty() ? "" : read(configFile_)};
    for (std::string line; std::getline(config, line);) {
        const auto equals = line.find('=');
        if (!line.starts_with("CONFIG_") || equals == std::string::npos || equals + 1 == line.size()) continue;
        options_[line.substr(7, equals - 7)] = line[equals + 1];
    }
    if (options_.empty()) configFile_.clear();
    for (const char* list : {"modules.dep", "modules.builtin"}) {
        std::istringstream modules{read("/lib/modules/" + release_ + "/" + list)};
        for (std::string line; std::getline(modules, line);) modules_.push_back(moduleName(line));
    }
    std::ranges::sort(modules_);
}

std::optional<char> System::option(const std::string& option) const {
    if (options_.empty()) return std::nullopt;
    const auto found = options_.find(option);
    return found == options_.end() ? 'n' : found->second;
}

bool System::hasModule(const std::string& module) const {
    std::string name = module;
    std::ranges::replace(name, '-', '_');
    return std::ranges::binary_search(modules_, name) || (isThis() && has("/sys/module/" + name));
}

bool System::has(const std::string& path) const {
    std::error_code ignored;
    return fs::exists(at(path), ignored);
}

std::string System::firstOf(const std::vector<std::string>& paths) const {
    const auto found = std::ranges::find_if(paths, [this](const std::string& path) { return has(path); });
    return found == paths.end() ? "" : *found;
}

std::string System::read(const std::string& path) const {
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file{gzopen(at(path).c_str(), "rbe"), gzclose};
    std::string text;
    std::array<char, 65536> buffer{};
    while (file && text.size() < kMost) {
        const int length = gzread(file.get(), buffer.data(), buffer.size());
        if (length <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(length));
    }
    return text;
}

}  // namespace northstar::cli
