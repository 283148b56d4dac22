// SPDX-License-Identifier: Apache-2.0
#include "npk/passphrase.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "package/key_file.h"

namespace northstar::npk {
namespace {

constexpr std::size_t kMaxPassphrase = 1000;  // OpenSSL takes 1024 bytes (PEM_BUFSIZE)

// The terminal without an echo, for as long as it is there.
class Silence {
public:
    explicit Silence(int terminal) : terminal_{terminal} {
        silent_ = ::tcgetattr(terminal, &before_) == 0;
        termios now = before_;
        now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        now.c_lflag |= ECHONL;
        if (silent_) ::tcsetattr(terminal, TCSAFLUSH, &now);
    }
    ~Silence() {
        if (silent_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    int terminal_;
    termios before_{};
    bool silent_ = false;
};

void check(const std::string& passphrase) {
    if (passphrase.empty()) throw Error{Code::Failed, "the passphrase is empty"};
    if (passphrase.size() > kMaxPassphrase) throw Error{Code::Failed, "the passphrase is longer than 1000 bytes"};
}

// Ctrl-C does not end the waiting by itself: the signal goes to another thread.
std::string readLine(int terminal, const std::stop_token& stop) {
    constexpr int kLookMs = 100;
    std::string line;
    for (char c = 0; line.size() <= kMaxPassphrase;) {
        pollfd wanted{terminal, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, kLookMs);
        if (stop.stop_requested()) throw Error{Code::Failed, "Interrupted"};
        if (ready <= 0) continue;
        const ssize_t got = ::read(terminal, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || c == '\n') break;
        line += c;
    }
    return line;
}

void say(int terminal, const std::string& text) {
    [[maybe_unused]] const ssize_t written = ::write(terminal, text.data(), text.size());
}

std::string askAtTerminal(const std::string& forWhat, const std::stop_token& stop, bool isNew) {
    UniqueFd terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
    // In a container that has no such node.
    if (!terminal && ::isatty(STDIN_FILENO) == 1) terminal = duplicateFd(STDIN_FILENO);
    if (!terminal) throw Error{Code::Failed, "a passphrase is needed, and there is no terminal: use --passphrase-file"};
    const Silence silence{terminal.get()};
    say(terminal.get(), "Passphrase of " + printable(forWhat) + ": ");
    std::string passphrase = readLine(terminal.get(), stop);
    check(passphrase);
    if (!isNew) return passphrase;
    say(terminal.get(), "The same again: ");
    if (readLine(terminal.get(), stop) != passphrase) throw Error{Code::Failed, "the two passphrases differ"};
    return passphrase;
}

}  // namespace

AskPassphrase passphraseFrom(const std::string& file, const std::string& forWhat, const std::stop_token& stop,
                             bool isNew) {
    return [file, forWhat, stop, isNew] {
        if (file.empty()) return askAtTerminal(forWhat, stop, isNew);
        std::string text = readSmallFile(file, "Cannot read the passphrase file");
        text.resize(std::min(text.find_first_of("\r\n"), text.size()));
        check(text);
        return text;
    };
}

}  // namespace northstar::npk
