// SPDX-License-Identifier: Apache-2.0
#include "support/traced_process.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace northstar::test {
namespace {

constexpr int kNotTraced = 77;
constexpr int kSystemCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

[[noreturn]] void runChild(const std::function<int()>& action) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNotTraced);
    raise(SIGSTOP);
    int status = 1;
    try {
        status = action();
    } catch (...) {}
    _exit(status);
}

void remember(pid_t child, Trace& trace) {
    struct __ptrace_syscall_info info{};
    const auto size = ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
    if (size > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) trace.calls.push_back(info.entry.nr);
}

}  // namespace

Trace runTraced(const std::function<int()>& action, std::size_t killInsteadOf) {
    Trace trace;
    const pid_t child = fork();
    if (child < 0) return trace;
    if (child == 0) runChild(action);
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return trace;
    trace.possible = ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0;
    bool inside = false;  // a call is told of when it begins and when it ends
    int signal = 0;
    for (std::size_t begun = 0; ptrace(PTRACE_SYSCALL, child, nullptr, signal) == 0;) {
        if (waitpid(child, &status, 0) != child) break;
        if (WIFEXITED(status)) {
            trace.finished = true;
            trace.status = WEXITSTATUS(status);
            return trace;
        }
        if (!WIFSTOPPED(status)) return trace;
        signal = WSTOPSIG(status) == kSystemCallStop ? 0 : WSTOPSIG(status);
        if (signal != 0) continue;
        inside = !inside;
        if (!inside) continue;
        remember(child, trace);
        if (begun++ != killInsteadOf) continue;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return trace;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return trace;
}

}  // namespace northstar::test
