// SPDX-License-Identifier: Apache-2.0
// northstarctl as a user runs it, against the daemon on a private bus.
//   other   verified, empty, 1 MB and two containers at most
#pragma once

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "bus_test.h"
#include "support/paths.h"
#include "support/process.h"

namespace northstar::test {

// As in northstarctl(1).
enum Status { kDone, kFailed, kUsage, kNotFound, kDenied, kBusy, kInvalid, kUnsupported, kUnreachable };

class CliTest : public BusTest {
protected:
    using Json = nlohmann::json;

    CliTest() {
        configure("", "[repositories.other]\ndir = \"" + directory_ / "other" + "\"\nkeys = [\"" +
                          dataPath("keys/golden.pub") + "\"]\ncapacity = \"1MB\"\nmax_containers = 2\n");
    }

    // Runs it to its end; what it prints, errors included, is in text_.
    int run(std::vector<std::string> arguments) {
        client();
        arguments.insert(arguments.begin(), {kCtlBinary, "--bus", bus_.address()});
        return runAny(arguments);
    }
    int runAny(const std::vector<std::string>& argv) {
        Process process{argv};
        text_ = process.readAll();
        return process.wait().value_or(-1);
    }
    // With --json: what it prints is in json_, and its errors are in text_.
    int runJson(std::vector<std::string> arguments) {
        client();
        const std::string output = directory_ / "stdout";
        arguments.insert(arguments.begin(), {"sh", "-c", "out=$1; shift; exec \"$@\" >\"$out\"", "sh", output,
                                             kCtlBinary, "--bus", bus_.address(), "--json"});
        const int status = runAny(arguments);
        std::ifstream file{output};
        json_ = Json::parse(file, nullptr, false);
        return status;
    }
    // It fails with this status and one line that has this in it.
    testing::AssertionResult fails(int status, const std::string& part, const std::vector<std::string>& arguments) {
        const int got = run(arguments);
        if (got != status || text_.find(part) == std::string::npos || std::ranges::count(text_, '\n') != 1) {
            return testing::AssertionFailure() << "status " << got << ": " << text_;
        }
        return testing::AssertionSuccess();
    }
    [[nodiscard]] bool shows(const std::string& pattern) const { return std::regex_search(text_, std::regex{pattern}); }

    std::string text_;
    Json json_;
};

}  // namespace northstar::test
