// SPDX-License-Identifier: Apache-2.0
// Installing: what is taken, under which name, and that what goes wrong leaves nothing.
#include "repository/install.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <tuple>

#include "package/image/sealed_image.h"
#include "repository/copy.h"
#include "support/expect_error.h"
#include "unit/repository/repository_fixture.h"

namespace {

std::function<int(int)> fsyncInstead;

}  // namespace

// Takes the place of the C library's in this program, so that a disk can fail at the one moment that matters.
extern "C" int fsync(int fd) { return fsyncInstead ? fsyncInstead(fd) : static_cast<int>(syscall(SYS_fsync, fd)); }

namespace northstar::test {
namespace {

using Names = std::vector<std::string>;

bool isDirectory(int fd) {
    struct stat status{};
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

class InstallTest : public RepositoryFixture {
protected:
    ~InstallTest() override { fsyncInstead = nullptr; }
};

TEST_F(InstallTest, OfAPackageIsFoundByTheNextLoad) {
    EXPECT_EQ(install(repository(), package()).container, "hello:1.0.0");
    EXPECT_EQ(files(), Names{"hello-1.0.0.npk"});
    EXPECT_EQ(names(loaded()), Names{"hello:1.0.0"});
}

// The last told is all; what is told never falls.
TEST_F(InstallTest, TellsHowFarItIs) {
    for (const RepositoryType type : {RepositoryType::Directory, RepositoryType::Memory}) {
        const Repository target = repository(type);
        const MemoryFile file = package();
        std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
        const auto incoming = identifyIncoming(target, file.fd(), "test.npk");
        std::ignore = installPackage(target, file.fd(), incoming, "test.npk", {},
                                     [&](std::uint64_t done, std::uint64_t total) { told.emplace_back(done, total); });
        const std::uint64_t size = identify(file.fd()).size;
        ASSERT_GE(told.size(), 2U);
        EXPECT_EQ(told.front(), std::pair(std::uint64_t{0}, size));
        EXPECT_EQ(told.back(), std::pair(size, size));
        EXPECT_TRUE(std::ranges::is_sorted(told));
    }
}

TEST_F(InstallTest, CopiesExactlyWhatWasThere) {
    const MemoryFile elsewhere = package();
    const std::string text(static_cast<std::size_t>(identify(elsewhere.fd()).size), 'x');
    directory_.write("source", text);
    const UniqueFd here{open((directory_ / "source").c_str(), O_RDONLY | O_CLOEXEC)};
    for (const int from : {elsewhere.fd(), here.get()}) {
        const UniqueFd to{open((directory_ / "copy").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
        Progress progress{text.size(), 1, {}};
        copyPackage(from, to.get(), text.size() - 1, "test.npk", {}, progress);
        std::string original(text.size() - 1, '\0');
        std::string copied(text.size(), '\0');
        ASSERT_EQ(pread(from, original.data(), original.size(), 0), static_cast<ssize_t>(original.size()));
        EXPECT_EQ(pread(to.get(), copied.data(), copied.size(), 0), static_cast<ssize_t>(original.size()));
        copied.resize(original.size());
        EXPECT_EQ(copied, original);
        expectError(Code::InvalidPackage, "shrank",
                    [&] { copyPackage(from, to.get(), text.size() + 1, "test.npk", {}, progress); });
    }
}

TEST_F(InstallTest, UninstallRemovesTheFileOfThePackageAndNoOther) {
    Repository target = repository();
    installInto(target, package());
    std::filesystem::rename(directory_ / "hello-1.0.0.npk", directory_ / "moved");
    directory_.write("hello-1.0.0.npk", "somebody else's");
    const RepositoryEntry entry = target.content.entries.at("hello:1.0.0");
    expectError(Code::NoSuchContainer, "another file", [&] { uninstallPackage(target, entry); });
    EXPECT_EQ(files(), (Names{"hello-1.0.0.npk", "moved"}));
    std::filesystem::rename(directory_ / "moved", directory_ / "hello-1.0.0.npk");
    uninstallPackage(target, entry);
    EXPECT_EQ(files(), Names{});
}

TEST_F(InstallTest, IsUndoneWhenTheDirectoryCannotBeWritten) {
    fsyncInstead = [](int fd) {
        if (!isDirectory(fd)) return 0;
        errno = EIO;
        return -1;
    };
    expectError(Code::Failed, "EIO", [&] { install(repository(), package()); });
    EXPECT_EQ(files(), Names{});
}

TEST_F(InstallTest, IsUndoneWhenTheFileCannotBeWritten) {
    fsyncInstead = [](int fd) {
        if (isDirectory(fd)) return 0;
        errno = ENOSPC;
        return -1;
    };
    expectError(Code::CapacityExceeded, "ENOSPC", [&] { install(repository(), package()); });
    EXPECT_EQ(files(), Names{});
}

TEST_F(InstallTest, IsUndoneWhenWhatWasRenamedCannotBeOpened) {
    fsyncInstead = [&](int fd) {
        return isDirectory(fd) ? truncate((directory_ / "hello-1.0.0.npk").c_str(), 100) : 0;
    };
    expectError(Code::InvalidPackage, "hello-1.0.0.npk", [&] { install(repository(), package()); });
    EXPECT_EQ(files(), Names{});
}

TEST_F(InstallTest, DoesNotOverwriteAFileThatWasPutThereByHand) {
    directory_.write("hello-1.0.0.npk", "mine");
    expectError(Code::AlreadyInstalled, "hello-1.0.0", [&] { install(repository(), package()); });
    EXPECT_EQ(files(), Names{"hello-1.0.0.npk"});
    EXPECT_EQ(std::filesystem::file_size(directory_ / "hello-1.0.0.npk"), 4U);
}

TEST_F(InstallTest, OfTwoContainersThatWantTheSameFileNameTakesBoth) {
    Repository target = repository();
    installInto(target, package("a", "1.0.0-1.0.0"));
    installInto(target, package("a-1.0.0", "1.0.0"));
    EXPECT_EQ(names(loaded()), (Names{"a-1.0.0:1.0.0", "a:1.0.0-1.0.0"}));
}

TEST_F(InstallTest, OfAContainerThatBeginsWithADotIsThereAfterwards) {
    Repository target = repository();
    for (const char* name : {".hidden", ".northstar-install-0123456789abcdef"}) installInto(target, package(name));
    EXPECT_EQ(names(loaded()), (Names{".hidden:1.0.0", ".northstar-install-0123456789abcdef:1.0.0"}));
}

TEST_F(InstallTest, ThatWasInterruptedIsRemovedAndNothingElseIs) {
    for (const char* name :
         {".northstar-install-abcdef", ".northstar-install-a.npk", ".northstar-install-", ".other"}) {
        directory_.write(name, "x");
    }
    removeInterruptedInstalls(repository().config);
    EXPECT_EQ(files(), (Names{".northstar-install-", ".northstar-install-a.npk", ".other"}));
}

TEST_F(InstallTest, OfAHugeHoleCopiesNothing) {
    MemoryFile hole{"x"};
    ASSERT_EQ(ftruncate(hole.fd(), off_t{1} << 50), 0);
    for (const auto type : {RepositoryType::Directory, RepositoryType::Memory}) {
        expectError(Code::InvalidPackage, "test.npk", [&] { install(repository(type), hole); });
    }
    EXPECT_EQ(files(), Names{});
}

TEST_F(InstallTest, IntoMemoryIsSealed) {
    const Installed installed = install(repository(RepositoryType::Memory), package());
    const int fd = installed.entry.package->fd.get();
    EXPECT_TRUE(isSealed(fd));
    EXPECT_NE(fcntl(fd, F_GET_SEALS) & F_SEAL_SEAL, 0);
    struct stat status{};
    ASSERT_EQ(fstat(fd, &status), 0);
#ifdef F_SEAL_EXEC  // Linux 6.3
    const bool knowsIt = (fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC) != 0;
    EXPECT_TRUE(!knowsIt || (status.st_mode & 0111U) == 0);
#endif
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
}

// Of every file that this process writes, the rest fails.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        before_ = signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &limit_);
        const rlimit lower{bytes, limit_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &lower);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &limit_);
        signal(SIGXFSZ, before_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    sighandler_t before_;
    rlimit limit_{};
};

TEST_F(InstallTest, ThatMayNotWriteThatMuchSaysSoAndLeavesNothing) {
    const MemoryFile file = package();
    for (const auto type : {RepositoryType::Directory, RepositoryType::Memory}) {
        const FileSizeLimit limit{8192};
        expectError(Code::CapacityExceeded, "EFBIG", [&] { install(repository(type), file); });
    }
    EXPECT_EQ(files(), Names{});
}

// A thread may have a mount namespace of its own.
TEST_F(InstallTest, OnADiskThatIsFullAtAnyMomentSaysSoAndLeavesNothing) {
    const MemoryFile file = package();
    Names skipped;
    std::thread{[&] {
        if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            skipped.push_back(errnoText(errno));
            return;
        }
        std::size_t refused = 0;
        for (std::size_t pages = 1;; ++pages) {
            const std::string options = "nr_blocks=" + std::to_string(pages);
            ASSERT_EQ(mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, options.c_str()), 0) << errnoText(errno);
            bool full = false;
            try {
                install(repository(), file);
            } catch (const Error& error) {
                full = true;
                EXPECT_EQ(error.code(), Code::CapacityExceeded) << error.what();
                EXPECT_EQ(files(), Names{}) << pages << " pages";
                ++refused;
            }
            EXPECT_EQ(names(loaded()), full ? Names{} : Names{"hello:1.0.0"});
            EXPECT_EQ(umount(directory_.path().c_str()), 0);
            if (!full) break;
            ASSERT_LT(pages, 100U);
        }
        EXPECT_GT(refused, 4U);  // it has more pages than that
    }}.join();
    if (!skipped.empty()) GTEST_SKIP() << "needs a mount namespace: " << skipped.front();
}

TEST_F(InstallTest, LooksIntoNothingThatCanNeverFit) {
    Repository target = repository();
    target.config.capacity = 100;
    expectError(Code::CapacityExceeded, "101 bytes", [&] { install(target, MemoryFile{std::string(101, 'x')}); });
    expectError(Code::InvalidPackage, "package", [&] { install(target, MemoryFile{std::string(100, 'x')}); });
}

TEST_F(InstallTest, TriesEarlierContainersFirstAndCapacitySecond) {
    Repository target = repository();
    target.config.maxContainers = 1;
    installInto(target, package());
    expectError(Code::AlreadyInstalled, "hello:1.0.0", [&] { install(target, package()); });
    expectError(Code::CapacityExceeded, "max_containers", [&] { install(target, package("other")); });
    target.config.maxContainers = 0;
    target.config.capacity = target.content.used() + package("other").size() - 1;
    expectError(Code::CapacityExceeded, "capacity", [&] { install(target, package("other")); });
    ++target.config.capacity;
    EXPECT_NO_THROW(installInto(target, package("other")));
}

}  // namespace
}  // namespace northstar::test
