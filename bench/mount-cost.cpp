// SPDX-License-Identifier: Apache-2.0
// What a mount and an unmount cost through the service, next to the same work of the kernel without a service, in turns
// and in one run: the ratios can be compared, the times only within a run. A small image and a large one, because a
// mount should not depend on the size. Through dm-verity where the kernel has it. As root; polkit says yes at once.
// Usage: mount-cost [ROUNDS]. Exit status 77: not root.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <thread>

#include "base/hex.h"
#include "bus/client.h"
#include "kernel/linux/linux_kernel.h"
#include "package/package.h"
#include "support/fake_polkit.h"
#include "support/package_builder.h"
#include "support/paths.h"
#include "support/private_bus.h"
#include "support/test_data.h"

namespace northstar::test {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;
constexpr std::uint64_t kLargeBlocks = 64 * 256;  // of 4096 bytes: 64 MiB
constexpr std::chrono::seconds kPatience{10};

struct Costs {
    std::vector<double> mount, unmount;  // microseconds
};

double median(std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
}

template <typename Work>
double timed(Work&& work) {
    const auto start = Clock::now();
    work();
    return Microseconds{Clock::now() - start}.count();
}

Package open(const std::string& file) {
    UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    return openPackage(std::move(fd), keyRing({"golden"}), SignaturePolicy::Optional, file);
}

// Writes a package with the filesystem of another, and as many blocks of zeros behind it.
void writePackage(const std::string& file, const std::string& name, std::uint64_t zeroBlocks, bool verified) {
    const Package original = open(dataPath("signed/hello-gzip-1.0.0.npk"));
    PackageSpec spec;
    spec.manifest = "name: " + name + "\nversion: 1.0.0\ninit: /bin/hello\nuid: 1000\ngid: 1000\n";
    spec.data = contentOf(original.fd.get(), original.image.offset, original.dataSize());
    if (verified) {
        spec.holeBlocks = zeroBlocks;
    } else {
        spec.key.reset();
        spec.data.resize(spec.data.size() + zeroBlocks * 4096);
    }
    const MemoryFile content = buildPackage(spec);
    std::filesystem::copy_file("/proc/self/fd/" + std::to_string(content.fd()), file);
}

// As /run is.
class Tmpfs {
public:
    explicit Tmpfs(const std::string& point) : point_{point} {
        if (mount("mount-cost", point.c_str(), "tmpfs", 0, "mode=0755") != 0) throw std::runtime_error{"no tmpfs"};
    }
    ~Tmpfs() { umount2(point_.c_str(), MNT_DETACH); }
    Tmpfs(const Tmpfs&) = delete;
    Tmpfs& operator=(const Tmpfs&) = delete;

private:
    std::string point_;
};

// What the engine asks of the kernel for a mount and its end.
class WithoutService {
public:
    WithoutService(Kernel& kernel, const std::string& file, std::string point)
        : kernel_{kernel}, package_{open(file)}, point_{std::move(point)} {}

    void round(Costs& costs) {
        costs.mount.push_back(timed([&] { mount(); }));
        costs.unmount.push_back(timed([&] { unmount(); }));
    }

private:
    void mount() {
        const auto loop = kernel_.attachLoop({package_.fd.get(), package_.image, kPatience});
        std::unique_ptr<Device> verity;
        devices_ = {"", 0, loop->path(), *kernel_.loopBacking(loop->path())};
        if (package_.verity) {
            const std::string unique = "mount-cost-" + std::to_string(getpid());
            const auto& seen = *package_.verity;
            const VerityTable table{kVerityNamePrefix + unique,
                                    kVerityUuidPrefix + unique,
                                    seen.dataBlocks,
                                    seen.hashStartBlock(),
                                    4096,
                                    toHex(seen.rootHash),
                                    toHex(seen.salt)};
            verity = kernel_.openVerity(*loop, table);
            devices_.verityUuid = table.uuid;
            devices_.verity = verity->number();
        }
        const auto point = kernel_.makeMountPoint(point_);
        const auto detached =
            kernel_.mountDetached(verity ? *verity : *loop, {toString(package_.filesystem), false, ""});
        detached->attach(*point);
        point->keep();
        made_ = point->made();
        identity_ = detached->identity();
    }

