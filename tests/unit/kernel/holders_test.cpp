// SPDX-License-Identifier: Apache-2.0
// Who keeps a filesystem busy, read from a /proc that the test made.
#include "kernel/linux/holders.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "support/temporary_directory.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class Holders : public testing::Test {
protected:
    Holders() {
        struct stat status{};
        stat(proc_.path().c_str(), &status);
        device_ = status.st_dev;
        fs::create_directory(proc_ / "not-a-process");
    }
    // A process that holds nothing: all its links lead to the real /proc.
    std::string process(const std::string& pid) const {
        fs::create_directories(proc_ / (pid + "/fd"));
        for (const char* link : {"/cwd", "/root", "/exe", "/fd/3"}) fs::create_symlink("/proc", proc_ / (pid + link));
        proc_.write(pid + "/comm", "name" + pid + "\n");
        return pid;
    }
    void hold(const std::string& pid, const std::string& link) const {
        fs::remove(proc_ / (pid + link));
        fs::create_symlink(proc_.path(), proc_ / (pid + link));
    }
    void map(const std::string& pid) const {
        std::ostringstream line;
        line << "7f00-7f01 r--p 00000000 " << std::hex << major(device_) << ":" << minor(device_) << " 12 /mapped/by/"
             << pid;
        proc_.write(pid + "/maps", line.str() + "\n");
    }
    std::vector<std::string> found(std::size_t most = 5, std::chrono::milliseconds budget = 5s) const {
        std::vector<std::string> all;
        for (const auto& holder : findHolders(device_, most, budget, proc_.path())) {
            all.push_back(holder.name + " " + holder.path);
        }
        std::sort(all.begin(), all.end());
        return all;
    }

    TemporaryDirectory proc_;
    dev_t device_ = 0;
};

TEST_F(Holders, AreFoundByDirectoryProgramOrDescriptorAndNamedOnce) {
    int pid = 100;
    for (const char* link : {"/cwd", "/root", "/exe", "/fd/3"}) hold(process(std::to_string(++pid)), link);
    hold("101", "/root");
    process("200");
    const std::string path = " " + proc_.path();
    EXPECT_EQ(found(),
              (std::vector<std::string>{"name101" + path, "name102" + path, "name103" + path, "name104" + path}));
    EXPECT_EQ(found(1), std::vector<std::string>{"name104" + path});  // the youngest process
}

TEST_F(Holders, MappingsCountOnlyIfNothingElseDoes) {
    map(process("101"));
    process("102");
    EXPECT_EQ(found(), std::vector<std::string>{"name101 /mapped/by/101"});
    hold("102", "/cwd");
    EXPECT_EQ(found(), std::vector<std::string>{"name102 " + proc_.path()});
}

TEST_F(Holders, TheSearchEndsWithItsTime) {
    hold(process("101"), "/cwd");
    EXPECT_TRUE(found(5, 0ms).empty());
    EXPECT_EQ(found().size(), 1U);
}

}  // namespace
}  // namespace northstar::test
