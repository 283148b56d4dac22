// SPDX-License-Identifier: Apache-2.0
// Asserts on errors: the code that a caller acts on, and a part of the message that a person acts on.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace northstar::test {

template <typename Action>
void expectError(Code code, const std::string& part, Action&& action) {
    try {
        action();
        ADD_FAILURE() << "nothing was thrown, expected an error with: " << part;
    } catch (const Error& error) {
        EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
        EXPECT_NE(std::string{error.what()}.find(part), std::string::npos) << error.what() << "\nlacks: " << part;
        EXPECT_EQ(std::string{error.what()}.find('\n'), std::string::npos) << "not one line: " << error.what();
    }
}

}  // namespace northstar::test
