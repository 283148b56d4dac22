// SPDX-License-Identifier: Apache-2.0
#include "bus/arguments.h"

#include <fmt/format.h>
#include <limits.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sdbus/received_fds.h"

namespace northstar::bus {
namespace {

constexpr std::size_t kMostItems = 4096, kMostBytes = 256 * 1024;
constexpr std::size_t kBytesOfItem = 2048;  // its plan and its coroutine
constexpr std::size_t kMostOptions = 16;    // more than any method knows

// What sd-bus says: an error is negative.
int expect(int result) {
    if (result < 0) throwErrno(Code::InvalidArgs, "Cannot read the arguments of the call", -result);
    return result;
}

[[noreturn]] void refuseOption(const std::string& key, const std::string& why) {
    throw Error{Code::InvalidArgs, fmt::format("The option {} {}", printable(key), why)};
}

[[noreturn]] void refuseItems(std::size_t items, std::size_t bytes) {
    throw Error{Code::LimitsExceeded,
                fmt::format("A call may name at most {} items with {} bytes, not {} with {} and perhaps more; split it",
                            kMostItems, kMostBytes, items, bytes)};
}

}  // namespace

const char* ArgumentReader::text() {
    const char* text = nullptr;
    return expect(sd_bus_message_read_basic(message_, SD_BUS_TYPE_STRING, &text)) > 0 ? text : nullptr;
}

void ArgumentReader::read(std::string& text) {
    const char* found = this->text();
    const std::string_view view{found != nullptr ? found : ""};
    if (view.size() > kMostBytes) {
        throw Error{Code::InvalidArgs,
                    fmt::format("{}... is too long: {} bytes, of at most {}",
                                printable(std::string{view.substr(0, 40)}), view.size(), kMostBytes)};
    }
    text = view;
    bytes_ += view.size();
}

void ArgumentReader::read(std::vector<std::string>& items) {
    expect(sd_bus_message_enter_container(message_, SD_BUS_TYPE_ARRAY, "s"));
    std::size_t bytes = 0;
    while (const char* item = text()) {
        const std::string_view view{item};
        bytes += view.size();
        if (items.size() == kMostItems || bytes > kMostBytes) refuseItems(items.size() + 1, bytes);
        items.emplace_back(view);
    }
    expect(sd_bus_message_exit_container(message_));
    bytes_ += bytes + items.size() * kBytesOfItem;
}

void ArgumentReader::read(CallerFd& fd) {
    int borrowed = -1;
    expect(sd_bus_message_read_basic(message_, SD_BUS_TYPE_UNIX_FD, &borrowed));
    UniqueFd taken = ReceivedFds::take(borrowed);
    if (!taken) throwErrno(errno == EBADF ? Code::InvalidArgs : Code::Failed, "Cannot use the descriptor", errno);
    fd = CallerFd{std::move(taken)};
    fd.setOwner(owner_);
}

void ArgumentReader::read(Options& options) {
    expect(sd_bus_message_enter_container(message_, SD_BUS_TYPE_ARRAY, "{sv}"));
    while (expect(sd_bus_message_enter_container(message_, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
        if (!readEntry(options)) return;
        expect(sd_bus_message_exit_container(message_));
    }
    expect(sd_bus_message_exit_container(message_));
}

bool ArgumentReader::readEntry(Options& options) {
    const std::string_view name{text()};
    const std::string key{name.substr(0, NAME_MAX)};  // what is longer is known to no method
    if (options.contains(key)) refuseOption(key, "is given twice");
    if (options.size() == kMostOptions) {
        refuseOption(key, fmt::format("is one too many: a call has at most {}", kMostOptions));
    }
    bytes_ += key.size();
    const char* type = nullptr;
    expect(sd_bus_message_peek_type(message_, nullptr, &type));
    if (std::string_view{type} == "b") {
        int value = 0;  // of this size: sd_bus_message_read_basic(3)
        expect(sd_bus_message_enter_container(message_, SD_BUS_TYPE_VARIANT, "b"));
        expect(sd_bus_message_read_basic(message_, SD_BUS_TYPE_BOOLEAN, &value));
        options.emplace(key, value != 0);
    } else if (std::string_view{type} == "s") {
        expect(sd_bus_message_enter_container(message_, SD_BUS_TYPE_VARIANT, "s"));
        const std::string_view value{text()};
        if (value.size() >= PATH_MAX) refuseOption(key, fmt::format("is too long: {} bytes", value.size()));
        options.emplace(key, std::string{value});
        bytes_ += value.size();
    } else if (std::string_view{type} == "h") {
        auto fd = std::make_shared<CallerFd>();
        expect(sd_bus_message_enter_container(message_, SD_BUS_TYPE_VARIANT, "h"));
        read(*fd);
        options.emplace(key, std::move(fd));
    } else {
        options.emplace(key, std::monostate{});
        return false;
    }
    expect(sd_bus_message_exit_container(message_));
    return true;
}

}  // namespace northstar::bus
