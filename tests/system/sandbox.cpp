// SPDX-License-Identifier: Apache-2.0
#include "system/sandbox.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "base/hex.h"

namespace northstar {
namespace {

using namespace std::chrono_literals;

std::string directory;  // of the tmpfs
std::string obstacle;   // why the tests cannot run

// Once for the process, before any test starts a thread: unshare(2) acts on the calling thread and its
// children.
class Sandbox : public testing::Environment {
public:
    void SetUp() override {
        if (::geteuid() != 0) {
            obstacle = "needs root for mounting";
            return;
        }
        std::array<char, 32> name{"/tmp/northstar-system-XXXXXX"};
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory = name.data();
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("northstar-system", directory.c_str(), "tmpfs", 0, "mode=0755") != 0) {
            obstacle = "needs a mount namespace of its own: " + errnoText(errno);
        }
    }

    void TearDown() override {
        if (directory.empty()) return;
        ::umount2(directory.c_str(), MNT_DETACH);
        EXPECT_EQ(::rmdir(directory.c_str()), 0) << errnoText(errno);
    }
};

const auto* const kSandbox = testing::AddGlobalTestEnvironment(new Sandbox);

// What can be read of a file; attributes of a device that is on its way out give errors.
std::string readAll(const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string all;
    std::array<char, 65536> buffer{};
    while (const ssize_t length = ::read(file.get(), buffer.data(), buffer.size())) {
        if (length < 0) break;
        all.append(buffer.data(), static_cast<std::size_t>(length));
    }
    return all;
}

std::string sha256(const std::string& bytes) {
    std::array<std::uint8_t, 32> digest{};
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    return toHex(digest);
}

}  // namespace

const std::string& sandbox() { return directory; }

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

std::string mountInfoLine(const std::string& mountPoint) {
    std::ifstream table{"/proc/self/mountinfo"};
    for (std::string line; std::getline(table, line);) {
        if (line.find(" " + mountPoint + " ") != std::string::npos) return line;
    }
    return "";
}

std::vector<std::string> sandboxLoops() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/block"}) {
        if (readAll(entry.path() / "loop/backing_file").find(directory) == std::string::npos) continue;
        found.push_back("/dev/" + entry.path().filename().string());
    }
    return found;
}

std::vector<std::string> sandboxVerityDevices() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/block"}) {
        const std::string node = entry.path().filename(), name = readAll(entry.path() / "dm/name");
        const bool maybeOurs = name.empty() || name.starts_with("northstar-system-test-");
        if (node.starts_with("dm-") && maybeOurs) found.push_back(node);
    }
    return found;
}

std::string contentDifference(const std::string& at) {
    std::ifstream sums{std::string{std::getenv("NORTHSTAR_TEST_DATA")} + "/SHA256SUMS"};
    std::string difference, sum, file;
    int files = 0;
    for (; sums >> sum >> file; ++files) {
        if (sha256(readAll(at + "/" + file)) != sum) difference += file + " ";
    }
    return files > 0 ? difference : "SHA256SUMS lists nothing";
}

void KernelTest::SetUp() {
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
}

void KernelTest::TearDown() {
    if (!obstacle.empty()) return;
    kernel_.reset();
    EXPECT_TRUE(eventually([] { return sandboxVerityDevices().empty(); })) << "a verity device is left";
    EXPECT_TRUE(eventually([] { return sandboxLoops().empty(); })) << "a loop device is left";
    EXPECT_EQ(readAll("/proc/self/mountinfo").find(" " + directory + "/"), std::string::npos) << "a mount is left";
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        EXPECT_FALSE(entry.is_directory()) << entry.path() << " is left";
        std::filesystem::remove_all(entry.path());
    }
}

Mounted KernelTest::mount(Kernel& kernel, const TestPackage& package, const std::string& mountPoint,
                          const MountOptions& options) {
    const auto loop = kernel.attachLoop(package.loop());
    const auto point = kernel.makeMountPoint(mountPoint);
    const auto detached = kernel.mountDetached(*loop, options);
    detached->attach(*point);
    point->keep();
    return {detached->identity(), point->path(), loop->path(), "", *kernel.loopBacking(loop->path()),
            loop->number(),       point->made()};
}

VerityTable KernelTest::uniqueTable(const TestPackage& package) {
    static int tables = 0;
    const std::string unique = "system-test-" + std::to_string(::getpid()) + "-" + std::to_string(++tables);
    VerityTable table;
    table.name = kVerityNamePrefix + unique;
    table.uuid = kVerityUuidPrefix + unique;
    table.dataBlocks = package.dataBlocks;
    table.hashStartBlock = package.hashStartBlock;
    table.rootHash = package.rootHash;
    table.salt = package.salt;
    return table;
}

Mounted KernelTest::mountVerified(Kernel& kernel, const TestPackage& package, const std::string& mountPoint) {
    const VerityTable table = uniqueTable(package);
    const auto loop = kernel.attachLoop(package.loop());
    const auto verity = kernel.openVerity(*loop, table);
    const auto point = kernel.makeMountPoint(mountPoint);
    const auto detached = kernel.mountDetached(*verity, {"squashfs", false, ""});
    detached->attach(*point);
    point->keep();
    return {detached->identity(), point->path(), loop->path(), table.uuid, *kernel.loopBacking(loop->path()),
            verity->number(),     point->made()};
}

void KernelTest::unmount(Kernel& kernel, const Mounted& mounted) {
    kernel.unmount(mounted.identity, mounted.path, mounted.made, UnmountMode::Now);
    EXPECT_TRUE(kernel.awaitRelease(mounted.devices(), kPatience)) << mounted.loop;
}

}  // namespace northstar
