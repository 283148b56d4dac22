// SPDX-License-Identifier: Apache-2.0
// Runs a program and makes system calls of it fail: each one that the table names is held by the kernel until this
// process says what becomes of it (seccomp_unotify(2), Linux 5.5; nothing of it depends on the architecture).
//
// usage: fail-calls --table           the calls and their errors, one line a call: NAME[:WHAT] 0|1 (at random) ERROR...
//        fail-calls --first COMMAND PROGRAM [ARGUMENT...]
//
// COMMAND is in effect from the program's umask(2) on, which it does once at its start. Further ones come from standard
// input, one a line; each is answered by a line "done", after what it tells.
//   off                       no call fails. Tells "site SITE COUNT" for what was called since the last command in the
//                             order of their first calls, "hit SITE ERROR" for each that was made to fail.
//   record                    no call fails, they are counted.
//   fail SITE ORDINAL ERROR   the ORDINAL-th call (1 is the first) of that site fails with that errno value.
//   lasting SITE ORDINAL ERROR  and every call of that site after it.
//   random PERMILLE SEED      so many of a thousand calls fail, with an error of the table.
// SITE is NAME:WHAT, with numbers and random names in WHAT made equal. At the start "pid N" is told, and at the end
// "ended STATUS", 128 + N after signal N. When standard input ends the program is killed.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "model/call_table.h"
#include "model/fail_plan.h"

namespace northstar::test {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error{errno, std::generic_category(), what}; }

// What the child tells its parent, in memory that both have: a message would be a system call.
struct Handover {
    std::atomic<int> listener{-1};  // descriptor in the child; -2: there is none, see error
    std::atomic<int> error{0};
    std::atomic<bool> taken{false};
};

// The calls of the table, and umask(2), are notified; all others are as ever.
std::vector<sock_filter> makeFilter() {
    std::vector<long> numbers{SYS_umask};
    for (const FailingCall& call : failingCalls()) numbers.push_back(call.number);
    std::vector<sock_filter> filter{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    for (const long number : numbers) {
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return filter;
}

[[noreturn]] void runProgram(char** argv, Handover& handover, std::vector<sock_filter> filter, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    // From here to the exec no call of the table: nobody would answer it.
    const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) handover.error = errno;
    handover.listener = listener < 0 ? -2 : static_cast<int>(listener);
    if (listener < 0) _exit(126);
    while (!handover.taken) sched_yield();
    execv(argv[0], argv);
    _exit(127);
}

class Supervisor {
public:
    Supervisor(char** argv, std::string first) : first_{std::move(first)} {
        void* shared = mmap(nullptr, sizeof(Handover), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) fail("mmap");
        auto& handover = *new (shared) Handover;
        const std::vector<sock_filter> filter = makeFilter();
        const pid_t parent = getpid();
        pid_ = fork();
        if (pid_ < 0) fail("fork");
        if (pid_ == 0) runProgram(argv, handover, filter, parent);
        process_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
        while (handover.listener == -1) sched_yield();
        if (handover.listener == -2) {
            errno = handover.error;
            fail("no seccomp user notification here (it needs Linux 5.6, root, and no other one around this)");
        }
        listener_.reset(static_cast<int>(syscall(SYS_pidfd_getfd, process_.get(), handover.listener.load(), 0)));
        if (!listener_) fail("pidfd_getfd");
        handover.taken = true;
        std::cout << "pid " << pid_ << std::endl;
    }

    int run(const Reader& reader) {
        for (bool input = true;;) {
            pollfd fds[] = {{process_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}, {input ? 0 : -1, POLLIN, 0}};
            if (poll(fds, 3, -1) < 0 && errno != EINTR) fail("poll");
            if ((fds[1].revents & POLLIN) != 0) answerOne(reader);
            if (fds[2].revents != 0 && !readCommands()) {
                input = false;
                kill(pid_, SIGKILL);
            }
            if (fds[0].revents != 0) return end();
        }
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    void answerOne(const Reader& reader) {
        seccomp_notif asked{};
        if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;  // the thread is gone
        int error = 0;
        const auto thread = static_cast<pid_t>(asked.pid);
        if (asked.data.nr == SYS_umask) {
            if (!first_.empty()) plan_.command(std::exchange(first_, {}));
        } else if (const FailingCall* call = findCall(asked.data.nr)) {
            error = plan_.judge(*call, asked.data, thread, reader);
        }
        seccomp_notif_resp answer{};
        answer.id = asked.id;
        answer.error = -error;
        answer.flags = error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0U;
        ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }

    // False at the end of the input.
    bool readCommands() {
        char piece[4096];
        const ssize_t got = read(0, piece, sizeof piece);
        if (got <= 0) return false;
        input_.append(piece, static_cast<std::size_t>(got));
        for (std::size_t end = 0; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1)) {
            plan_.command(input_.substr(0, end));
            std::cout << "done" << std::endl;
        }
        return true;
    }

    int end() {
        int status = 0;
        waitpid(pid_, &status, 0);
        plan_.command("off");
        std::cout << "ended " << (WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)) << std::endl;
        return 0;
    }

    std::string first_;  // command
    pid_t pid_ = -1;
    UniqueFd process_;
    UniqueFd listener_;
    Plan plan_;
    std::string input_;
};

void printTable() {
    const auto print = [](const std::string& name, bool atRandom, const std::vector<int>& errors) {
        std::cout << name << ' ' << atRandom;
        for (const int error : errors) std::cout << ' ' << strerrorname_np(error);
        std::cout << '\n';
    };
    for (const FailingCall& call : failingCalls()) print(call.name, call.atRandom, call.errors);
    for (const auto& [site, errors] : specialErrors()) print(site, true, errors);
}

int runMain(int argc, char** argv) {
    if (argc == 2 && std::string{argv[1]} == "--table") {
        printTable();
        return 0;
    }
    if (argc < 4 || std::string{argv[1]} != "--first") {
        std::cerr << "usage: fail-calls --table | --first COMMAND PROGRAM [ARGUMENT...]\n";
        return 2;
    }
    const char* strip = getenv("FAIL_CALLS_STRIP");  // a directory, shown as ~
    Supervisor supervisor{argv + 3, argv[2]};
    return supervisor.run(Reader{supervisor.pid(), strip != nullptr ? strip : ""});
}

}  // namespace
}  // namespace northstar::test

int main(int argc, char** argv) {
    try {
        return northstar::test::runMain(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "fail-calls: " << error.what() << '\n';
        return 1;
    }
}
