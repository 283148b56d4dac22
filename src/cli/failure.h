// SPDX-License-Identifier: Apache-2.0
// What went wrong, as it is told: a name, a line and an exit status. Commands throw northstar::Error for what they find
// themselves and sdbus::Error for what the service or the bus refuses; both become a Failure here, once.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::cli {

// The exit status of northstarctl, as northstarctl(1) lists it.
enum class Exit { Done, Failed, Usage, NotFound, Denied, Busy, Invalid, Unsupported, Unreachable };

struct Failure {
    std::string name;     // "Busy": the D-Bus error name without what all of them begin with
    std::string message;  // one line
    Exit status = Exit::Failed;
};

// errorName: the whole D-Bus error name. What the message says of D-Bus methods becomes the command that calls them.
[[nodiscard]] Failure failureOf(const std::string& errorName, const std::string& message);
[[nodiscard]] Failure failureOf(const std::exception& error);

// {"name": ..., "message": ..., "status": ...}
[[nodiscard]] nlohmann::ordered_json toJson(const Failure& failure);

// Errors of our own that the service has no name for.
[[nodiscard]] sdbus::Error usageError(const std::string& message);
// Of a file: FileNotFound, AccessDenied or Failed, with "<what>: <text of the errno value>".
[[nodiscard]] sdbus::Error fileError(const std::string& what, int error);

// Tells of failures on standard error as they come, and remembers the first.
class Reporter {
public:
    explicit Reporter(bool json) : json_{json} {}
    void tell(const Failure& failure);
    // The line that it is told by, with its end.
    [[nodiscard]] static std::string lineOf(const Failure& failure, bool json);
    [[nodiscard]] Exit status() const noexcept { return status_; }  // of the first; Done without one

private:
    bool json_;
    Exit status_ = Exit::Done;
};

}  // namespace northstar::cli
