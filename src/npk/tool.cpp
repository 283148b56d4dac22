// SPDX-License-Identifier: Apache-2.0
#include "npk/tool.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/unique_fd.h"

namespace northstar::npk {
namespace {

constexpr std::size_t kMaxErrors = 16384;
constexpr int kTickMs = 100;

struct Pipe {
    UniqueFd read, write;

    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throwErrno(Code::Failed, "Cannot make a pipe", errno);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

// A process of ours until it has been waited for.
class Child {
public:
    explicit Child(pid_t pid) : pid_{pid} {}
    ~Child() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_;
};

// Everything that the child needs, made before fork(): after it, in a program with threads, only system calls are safe.
struct Prepared {
    std::vector<char*> arguments, environment;
    int nothing, output, errors, failure, directory;
    const Confinement* confinement;
};

// Returns an errno value if there is no going on.
int becomeTool(const Prepared& prepared) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (::dup2(prepared.nothing, STDIN_FILENO) < 0 || ::dup2(prepared.output, STDOUT_FILENO) < 0 ||
        ::dup2(prepared.errors, STDERR_FILENO) < 0) {
        return errno;
    }
    if (prepared.directory >= 0 && ::fchdir(prepared.directory) != 0) return errno;
    if (prepared.confinement != nullptr) {
        if (const int error = prepared.confinement->enter(); error != 0) return error;
    }
    ::execvpe(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
    return errno;
}

// Ours, with these in the place of those that have their names: "NAME=VALUE".
std::vector<char*> environmentWith(std::vector<std::string>& changed) {
    std::vector<char*> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text{*variable};
        const std::string_view name = text.substr(0, text.find('=') + 1);
        if (std::ranges::none_of(changed, [&](const auto& other) { return other.starts_with(name); })) {
            variables.push_back(*variable);
        }
    }
    for (std::string& variable : changed) variables.push_back(variable.data());
    variables.push_back(nullptr);
    return variables;
}

pid_t start(const Prepared& prepared) {
    const pid_t pid = ::fork();
    if (pid < 0) throwErrno(Code::Failed, "Cannot start a process", errno);
    if (pid != 0) return pid;
    const int error = becomeTool(prepared);
    [[maybe_unused]] const ssize_t told = ::write(prepared.failure, &error, sizeof error);
    ::_exit(127);
}

// Reads what there is; false at the end.
bool take(int fd, const std::function<void(std::string_view)>& use) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    if (use) use({buffer.data(), static_cast<std::size_t>(got)});
    return true;
}

void follow(const Tool& tool, int output, int errors, ToolResult& result) {
    const auto keep = [&result](std::string_view piece) {
        result.errors += piece.substr(0, kMaxErrors - result.errors.size());
    };
    std::array<pollfd, 2> wanted{{{output, POLLIN, 0}, {errors, POLLIN, 0}}};
    while (wanted[0].fd >= 0 || wanted[1].fd >= 0) {
        const int ready = ::poll(wanted.data(), wanted.size(), kTickMs);
        if (tool.stop.stop_requested()) throw Error{Code::Failed, "Interrupted"};
        if (tool.tick) tool.tick();
        if (ready <= 0) continue;
        if (wanted[0].revents != 0 && !take(output, tool.output)) wanted[0].fd = -1;
        if (wanted[1].revents != 0 && !take(errors, keep)) wanted[1].fd = -1;
    }
}

}  // namespace

ToolResult runTool(const Tool& tool) {
    const UniqueFd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!nothing) throwErrno(Code::Failed, "Cannot open /dev/null", errno);
    Pipe output, errors, failure;
    std::vector<std::string> copies = tool.arguments;
    std::vector<std::string> changed = tool.environment;
    changed.emplace_back("LC_ALL=C");  // its messages are looked at
    Prepared prepared{{},
                      environmentWith(changed),
                      nothing.get(),
                      output.write.get(),
                      errors.write.get(),
                      failure.write.get(),
                      tool.directory,
                      tool.confinement};
    for (std::string& copy : copies) prepared.arguments.push_back(copy.data());
    prepared.arguments.push_back(nullptr);
    Child child{start(prepared)};
    for (Pipe* pipe : {&output, &errors, &failure}) pipe->write.reset();
    int error = 0;
    if (::read(failure.read.get(), &error, sizeof error) == sizeof error) {
        const std::string what = "Cannot run " + tool.arguments.front();
        if (error != ENOENT) throwErrno(Code::Failed, what, error);
        throw Error{Code::Failed, what + ": it is not installed; install " + tool.package};
    }
    ToolResult result;
    follow(tool, output.read.get(), errors.read.get(), result);
    result.status = child.wait();
    return result;
}

std::string complaint(const Tool& tool, const ToolResult& result) {
    const std::string_view errors = result.errors;
    const std::size_t begin = std::min(errors.find_first_not_of("\r\n "), errors.size());
    const std::string line{errors.substr(begin, errors.find('\n', begin) - begin)};
    const std::string status = result.status > 128 ? "was ended by signal " + std::to_string(result.status - 128)
                                                   : "failed with status " + std::to_string(result.status);
    return tool.arguments.front() + " " + (line.empty() ? status : "failed: " + printable(line));
}

}  // namespace northstar::npk
