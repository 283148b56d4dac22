// SPDX-License-Identifier: Apache-2.0
#include "npk/interrupts.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/std.h"

namespace northstar::npk {
namespace {

sigset_t endingSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action{};
        ::sigaction(number, nullptr, &action);
        if (action.sa_handler != SIG_IGN) sigaddset(&set, number);
    }
    return set;
}

}  // namespace

Interrupts::Interrupts() {
    const sigset_t set = endingSignals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC));
    end_.reset(::eventfd(0, EFD_CLOEXEC));
    if (!signals_ || !end_) throwErrno(Code::Failed, "Cannot wait for signals", errno);
    thread_ = std::jthread{[this] { watch(); }};
}

Interrupts::~Interrupts() { endWatch(); }

// A signal that is pending is still seen, as it is looked at first.
void Interrupts::endWatch() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);  // an eventfd takes it
    thread_.join();
}

void Interrupts::watch() {
    std::array<pollfd, 2> wanted{{{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    while (::poll(wanted.data(), wanted.size(), -1) < 0) {}
    signalfd_siginfo info{};
    if ((wanted[0].revents & POLLIN) == 0 || ::read(signals_.get(), &info, sizeof info) != sizeof info) return;
    signal_ = static_cast<int>(info.ssi_signo);
    stop_.request_stop();
}

// Ctrl-C reaches a tool, too. If that ends first, our own signal is pending at least: wait until it has been seen.
void Interrupts::die() {
    endWatch();
    if (!stop_.stop_requested()) return;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_);
    ::raise(signal_);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace northstar::npk
