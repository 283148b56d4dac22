// SPDX-License-Identifier: Apache-2.0
#include "cli/agent.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/std.h"
#include "base/unique_fd.h"

namespace northstar::cli {
namespace {

constexpr int kStartMs = 5000;  // polkit may have to be started first

// In the child: becomes the agent, or ends.
[[noreturn]] void become(int notify, pid_t parent, char* const* arguments) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // whatever becomes of us, no agent stays behind
    if (getppid() != parent) _exit(1);
    fcntl(notify, F_SETFD, 0);
    const int terminal = open("/dev/tty", O_WRONLY | O_CLOEXEC);  // not where results go
    if (terminal >= 0) dup2(terminal, STDOUT_FILENO);
    execvp(arguments[0], arguments);
    _exit(127);
}

}  // namespace

bool Agent::isOfUse() { return geteuid() != 0 && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1; }

Agent::Agent() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
    const UniqueFd ready{ends[0]};
    UniqueFd notify{ends[1]};
    std::string program = "pkttyagent", option = "--notify-fd", number = std::to_string(notify.get()),
                fallback = "--fallback";
    // polkit asks an agent that steps back only in a session of systemd-logind. Elsewhere there is nobody to step back
    // for.
    const bool session = sd_pid_get_session(0, nullptr) >= 0;
    const std::array<char*, 5> arguments{program.data(), option.data(), number.data(),
                                         session ? fallback.data() : nullptr, nullptr};
    const pid_t self = getpid();
    pid_ = fork();
    if (pid_ == 0) become(notify.get(), self, arguments.data());
    notify.reset();
    if (pid_ < 0) return;
    pollfd closed{ready.get(), POLLIN, 0};  // it closes its end when it is registered, or when it ends
    while (poll(&closed, 1, kStartMs) < 0 && errno == EINTR) {}
}

Agent::~Agent() {
    if (pid_ < 0) return;
    kill(pid_, SIGTERM);
    kill(pid_, SIGCONT);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
}

}  // namespace northstar::cli
