// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <ios>
#include <istream>
#include <sstream>

#include "base/checked.h"
#include "base/path.h"
#include "kernel/linux/calls.h"

namespace northstar {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

// Names in a directory; empty if it is gone or closed to us.
std::vector<std::string> entries(const std::string& path) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir(path.c_str()), ::closedir};
    if (!directory) return names;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    return names;
}

// Is what a link in /proc stands for on the device? Nothing is looked up on a network or mounted for it.
bool isOn(const std::string& link, dev_t device) {
    struct statx status{};
    if (::statx(AT_FDCWD, link.c_str(), AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return false;
    return makedev(status.stx_dev_major, status.stx_dev_minor) == device;
}

// Path of a mapped file on the device; empty if there is none.
std::string mappedFile(const std::string& process, dev_t device, Time deadline) {
    std::ifstream maps{process + "/maps"};
    for (std::string line; std::getline(maps, line) && Clock::now() < deadline;) {
        std::istringstream fields{line};  // address permissions offset major:minor inode path
        std::string address, permissions, offset, path;
        unsigned majorNumber = 0, minorNumber = 0;
        char colon = 0;
        fields >> address >> permissions >> offset >> std::hex >> majorNumber >> colon >> minorNumber >> std::dec;
        if (!fields || makedev(majorNumber, minorNumber) != device) continue;
        std::string inode;
        std::getline(fields >> inode >> std::ws, path);
        return path;
    }
    return "";
}

// Descriptors of ours that only name a file (O_PATH) are some other worker's lookup and gone in a moment.
bool isPassing(const std::string& name) {
    const int flags = ::fcntl(parseNumber<int>(name).value_or(-1), F_GETFL);
    return flags >= 0 && (flags & O_PATH) != 0;
}

// What of the device the process holds, mappings aside; empty if nothing.
std::string openFile(const std::string& process, bool self, dev_t device, Time deadline) {
    for (const char* name : {"/cwd", "/root", "/exe"}) {
        if (isOn(process + name, device)) return readLink(AT_FDCWD, process + name);
    }
    for (const std::string& name : entries(process + "/fd")) {
        if (Clock::now() >= deadline) break;
        const std::string link = process + "/fd/" + name;
        if (isOn(link, device) && !(self && isPassing(name))) return readLink(AT_FDCWD, link);
    }
    return "";
}

}  // namespace

std::vector<Holder> findHolders(dev_t device, std::size_t most, std::chrono::milliseconds budget,
                                const std::string& proc) {
    const Time deadline = Clock::now() + budget;
    std::vector<pid_t> processes;
    for (const std::string& name : entries(proc)) {
        if (const auto pid = parseNumber<pid_t>(name)) processes.push_back(*pid);
    }
    std::ranges::sort(processes, std::greater{});  // the young ones first: those of users, not the kernel's
    std::vector<Holder> found;
    for (const bool mappings : {false, true}) {
        for (const pid_t pid : processes) {
            if (found.size() >= most || Clock::now() >= deadline) return found;
            const std::string process = proc + "/" + std::to_string(pid);
            std::string path = mappings ? mappedFile(process, device, deadline)
                                        : openFile(process, pid == ::getpid(), device, deadline);
            if (!path.empty()) found.push_back({pid, readLine(process + "/comm").value_or("?"), std::move(path)});
        }
        if (!found.empty()) break;
    }
    return found;
}

}  // namespace northstar
