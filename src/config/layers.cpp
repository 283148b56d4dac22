// SPDX-License-Identifier: Apache-2.0
#include "config/layers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/own_file.h"
#include "base/path.h"
#include "base/unique_fd.h"
#include "config/folders.h"

namespace northstar {
namespace {

constexpr const char* kName = "mounter.toml";

// null(4).
bool isDevNull(int fd) {
    struct stat status{};
    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

std::string readAll(int fd, const std::string& what) {
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t got = read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throwErrno(Code::Failed, what, errno);
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

class LayerReader {
public:
    explicit LayerReader(Problems& problems) : problems_{problems} {}

    // nullopt without one.
    std::optional<UniqueFd> folder(const std::string& path) {
        UniqueFd fd{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        const int failure = fd ? 0 : errno;
        if (failure == ENOENT) return std::nullopt;
        const bool good = attempt(path, [&](const std::string& what) {
            if (failure != 0) throwErrno(Code::Failed, what, failure);
            requireOwnDirectory(fd.get(), what, path);
        });
        return good ? std::optional{std::move(fd)} : std::nullopt;
    }

    // The names of drop-ins. A folder that cannot be listed has none.
    std::vector<std::string> dropIns(int folder, const std::string& path) {
        std::vector<std::string> names;
        attempt(path, [&](const std::string&) { names = namesIn(folder, path); });
        std::erase_if(names, [](const auto& name) { return name.starts_with('.') || !name.ends_with(".toml"); });
        return names;
    }

    // `masks`: /dev/null is no problem.
    void file(int folder, const std::string& name, const std::string& path, bool masks) {
        attempt(path, [&](const std::string& what) {
            // O_NONBLOCK: a FIFO in its place must not hold the service up.
            const UniqueFd fd{openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
            if (!fd) throwErrno(Code::Failed, what, errno);
            if (masks && isDevNull(fd.get())) return;
            requireOwnFile(fd.get(), what, path);
            result_.files.push_back({path, readAll(fd.get(), what)});
        });
    }

    ConfigFiles result() { return std::move(result_); }

private:
    template <typename Step>
    bool attempt(const std::string& path, const Step& step) {
        try {
            step(path + ": cannot read the configuration");
            return true;
        } catch (const Error& error) {
            Place before;  // in no file: the message begins with the path
            before.layer = result_.files.size();
            problems_.add(before, error.what());
            result_.complete = false;
            return false;
        }
    }

    Problems& problems_;
    ConfigFiles result_;
};

// A link that leads nowhere is there, too, and hides nothing by mistake: it cannot be read.
bool has(int folder, const char* name) {
    struct stat status{};
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

void readLayers(LayerReader& reader, const std::string& root) {
    struct DropIn {
        int folder;
        std::string path;
    };
    std::vector<UniqueFd> open;
    std::map<std::string, DropIn> dropIns;  // bytewise by name
    bool found = false;
    for (const char* layer : {kAdministratorFolder, kVendorFolder}) {  // what comes first hides
        const std::string path = root + layer;
        const auto folder = reader.folder(path);
        if (!folder) continue;
        if (!found && has(folder->get(), kName)) {
            reader.file(folder->get(), kName, path + "/" + kName, true);
            found = true;
        }
        const std::string directory = path + "/" + kName + ".d";
        auto inside = reader.folder(directory);
        if (!inside) continue;
        for (const auto& name : reader.dropIns(inside->get(), directory)) {
            dropIns.emplace(name, DropIn{inside->get(), directory + "/" + printable(name)});
        }
        open.push_back(std::move(*inside));
    }
    for (const auto& [name, dropIn] : dropIns) reader.file(dropIn.folder, name, dropIn.path, true);
}

}  // namespace

ConfigFiles readConfigFiles(const ConfigSource& source, Problems& problems) {
    LayerReader reader{problems};
    if (source.file) {
        reader.file(AT_FDCWD, *source.file, *source.file, false);
    } else {
        readLayers(reader, source.root);
    }
    return reader.result();
}

}  // namespace northstar
