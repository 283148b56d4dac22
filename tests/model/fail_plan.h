// SPDX-License-Identifier: Apache-2.0
// What a call that waits is about, and whether it fails.
#pragma once

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model/call_table.h"

namespace northstar::test {

// Numbers and random names become N and X, so that a site is the same in every run.
inline std::string normalized(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        bool digits = true;
        while (end < text.size() && isxdigit(static_cast<unsigned char>(text[end])) != 0) {
            digits = digits && isdigit(static_cast<unsigned char>(text[end])) != 0;
            ++end;
        }
        if (end - at >= 16 || (end > at && digits)) {
            out += end - at >= 16 ? 'X' : 'N';
        } else {
            end = std::max(end, at + 1);
            for (std::size_t i = at; i < end; ++i) out += text[i] == ' ' ? '_' : text[i];
        }
        at = end;
    }
    return out;
}

inline int errnoOf(const std::string& name) {
    for (int error = 1; error < 134; ++error) {
        const char* known = strerrorname_np(error);
        if (known != nullptr && name == known) return error;
    }
    throw std::runtime_error{"no error: " + name};
}

// What the other process's call is about, while it waits.
class Reader {
public:
    Reader(pid_t pid, std::string strip) : pid_{pid}, strip_{std::move(strip)} {}

    [[nodiscard]] std::string siteOf(const FailingCall& call, const seccomp_data& data, pid_t thread) const {
        return std::string{call.name} + ":" + subjectOf(call, data, thread);
    }

private:
    [[nodiscard]] std::string subjectOf(const FailingCall& call, const seccomp_data& data, pid_t thread) const {
        switch (call.subject) {
            case Subject::None: return "";
            case Subject::Path: return path(text(thread, data.args[0]));
            case Subject::PathAt: {
                const std::string name = text(thread, data.args[1]);
                return name.empty() ? descriptor(data.args[0]) : path(name);
            }
            case Subject::Descriptor: return descriptor(data.args[0]);
            case Subject::IoctlRequest: return ioctlName(data.args[1] & UINT32_MAX);
            case Subject::FcntlCommand: return fcntlName(data.args[1]);
            case Subject::FsconfigKey: return data.args[2] == 0 ? "create" : normalized(text(thread, data.args[2]));
        }
        return "";
    }

    [[nodiscard]] std::string path(std::string name) const {
        if (!strip_.empty() && name.starts_with(strip_)) name = "~" + name.substr(strip_.size());
        return normalized(name);
    }

    [[nodiscard]] std::string descriptor(std::uint64_t fd) const {
        const std::string link = "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(static_cast<int>(fd));
        std::string target(4096, '\0');
        const ssize_t length = readlink(link.c_str(), target.data(), target.size());
        if (length < 0) return "?";
        target.resize(static_cast<std::size_t>(length));
        return path(std::move(target));
    }

    [[nodiscard]] static std::string text(pid_t thread, std::uint64_t address) {
        // In pieces: the page behind the text may not be there.
        constexpr std::size_t kPiece = 64;
        std::string all;
        while (all.size() < 4096) {
            char piece[kPiece];
            const iovec here{piece, kPiece - (address + all.size()) % kPiece};
            const iovec there{reinterpret_cast<void*>(address + all.size()), here.iov_len};
            const ssize_t got = process_vm_readv(thread, &here, 1, &there, 1, 0);
            if (got <= 0) break;
            const std::size_t length = strnlen(piece, static_cast<std::size_t>(got));
            all.append(piece, length);
            if (length < static_cast<std::size_t>(got)) break;
        }
        return all;
    }

    pid_t pid_;
    std::string strip_;
};

// Which calls fail.
class Plan {
public:
    // Throws for what is no command.
    void command(const std::string& line) {
        std::istringstream words{line};
        std::string verb, error;
        words >> verb;
        if (verb == "off") return report();
        *this = Plan{};
        if (verb == "record") {
            mode_ = Mode::Record;
        } else if (verb == "fail" || verb == "lasting") {
            mode_ = Mode::Fail;
            lasting_ = verb == "lasting";
            words >> site_ >> ordinal_ >> error;
            error_ = errnoOf(error);
        } else if (verb == "random") {
            unsigned seed = 0;
            mode_ = Mode::Random;
            words >> permille_ >> seed;
            random_.seed(seed);
        } else {
            throw std::runtime_error{"no command: " + line};
        }
        if (words.fail()) throw std::runtime_error{"incomplete: " + line};
    }

    // 0, or the errno value that the call ends with.
    int judge(const FailingCall& call, const seccomp_data& data, pid_t thread, const Reader& reader) {
        if (mode_ == Mode::Off) return 0;
        if (mode_ == Mode::Random) {
            if (!call.atRandom || random_() % 1000 >= permille_) return 0;
            const std::string site = reader.siteOf(call, data, thread);
            const std::vector<int>& errors = errorsOf(call, site);
            if (errors.empty() || isExcepted(site)) return 0;
            return hit(site, errors[random_() % errors.size()]);
        }
        const std::string site = reader.siteOf(call, data, thread);
        const auto [known, first] = counts_.emplace(site, 0);
        if (first) order_.push_back(site);
        const unsigned count = ++known->second;
        if (mode_ != Mode::Fail || site != site_ || count < ordinal_ || (count > ordinal_ && !lasting_)) return 0;
        return hit(site, error_);
    }

private:
    enum class Mode { Off, Record, Fail, Random };

    // How threads wake each other up; it cannot fail. And messages for people.
    static bool isExcepted(const std::string& site) {
        return site.find("[eventfd]") != std::string::npos || site.find("[signalfd]") != std::string::npos ||
               site.starts_with("write:pipe") || site.find(":socket") != std::string::npos;
    }

    int hit(const std::string& site, int error) {
        hits_.push_back(site + " " + strerrorname_np(error));
        return error;
    }

    void report() {
        for (const std::string& site : order_) std::cout << "site " << site << ' ' << counts_[site] << '\n';
        for (const std::string& hit : hits_) std::cout << "hit " << hit << '\n';
        *this = Plan{};
    }

    Mode mode_ = Mode::Off;
    std::string site_;
    unsigned ordinal_ = 0;
    bool lasting_ = false;
    int error_ = 0;
    unsigned permille_ = 0;
    std::minstd_rand random_;
    std::map<std::string, unsigned> counts_;
    std::vector<std::string> order_;
    std::vector<std::string> hits_;
};

}  // namespace northstar::test
