// SPDX-License-Identifier: Apache-2.0
// A call with any arguments: they are read within their bounds, or refused with an Error in one line. The input says
// how the message is made: what each byte means is in the functions below. What sd-bus does not let into a message does
// not come out of one.
#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "bus/arguments.h"
#include "bus/options.h"
#include "engine/mount_ref.h"
#include "fuzz/memory.h"
#include "fuzz/require.h"

using namespace northstar;
using namespace northstar::bus;

namespace {

// The input, byte by byte; zeros behind its end.
class Feed {
public:
    Feed(const std::uint8_t* data, std::size_t size) : rest_{reinterpret_cast<const char*>(data), size} {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    unsigned byte() {
        if (rest_.empty()) return 0;
        const auto first = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }
    // Up to a NUL.
    std::string text() {
        const std::size_t end = std::min(rest_.find('\0'), rest_.size());
        std::string text{rest_.substr(0, end)};
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return text;
    }
    // As text(), but for 0xff and a byte behind it: that often what came so far, up to more than what is allowed.
    std::string longText() {
        std::string text = this->text();
        const std::size_t mark = text.find('\xff');
        if (mark == std::string::npos) return text;
        const std::size_t times = mark + 1 < text.size() ? static_cast<unsigned char>(text[mark + 1]) * 16U : 1;
        std::string many;
        for (std::size_t i = 0; i < times && many.size() < 300'000; ++i) many += text.substr(0, mark);
        return many;
    }

private:
    std::string_view rest_;
};

// Writes a message; false: sd-bus did not take it.
class Writer {
public:
    Writer(sd_bus_message* message, Feed& feed) : message_{message}, feed_{feed} {}

    bool text() { return basic('s', feed_.longText().c_str()); }
    bool texts() {
        if (!open('a', "s")) return false;
        for (unsigned groups = feed_.byte() % 8; groups > 0; --groups) {
            const unsigned often = feed_.byte();
            const unsigned times = often % 8 == 7 ? often * 16 : often % 8 + 1;  // 4096 are allowed
            const std::string item = feed_.longText();
            if (item.size() * times > 600'000) return false;
            for (unsigned i = 0; i < times; ++i) {
                if (!basic('s', item.c_str())) return false;
            }
        }
        return close();
    }
    bool descriptor() {
        const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        const int fd = file.get();
        return basic('h', &fd);
    }
    bool options() {
        if (!open('a', "{sv}")) return false;
        for (int i = 0; i < 40 && !feed_.empty(); ++i) {
            if (!open('e', "sv") || !basic('s', feed_.longText().c_str()) || !variant() || !close()) return false;
        }
        return close();
    }

private:
    bool variant() {
        static constexpr auto kTypes =
            std::to_array<const char*>({"b", "s", "b", "s", "i", "t", "d", "as", "v", "h", "o", "y", "a{sv}", "(sb)"});
        const std::string type = kTypes[feed_.byte() % kTypes.size()];
        const int flag = static_cast<int>(feed_.byte() % 2);
        const std::uint64_t number = flag != 0 ? UINT64_MAX : 0;
        if (!open('v', type.c_str())) return false;
        bool good = false;
        if (type == "b" || type == "i") {
            good = basic(type[0], &flag);
        } else if (type == "t" || type == "d" || type == "y") {
            good = basic(type[0], &number);
        } else if (type == "s" || type == "o") {
            good = basic(type[0], feed_.longText().c_str());
        } else if (type == "v") {
            good = ++depth_ < 60 && variant();
        } else if (type == "h") {
            good = descriptor();
        } else if (type == "(sb)") {
            good = open('r', "sb") && text() && basic('b', &flag) && close();
        } else {
            good = open('a', type.substr(1).c_str()) && close();
        }
        return good && close();
    }

    bool basic(char type, const void* value) { return sd_bus_message_append_basic(message_, type, value) >= 0; }
    bool open(char type, const char* contents) { return sd_bus_message_open_container(message_, type, contents) >= 0; }
    bool close() { return sd_bus_message_close_container(message_) >= 0; }

    sd_bus_message* message_;
    Feed& feed_;
    int depth_ = 0;
};

// A connection that messages can be made for; nothing is sent.
sd_bus* newBus() {
    std::array<int, 2> ends{};
    sd_bus* bus = nullptr;
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0 && sd_bus_new(&bus) >= 0);
    require(sd_bus_set_fd(bus, ends[0], ends[0]) >= 0 && sd_bus_start(bus) >= 0);
    return bus;
}

using OwnedMessage = std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)>;

OwnedMessage newMessage() {
    static sd_bus* const bus = newBus();
    sd_bus_message* message = nullptr;
    require(sd_bus_message_new_method_call(bus, &message, "a.b", "/", "a.b", "C") >= 0);
    return {message, sd_bus_message_unref};
}

// Runs what may throw an Error that tells the caller what was wrong.
template <typename Action>
void refusesAtMost(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        require(error.code() == Code::InvalidArgs || error.code() == Code::LimitsExceeded);
        require(test::isOneLine(error.what()));
    }
}

void checkText(const std::string& text) {
    require(text.size() <= 256 * 1024);
    const MountRef ref = MountRef::parse(text, "/org/northstar/Mounter/mounts/");
    if (const auto* pattern = std::get_if<ContainerPattern>(&ref.what)) {
        std::string whole = pattern->repository.empty() ? "" : pattern->repository + "/";
        whole += pattern->container.text();
        if (!pattern->versionBegin.empty())
            whole += ":" + pattern->versionBegin.substr(0, pattern->versionBegin.size() - 1);
        require(whole == text);
    }
    if (const auto* point = std::get_if<MountRef::Point>(&ref.what)) {
        require(normalPath(point->path, "It") == point->path && point->path.size() < PATH_MAX);
    }
    if (const auto* error = std::get_if<Error>(&ref.what)) require(test::isOneLine(error->what()));
}

void checkOptions(const Options& options) {
    require(options.size() <= 16);
    for (const MountKind kind : {MountKind::Container, MountKind::File, MountKind::Many}) {
        refusesAtMost([&] {
            const MountRequest request = decodeMountOptions(options, kind);
            require(!request.allowUnverified || kind == MountKind::File);
            require(request.target.empty() || normalPath(request.target, "It") == request.target);
        });
    }
    refusesAtMost([&] { static_cast<void>(decodeUnmountOptions(options)); });
    refusesAtMost([&] { static_cast<void>(decodeRepository(options)); });
    refusesAtMost([&] { refuseOptions(options); });
    static_cast<void>(allowsInteraction(options));
}

void checkRead(sd_bus_message* message, unsigned shape) {
    ArgumentReader reader{message, 65534};
    if (shape == 0) {
        std::string text;
        reader.read(text);
        checkText(text);
    } else if (shape == 1) {
        std::vector<std::string> items;
        reader.read(items);
        require(items.size() <= 4096);
        for (const auto& item : items) checkText(item);
    } else if (shape == 2) {
        CallerFd fd;
        reader.read(fd);
    }
    Options options;
    reader.read(options);
    checkOptions(options);
    require(reader.bytes() <= std::size_t{10} << 20U);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Feed feed{data, size};
    const OwnedMessage message = newMessage();
    Writer writer{message.get(), feed};
    const unsigned shape = feed.byte() % 16;
    // Mostly the argument that is read below; sd-bus lets no other through to a method.
    const unsigned written = shape < 12 ? shape % 4 : feed.byte() % 4;
    if (written == 0 && !writer.text()) return 0;
    if (written == 1 && !writer.texts()) return 0;
    if (written == 2 && !writer.descriptor()) return 0;
    if (!writer.options()) return 0;
    require(sd_bus_message_seal(message.get(), 1, 0) >= 0);
    refusesAtMost([&] { checkRead(message.get(), shape % 4); });
    return 0;
}
