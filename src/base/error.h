// SPDX-License-Identifier: Apache-2.0
// The one error type of the project: a code that a caller can act on and a line that a person can act on.
#pragma once

#include <stdexcept>

#include "base/std.h"

namespace northstar {

// What went wrong, as the bus interface names it (src/bus maps each code to one D-Bus error name).
enum class Code {
    NoSuchContainer,
    NoSuchRepository,
    NotMounted,
    AlreadyMounted,
    AlreadyInstalled,
    Busy,
    InvalidPackage,
    InvalidSignature,
    Unsupported,
    Corrupted,
    DeviceUnavailable,
    Timeout,
    CapacityExceeded,
    Failed,
    InvalidArgs,
    AccessDenied,
    InteractiveAuthorizationRequired,
    LimitsExceeded,
};

// The message is one line: what was tried on what, why it failed and, where known, what to do.
class Error : public std::runtime_error {
public:
    Error(Code code, const std::string& message) : std::runtime_error{message}, code_{code} {}
    [[nodiscard]] Code code() const noexcept { return code_; }

private:
    Code code_;
};

// Is it an Error with this code?
[[nodiscard]] bool hasCode(const std::exception_ptr& failure, Code code);

// "No such file or directory (ENOENT)": text and symbol of an errno value. Thread-safe.
[[nodiscard]] std::string errnoText(int error);

// Throws Error{code, "<what>: <errnoText(error)>"}.
[[noreturn]] void throwErrno(Code code, const std::string& what, int error);

// One printable line of bounded length from text that somebody else wrote (a package, a caller): what hasControls()
// tells of (utf8.h) and bytes that are not UTF-8 become '?', and what is longer than 200 bytes is cut with "...".
[[nodiscard]] std::string printable(const std::string& text);

}  // namespace northstar
