// SPDX-License-Identifier: Apache-2.0
// How far something is, on one line of the terminal that standard error is; nothing where it is none.
#pragma once

#include "base/std.h"

namespace northstar::cli {

class Progress {
public:
    explicit Progress(std::string what);
    // Takes its line away.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::uint64_t done, std::uint64_t total);  // bytes

private:
    std::string what_;
    bool terminal_, shown_ = false;
};

}  // namespace northstar::cli
