// SPDX-License-Identifier: Apache-2.0
// northstarctl check-system: on systems made to order, and on this one.
#include <filesystem>

#include "cli_test.h"

namespace northstar::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKernel = "6.1.0-1-amd64";

class CliCheckTest : public CliTest {
protected:
    CliCheckTest() {
        put("/boot/config-" + std::string{kKernel}, config_);
        put("/lib/modules/" + std::string{kKernel} + "/modules.dep",
            "kernel/drivers/block/loop.ko.xz:\nkernel/fs/squashfs/squashfs.ko: kernel/lib/a.ko\n"
            "kernel/drivers/md/dm-verity.ko.zst:\n");
        put("/usr/share/dbus-1/system.d/org.northstar.Mounter.conf", "");
        put("/usr/share/dbus-1/system-services/org.northstar.Mounter.service",
            "[D-BUS Service]\nName=org.northstar.Mounter\nExec=/usr/libexec/northstar-mounterd --bus system\n");
        put("/usr/libexec/northstar-mounterd", "");
        put("/usr/lib/systemd/system/northstar-mounter.service", "");
        put("/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service", "");
        put("/usr/share/polkit-1/actions/org.northstar.mounter.policy", "");
        put("/usr/lib/udev/rules.d/09-northstar-mounter.rules", "");
        fs::create_directories(root_ + "/etc/northstar");
        fs::copy_file(dataPath("keys/golden.pub"), root_ + "/etc/northstar/golden.pub");
        fs::create_directories(root_ + "/var/lib/northstar/vendor");
        configureRoot("");
    }

    void put(const std::string& path, const std::string& text) const {
        fs::create_directories(fs::path{root_ + path}.parent_path());
        std::ofstream{root_ + path, std::ios::binary} << text;
    }
    void configureRoot(const std::string& more) const {
        put("/etc/northstar/mounter.toml", "[repositories.vendor]\nkeys = [\"/etc/northstar/golden.pub\"]\n" + more);
    }
    // Replaces a line of the kernel's configuration.
    void configureKernel(const std::string& line, const std::string& by) {
        config_.replace(config_.find(line + "\n"), line.size(), by);
        put("/boot/config-" + std::string{kKernel}, config_);
    }
    int check() { return runAny({kCtlBinary, "check-system", "--root", root_}); }

    std::string root_ = directory_ / "root";
    std::string config_ =
        "#\n# Linux\n#\nCONFIG_BLK_DEV_LOOP=m\nCONFIG_SQUASHFS=m\nCONFIG_SQUASHFS_ZLIB=y\nCONFIG_SQUASHFS_LZ4=y\n"
        "CONFIG_SQUASHFS_LZO=y\nCONFIG_SQUASHFS_XZ=y\n# CONFIG_SQUASHFS_ZSTD is not set\nCONFIG_EROFS_FS=y\n"
        "CONFIG_EROFS_FS_ZIP=y\nCONFIG_DM_VERITY=m\nCONFIG_CRYPTO_SHA256=y\nCONFIG_USER_NS=y\n";
};

TEST_F(CliCheckTest, ASystemWithAllThatIsNeededIsGood) {
    EXPECT_EQ(check(), kDone);
    EXPECT_TRUE(shows("^ok +kernel: Linux 6.1.0-1-amd64\nok +loop devices: CONFIG_BLK_DEV_LOOP=m\n")) << text_;
    EXPECT_TRUE(
        shows("\nlacks +squashfs, zstd: CONFIG_SQUASHFS_ZSTD is not set; build the kernel with "
              "CONFIG_SQUASHFS_ZSTD=y or =m\n"))
        << text_;
    EXPECT_TRUE(shows("\nok +dm-verity: CONFIG_DM_VERITY=m\n")) << text_;
    EXPECT_TRUE(shows("\nok +key of repository vendor: /etc/northstar/golden.pub \\([0-9a-f]{16}\\)\n")) << text_;
    EXPECT_TRUE(shows("\nok +repository vendor: /var/lib/northstar/vendor\n")) << text_;
    EXPECT_TRUE(shows("\nA mount can work.\n$")) << text_;
}

TEST_F(CliCheckTest, EachLackIsToldWithWhatMendsIt) {
    configureKernel("CONFIG_DM_VERITY=m", "# CONFIG_DM_VERITY is not set");
    EXPECT_EQ(check(), kUnsupported);
    EXPECT_TRUE(shows("\nlacks +dm-verity: CONFIG_DM_VERITY is not set; build .*verification = \"sealed\"")) << text_;
    EXPECT_TRUE(shows("\nA mount cannot work: dm-verity\n$")) << text_;
    configureRoot("verification = \"sealed\"\n");
    EXPECT_EQ(check(), kDone);
    put("/lib/modules/" + std::string{kKernel} + "/modules.dep", "kernel/fs/squashfs/squashfs.ko:\n");
    EXPECT_EQ(check(), kUnsupported);
    EXPECT_TRUE(shows("\nlacks +loop devices: .*module loop is not installed; .*linux-image-6.1.0-1-amd64")) << text_;
}

TEST_F(CliCheckTest, OneFilesystemIsEnough) {
    configureKernel("CONFIG_SQUASHFS=m", "# CONFIG_SQUASHFS is not set");
    EXPECT_EQ(check(), kDone);
    configureKernel("CONFIG_EROFS_FS=y", "# CONFIG_EROFS_FS is not set");
    EXPECT_EQ(check(), kUnsupported);
    EXPECT_TRUE(shows("\nA mount cannot work: squashfs, erofs\n$")) << text_;
}

