// SPDX-License-Identifier: Apache-2.0
// Somebody who calls, without a bus.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "auth/call.h"

namespace northstar::test {

class TestCaller {
public:
    // `name`: as on a bus; calls of the same name come from the same client.
    explicit TestCaller(uid_t uid, std::string name = ":1.1", bool interactive = true)
        : caller_{std::move(name), uid, interactive} {}

    [[nodiscard]] CallPtr calls(std::string_view method, std::string_view interface = "org.northstar.Mounter") const {
        return std::make_shared<const Call>(Call{caller_, findMethodRule(interface, method), gone_.get_token()});
    }
    void leave() { gone_.request_stop(); }

private:
    Caller caller_;
    std::stop_source gone_;
};

}  // namespace northstar::test
