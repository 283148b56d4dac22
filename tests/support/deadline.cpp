// SPDX-License-Identifier: Apache-2.0
// Part of every program of gtests: a test that takes too long, because it waits for what will never happen, ends the
// program and is named. By a timer and a signal: a thread would keep tests from entering namespaces.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// Ten times what the slowest test takes on a slow machine; sanitizers take several times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned kSeconds = 240;
#else
constexpr unsigned kSeconds = 90;
#endif

std::string* running = new std::string;  // what the handler writes; never changed while the timer runs

void tooLong(int) {
    static_cast<void>(!write(STDOUT_FILENO, running->data(), running->size()));
    abort();
}

// $NORTHSTAR_TEST_SECONDS instead: under valgrind, say.
unsigned seconds() {
    const char* given = std::getenv("NORTHSTAR_TEST_SECONDS");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : kSeconds;
}

class Deadline : public testing::EmptyTestEventListener {
    void OnTestStart(const testing::TestInfo& test) override {
        *running = std::string{"[  FAILED  ] "} + test.test_suite_name() + "." + test.name() + " (" +
                   std::to_string(seconds() * 1000) + " ms)\nIt waits for what does not happen: that is its limit.\n";
        signal(SIGALRM, tooLong);
        alarm(seconds());
    }
    void OnTestEnd(const testing::TestInfo&) override { alarm(0); }
};

const auto* const kDeadline = [] {
    auto* deadline = new Deadline;
    testing::UnitTest::GetInstance()->listeners().Append(deadline);
    return deadline;
}();

}  // namespace
