// SPDX-License-Identifier: Apache-2.0
#include "support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace northstar::test {

using Clock = std::chrono::steady_clock;

Terminal::Terminal(const std::vector<std::string>& argv, const std::function<void()>& prepare) {
    std::vector<char*> arguments;
    for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const winsize size{24, 80, 0, 0};
    int master = -1;
    pid_ = forkpty(&master, nullptr, nullptr, &size);
    if (pid_ < 0) throw std::system_error{errno, std::generic_category(), "forkpty"};
    if (pid_ == 0) {
        setenv("TERM", "xterm", 1);
        if (prepare) prepare();
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    master_.reset(master);
    fcntl(master, F_SETFD, FD_CLOEXEC);
}

Terminal::~Terminal() {
    if (status_) return;
    kill(pid_, SIGHUP);
    if (!wait(std::chrono::seconds{5})) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
}

void Terminal::type(const std::string& text) const {
    if (write(master_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::system_error{errno, std::generic_category(), "write to a terminal"};
    }
}

bool Terminal::readMore(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wanted{master_.get(), POLLIN, 0};
    if (left <= 0 || poll(&wanted, 1, static_cast<int>(left)) <= 0) return false;
    std::array<char, 4096> buffer{};
    const auto length = read(master_.get(), buffer.data(), buffer.size());  // EIO: nobody has it open any more
    if (length <= 0) return false;
    text_.append(buffer.data(), static_cast<std::size_t>(length));
    return true;
}

const std::string& Terminal::waitFor(const std::string& part, std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (text_.find(part) == std::string::npos && readMore(deadline)) {}
    return text_;
}

std::string Terminal::readAll(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (readMore(deadline)) {}
    return text_;
}

std::optional<int> Terminal::wait(std::chrono::milliseconds timeout) {
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
