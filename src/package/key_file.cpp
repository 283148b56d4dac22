// SPDX-License-Identifier: Apache-2.0
#include "package/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "package/bytes.h"

namespace northstar {
namespace {

constexpr std::size_t kMaxFile = 65536;  // ours: a key in PEM has about 300 bytes

[[noreturn]] void refuse(const std::string& what, const std::string& path, const std::string& why) {
    throw Error{Code::Failed, what + " " + printable(path) + ": " + why};
}

template <typename Parse>
auto load(const char* what, const std::string& path, Parse parse) {
    const std::string text = readSmallFile(path, what);
    try {
        return parse(text);
    } catch (const Error& error) {
        refuse(what, path, error.what());
    }
}

}  // namespace

std::string readSmallFile(const std::string& path, const std::string& what) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!fd) throwErrno(Code::Failed, what + " " + printable(path), errno);
    std::string text(kMaxFile + 1, '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + done, text.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throwErrno(Code::Failed, what + " " + printable(path), errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    if (done > kMaxFile) refuse(what, path, "it is larger than 64 KiB");
    text.resize(done);
    return text;
}

PublicKey loadAnyPublicKey(const std::string& path) { return load("Cannot use the public key", path, parsePublicKey); }

SigningKey loadSigningKey(const std::string& path, const AskPassphrase& ask) {
    return load("Cannot use the secret key", path,
                [&](const std::string& text) { return SigningKey::parse(text, ask); });
}

void writeNewFile(const std::string& path, std::string_view content, unsigned mode) {
    const std::string what = "Cannot write " + printable(path);
    const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!fd && errno == EEXIST) throw Error{Code::Failed, what + ": it is there already; choose another name"};
    if (!fd) throwErrno(Code::Failed, what, errno);
    try {
        writeAt(fd.get(), 0, {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}, what);
        if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0) throwErrno(Code::Failed, what, errno);
    } catch (const Error&) {
        ::unlink(path.c_str());
        throw;
    }
}

}  // namespace northstar
