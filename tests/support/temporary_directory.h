// SPDX-License-Identifier: Apache-2.0
// A directory that goes with the test.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace northstar::test {

class TemporaryDirectory {
public:
    TemporaryDirectory() : path_{std::filesystem::temp_directory_path() / "northstar-test-XXXXXX"} {
        if (mkdtemp(path_.data()) == nullptr) throw std::system_error{errno, std::generic_category(), path_};
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

    // Writes a file that its owner alone may change, whatever the umask, and returns its path.
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{*this / name, std::ios::binary} << text;
        std::error_code ignored;  // a device, or what could not be written
        std::filesystem::permissions(*this / name, std::filesystem::perms{0644}, ignored);
        return *this / name;
    }

private:
    std::string path_;
};

}  // namespace northstar::test
