// SPDX-License-Identifier: Apache-2.0
// All that is wrong in a configuration, said at once.
#pragma once

#include "base/error.h"
#include "base/std.h"

namespace northstar {

// Where something stands. Text: "FILE:LINE:COLUMN".
struct Place {
    std::size_t layer = 0;               // how many files were read before this one
    std::string file;                    // empty: in none, a default
    std::uint32_t line = 0, column = 0;  // from 1, columns in characters; 0: the file as a whole

    [[nodiscard]] std::string text() const;
};

// One line for each problem. what() has those that fit into a message together.
class ConfigError : public Error {
public:
    explicit ConfigError(std::vector<std::string> lines);
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return *lines_; }

private:
    std::shared_ptr<const std::vector<std::string>> lines_;  // an exception is copied without throwing
};

class Problems {
public:
    // The most that are kept; of more only the number.
    static constexpr std::size_t kMost = 1000;

    void add(const Place& place, const std::string& what);
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    // In the order in which the files are read, and from top to bottom in each.
    [[nodiscard]] std::vector<std::string> lines() const;
    // Throws ConfigError unless there is none.
    void refuse() const;

private:
    std::vector<std::pair<Place, std::string>> all_;
    std::size_t more_ = 0;
};

}  // namespace northstar
