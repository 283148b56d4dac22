// SPDX-License-Identifier: Apache-2.0
#include "kernel/linux/uevents.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace northstar {
namespace {

constexpr unsigned kKernelGroup = 1;         // 2 is udev's
constexpr int kReceiveBuffer = 1024 * 1024;  // bytes, if net.core.rmem_max allows it; about a thousand events
constexpr std::size_t kMaxMessage = 8192;    // the kernel's are at most 2 KiB and a path (UEVENT_BUFFER_SIZE)

std::optional<std::uint64_t> number(std::string_view text) { return parseNumber<std::uint64_t>(text); }

class UeventWatch : public CorruptionWatch {
public:
    explicit UeventWatch(UniqueFd socket) : socket_{std::move(socket)} {}
    [[nodiscard]] int fd() const override { return socket_.get(); }

    CorruptionEvents read(std::size_t most) override {
        CorruptionEvents found;
        // Other devices' events count too, so that a flood of them does not keep the caller here.
        for (std::size_t i = 0; i < 256 && found.blocks.size() < most; ++i) {
            const ssize_t length = receive();
            if (length < 0 && errno == ENOBUFS) found.lost = true;  // netlink(7): the socket's buffer was full
            if (length < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
            if (length < 0) break;
            const auto event = parseCorruption({buffer_.data(), static_cast<std::size_t>(length)});
            if (event) found.blocks.push_back(*event);
        }
        return found;
    }

private:
    // Length of a message from the kernel, 0 for any other one, -1 and errno.
    ssize_t receive() {
        sockaddr_nl sender{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        iovec data{buffer_.data(), buffer_.size()};
        msghdr message{&sender, sizeof sender, &data, 1, control.data(), control.size(), 0};
        const ssize_t length = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (length < 0) return -1;
        const bool whole = (message.msg_flags & MSG_TRUNC) == 0;
        return whole && sender.nl_pid == 0 && sender.nl_groups == kKernelGroup && fromRoot(message) ? length : 0;
    }

    static bool fromRoot(msghdr& message) {
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS) return false;
        return reinterpret_cast<const ucred*>(CMSG_DATA(header))->uid == 0;
    }

    UniqueFd socket_;
    std::array<char, kMaxMessage> buffer_{};
};

}  // namespace

std::optional<Corruption> parseCorruption(std::span<const char> message) {
    std::string_view rest{message.data(), message.size()};
    std::optional<std::uint64_t> major, minor, sequence, type, block;
    bool isBlockDevice = false, first = true;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\0');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (std::exchange(first, false)) {
            if (line.find('@') == std::string_view::npos) return std::nullopt;  // udev's, or no uevent
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view key = line.substr(0, equals), value = line.substr(equals + 1);
        if (key == "SUBSYSTEM") isBlockDevice = value == "block";
        if (key == "MAJOR") major = number(value);
        if (key == "MINOR") minor = number(value);
        if (key == "DISKSEQ") sequence = number(value);
        if (key == "DM_VERITY_ERR_BLOCK_NR") {
            const std::size_t comma = value.find(',');
            if (comma == std::string_view::npos) return std::nullopt;
            type = number(value.substr(0, comma));
            block = number(value.substr(comma + 1));
        }
    }
    // Types: 0 data, 1 metadata (kernel: dm-verity.h, enum verity_block_type).
    if (!isBlockDevice || !major || !minor || !type || !block || *type > 1) return std::nullopt;
    if (*major > 0xfff || *minor > 0xfffff) return std::nullopt;
    const dev_t device = makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor));
    return Corruption{device, sequence.value_or(0), *type == 1, *block};
}

std::unique_ptr<CorruptionWatch> watchUevents() {
    UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)};
    if (!socket) throwErrno(Code::Failed, "opening a uevent socket", errno);
    const int on = 1;
    const sockaddr_nl address{AF_NETLINK, 0, 0, kKernelGroup};
    // SO_RCVBUFFORCE may exceed the system's limit and needs CAP_NET_ADMIN; the plain one is the next best.
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    }
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throwErrno(Code::Failed, "listening for uevents", errno);
    }
    return std::make_unique<UeventWatch>(std::move(socket));
}

}  // namespace northstar
