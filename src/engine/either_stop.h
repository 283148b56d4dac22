// SPDX-License-Identifier: Apache-2.0
// A stop token that fires when either of two does: long work is given up when its caller leaves or the service stops.
#pragma once

#include <stop_token>

#include "base/std.h"

namespace northstar {

class EitherStop {
public:
    EitherStop(const std::stop_token& first, const std::stop_token& second)
        : first_{first, [this] { either_.request_stop(); }}, second_{second, [this] { either_.request_stop(); }} {}
    EitherStop(const EitherStop&) = delete;
    EitherStop& operator=(const EitherStop&) = delete;

    [[nodiscard]] std::stop_token token() const { return either_.get_token(); }

private:
    std::stop_source either_;
    std::stop_callback<std::function<void()>> first_, second_;
};

}  // namespace northstar