    void unmount() {
        kernel_.unmount(identity_, point_, made_, UnmountMode::Now);
        if (!kernel_.awaitRelease(devices_, kPatience)) throw std::runtime_error{"a device is still held"};
    }

    Kernel& kernel_;
    Package package_;
    std::string point_;
    MountIdentity identity_;
    MadeDirectory made_;
    MountDevices devices_;
};

class Service {
public:
    Service(const std::string& directory, bool verified) : polkit_{bus_} {
        const std::string keys = verified ? "keys = [\"" + dataPath("keys/golden.pub") + "\"]\n" : "";
        std::ofstream{directory + "/mounter.toml"} << "run_dir = \"" << directory << "/run\"\nstate_dir = \""
                                                   << directory << "/state\"\n[repositories.bench]\ndir = \""
                                                   << directory << "/packages\"\n"
                                                   << keys;
        daemon_.emplace(std::vector<std::string>{kDaemonBinary, "--config", directory + "/mounter.toml", "--bus",
                                                 bus_.address(), "--log-level", "warning"});
        client_.emplace(bus_.connect());
        const auto deadline = Clock::now() + kPatience;
        while (!failureOf([&] { client_->listMounts(); }).name.empty()) {
            if (Clock::now() > deadline)
                throw std::runtime_error{"the service does not answer: " + daemon_->readLine({})};
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }

    void round(const std::string& container, Costs& costs) {
        costs.mount.push_back(timed([&] { client_->mount(container); }));
        costs.unmount.push_back(timed([&] { client_->unmount(container); }));
    }
    double emptyCall() {
        return timed([&] { client_->listMounts(); });
    }

private:
    PrivateBus bus_;
    FakePolkit polkit_;
    std::optional<Process> daemon_;
    std::optional<Client> client_;
};

void report(const std::string& what, const Costs& without, const Costs& with) {
    const auto line = [&](const char* step, double kernel, double service) {
        std::cout << what << ' ' << step << ": " << std::lround(kernel) << " us without the service, "
                  << std::lround(service) << " us with it, ratio " << service / kernel << '\n';
    };
    line("mount", median(without.mount), median(with.mount));
    line("unmount", median(without.unmount), median(with.unmount));
}

void run(int rounds) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        throw std::runtime_error{"cannot have a mount namespace of its own"};
    const TemporaryDirectory directory;
    const Tmpfs tmpfs{directory.path()};
    const auto kernel = makeLinuxKernel();
    const bool verified = kernel->verityAvailable();
    std::filesystem::create_directory(directory / "packages");
    writePackage(directory / "packages/small.npk", "small", 0, verified);
    writePackage(directory / "packages/large.npk", "large", kLargeBlocks, verified);
    Service service{directory.path(), verified};
    std::vector<double> emptyCalls;
    Costs without[2], with[2];
    const char* const names[] = {"small", "large"};
    WithoutService direct[] = {{*kernel, directory / "packages/small.npk", directory / "point"},
                               {*kernel, directory / "packages/large.npk", directory / "point"}};
    for (int i = 0; i < rounds; ++i) {
        for (int size = 0; size < 2; ++size) {
            direct[size].round(without[size]);
            service.round(names[size], with[size]);
        }
        emptyCalls.push_back(service.emptyCall());
    }
    std::cout << rounds << " rounds, medians, " << (verified ? "dm-verity" : "no dm-verity in this kernel: unsigned")
              << '\n';
    std::cout.precision(3);
    for (int size = 0; size < 2; ++size) report(names[size], without[size], with[size]);
    std::cout << "large mount / small mount through the service: " << median(with[1].mount) / median(with[0].mount)
              << "\na call that does nothing: " << std::lround(median(emptyCalls)) << " us\n";
}

}  // namespace
}  // namespace northstar::test

int main(int argc, char** argv) {
    try {
        const int rounds = argc > 1 ? std::stoi(argv[1]) : 200;
        if (argc > 2 || rounds < 1) throw std::invalid_argument{"rounds"};
        if (geteuid() != 0) {
            std::cerr << "mount-cost: needs root\n";
            return 77;  // meson's word for a skipped test
        }
        northstar::test::run(rounds);
        return 0;
    } catch (const std::invalid_argument&) {
        std::cerr << "usage: mount-cost [ROUNDS]\n";
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "mount-cost: " << error.what() << '\n';
        return 1;
    }
}
