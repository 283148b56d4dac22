// SPDX-License-Identifier: Apache-2.0
// Children of tests.
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace northstar::test {

using Clock = std::chrono::steady_clock;

Process::Process(const std::vector<std::string>& argv) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
    output_.reset(ends[0]);
    const UniqueFd write{ends[1]};
    std::vector<std::string> copies = argv;
    std::vector<char*> args;
    for (auto& copy : copies) args.push_back(copy.data());
    args.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, write.get(), STDERR_FILENO);
    const int failure = posix_spawnp(&pid_, args[0], &actions, nullptr, args.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) throw std::runtime_error{"cannot start " + argv[0]};
}

Process::~Process() {
    if (status_) return;
    kill(pid_, SIGTERM);
    if (!wait(std::chrono::seconds{5})) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
}

bool Process::readMore(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wanted{output_.get(), POLLIN, 0};
    if (left <= 0 || poll(&wanted, 1, static_cast<int>(left)) <= 0) return false;
    std::array<char, 4096> buffer{};
    const auto length = read(output_.get(), buffer.data(), buffer.size());
    if (length <= 0) return false;
    text_.append(buffer.data(), static_cast<std::size_t>(length));
    return true;
}

std::string Process::readLine(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (text_.find('\n') == std::string::npos && readMore(deadline)) {}
    const auto end = text_.find('\n');
    const std::string line = text_.substr(0, end);
    text_.erase(0, end == std::string::npos ? end : end + 1);
    return line;
}

std::string Process::readAll(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (readMore(deadline)) {}
    return std::exchange(text_, {});
}

void Process::signal(int number) const { kill(pid_, number); }

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (!status_) {
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) == pid_) {
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (Clock::now() > deadline) {
            return std::nullopt;
        } else {
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
    }
    return status_;
}

}  // namespace northstar::test