TEST_F(CliCheckTest, WhatIsNotInstalledOrConfiguredIsNamed) {
    fs::remove(root_ + "/usr/share/dbus-1/system.d/org.northstar.Mounter.conf");
    fs::remove(root_ + "/usr/libexec/northstar-mounterd");
    fs::remove(root_ + "/etc/northstar/golden.pub");
    fs::remove(root_ + "/var/lib/northstar/vendor");
    fs::remove(root_ + "/usr/share/polkit-1/actions/org.northstar.mounter.policy");
    EXPECT_EQ(check(), kUnsupported);
    EXPECT_TRUE(shows("\nlacks +bus policy: there is no /usr/share/dbus-1/system.d/\\S+; meson install")) << text_;
    EXPECT_TRUE(shows("\nlacks +activation: \\S+ names /usr/libexec/northstar-mounterd, which is missing")) << text_;
    EXPECT_TRUE(shows("\nlacks +key of repository vendor: .*golden.pub")) << text_;
    EXPECT_TRUE(shows("\nlacks +repository vendor: .*; install -d /var/lib/northstar/vendor\n")) << text_;
    EXPECT_TRUE(shows("\nlacks +polkit actions: ")) << text_;
    EXPECT_TRUE(shows("\nA mount cannot work: bus policy, activation, key of repository vendor\n$")) << text_;
    put("/etc/northstar/mounter.toml", "attic = 1\n");
    EXPECT_EQ(check(), kUnsupported);
    EXPECT_TRUE(shows("\nlacks +configuration: .*mounter.toml:1:1: attic: unknown key")) << text_;
}

TEST_F(CliCheckTest, AllLayersOfTheConfigurationCount) {
    put("/usr/lib/northstar/mounter.toml.d/10-extra.toml", "[repositories.extra]\n");
    EXPECT_EQ(check(), kDone);
    EXPECT_TRUE(shows("\nok +configuration: \\S+/etc/northstar/mounter.toml, \\S+/mounter.toml.d/10-extra.toml\n"))
        << text_;
    EXPECT_TRUE(shows("\nok +repository vendor: ")) << text_;
    EXPECT_TRUE(shows("\nlacks +repository extra: .*; install -d /var/lib/northstar/extra\n")) << text_;
    put("/usr/lib/northstar/mounter.toml.d/10-extra.toml", "[repositories.extra]\nkye = 1\nkyes = 1\n");
    EXPECT_EQ(check(), kUnsupported);
    EXPECT_TRUE(shows("\nlacks +configuration: .*10-extra.toml:2:1: .*10-extra.toml:3:1: ")) << text_;
    fs::remove_all(root_ + "/usr/lib/northstar");
    fs::remove(root_ + "/etc/northstar/mounter.toml");
    EXPECT_EQ(check(), kDone);
    EXPECT_TRUE(shows("\nok +configuration: the defaults, as there is no file\n")) << text_;
    EXPECT_TRUE(shows("\nlacks +repositories: none is configured; add ")) << text_;
}

TEST_F(CliCheckTest, TheConfigurationOfTheKernelMayBeCompressedOrMissing) {
    fs::create_directories(root_ + "/proc");
    const std::string file = root_ + "/boot/config-" + kKernel;
    ASSERT_EQ(runAny({"gzip", file}), 0);
    fs::rename(file + ".gz", root_ + "/proc/config.gz");
    EXPECT_EQ(check(), kDone);
    EXPECT_TRUE(shows("\nok +erofs: CONFIG_EROFS_FS=y\n")) << text_;
    fs::remove(root_ + "/proc/config.gz");
    EXPECT_EQ(check(), kDone);  // nothing speaks against it
    EXPECT_TRUE(shows("\nunknown +erofs: CONFIG_EROFS_FS cannot be told")) << text_;
    EXPECT_TRUE(shows("\nok +dm-verity: module dm-verity\n")) << text_;
}

TEST_F(CliCheckTest, JsonSaysTheSame) {
    EXPECT_EQ(runAny({kCtlBinary, "check-system", "--root", root_, "--json"}), kDone);
    const Json json = Json::parse(text_);
    EXPECT_EQ(json["mount_can_work"], true);
    const auto zstd = std::ranges::find(json["checks"], "squashfs, zstd", [](const Json& row) { return row["check"]; });
    ASSERT_NE(zstd, json["checks"].end());
    EXPECT_EQ((*zstd)["state"], "lacks");
    EXPECT_EQ((*zstd)["required"], false);
    EXPECT_EQ((*zstd)["mend"], "build the kernel with CONFIG_SQUASHFS_ZSTD=y or =m");
}

TEST_F(CliCheckTest, ThisSystemIsCheckedWithAndWithoutTheService) {
    EXPECT_NE(run({"check-system"}), kFailed);
    EXPECT_TRUE(shows("\nok +bus: the service runs\n")) << text_;
    EXPECT_TRUE(shows("^ok +kernel: Linux \\d")) << text_;
    stop();
    runAny({kCtlBinary, "--bus", bus_.address(), "check-system"});
    EXPECT_TRUE(shows("\nlacks +bus: the bus does not know the service; install it")) << text_;
    EXPECT_EQ(runAny({kCtlBinary, "--bus", "unix:path=/none", "check-system"}), kUnsupported);
    EXPECT_TRUE(shows("\nlacks +bus: Cannot connect")) << text_;
    EXPECT_TRUE(shows("\nA mount cannot work: .*bus")) << text_;
}

}  // namespace
}  // namespace northstar::test
