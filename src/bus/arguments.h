// SPDX-License-Identifier: Apache-2.0
// The arguments of a call, read from the message itself, each bounded before it is copied: a message may have 128 MiB,
// and a caller need not be allowed anything to send one. What is read is kept while the call waits, and comes back in
// its results: an answer that is larger than a message may be would cost the service its connection.
#pragma once

#include <sys/types.h>

#include <variant>

#include "base/slow_close.h"
#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

// The a{sv} at the end of a call. No option has another type: monostate is for what the method refuses by its name.
using Options = std::map<std::string, std::variant<bool, std::string, std::shared_ptr<CallerFd>, std::monostate>>;

// Each function reads the next argument, and throws InvalidArgs if it is not what is expected.
class ArgumentReader {
public:
    // The message must outlive it. `owner`: whose its descriptors are; SlowClose::kNobody if that is not known yet.
    ArgumentReader(sd_bus_message* message, uid_t owner) : message_{message}, owner_{owner} {}

    // At most 256 KiB, else InvalidArgs.
    void read(std::string& text);
    // At most 4096 (as many as mounts by default), with 256 KiB in all, else LimitsExceeded.
    void read(std::vector<std::string>& items);
    void read(CallerFd& fd);
    // At most 16, each once, a text at most as long as a path may be, else InvalidArgs naming the key. The last
    // argument: nothing is read of a value of another type, nor behind it.
    void read(Options& options);

    // What the arguments read so far make us keep while the call waits, about: their text, and what becomes of an item.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    // The next string, inside the message; nullptr at the end of an array.
    [[nodiscard]] const char* text();
    // False for another type.
    [[nodiscard]] bool readEntry(Options& options);

    sd_bus_message* message_;
    uid_t owner_;
    std::size_t bytes_ = 0;
};

template <typename T>
inline constexpr const char* kSignatureOf = nullptr;
template <>
inline constexpr const char* kSignatureOf<std::string> = "s";
template <>
inline constexpr const char* kSignatureOf<std::vector<std::string>> = "as";
template <>
inline constexpr const char* kSignatureOf<CallerFd> = "h";
template <>
inline constexpr const char* kSignatureOf<Options> = "a{sv}";

}  // namespace northstar::bus
