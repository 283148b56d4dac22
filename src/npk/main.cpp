// SPDX-License-Identifier: Apache-2.0
// npk: makes packages and looks into them, without the service. Exit status: 0 done, 1 failed, 2 wrong usage, 3 the
// package does not verify.
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/error.h"
#include "base/std.h"
#include "base/version.h"
#include "npk/commands.h"
#include "npk/interrupts.h"
#include "npk/shown.h"

namespace northstar::npk {
namespace {

constexpr int kFailed = 1, kUsage = 2, kNotVerified = 3;

int statusOf(Code code) {
    switch (code) {
        case Code::InvalidPackage:
        case Code::InvalidSignature:
        case Code::Corrupted: return kNotVerified;
        default: return kFailed;
    }
}

// The command line of all commands; parsing it fills in the options and `run`.
class CommandLine {
public:
    CommandLine() {
        app.set_version_flag("--version", std::string{"npk "} + kVersion);
        app.require_subcommand(1);
        addKeygen();
        addInit();
        addPack();
        addSign();
        addReaders();
    }

    CLI::App app{"Make signed Northstar packages (NPK), and look into them"};
    Common common;
    std::function<void()> run;

private:
    CLI::App* add(const char* name, const char* description, std::function<void()> command) {
        auto* added = app.add_subcommand(name, description);
        added->callback([this, command = std::move(command)] { run = command; });
        return added;
    }

    void addFile(CLI::App& to) { to.add_option("file", common.file, "The package")->required()->type_name("FILE"); }

    void addPassphrase(CLI::App& to) {
        to.add_option("--passphrase-file", common.passphraseFile, "Passphrase of a key in PEM: the file's first line")
            ->type_name("FILE");
    }

    void addWork(CLI::App& to) {
        to.add_option("--jobs", common.jobs, "Threads (default: one per processor)")
            ->check(CLI::Range(1, 64))
            ->type_name("N");
        to.add_flag("--progress", common.progress, "Tell the progress, once a second, also where there is no terminal");
    }

    // One secret key.
    CLI::Option* addSecretKey(CLI::App& to, const char* description) {
        addPassphrase(to);
        return to.add_option("--key", common.keys, description)
            ->type_name("FILE")
            ->expected(1)
            ->allow_extra_args(false);
    }

    CLI::Option* addPublicKeys(CLI::App& to) {
        return to.add_option("--key", common.keys, "Public key of a signer, raw or PEM; may be given several times")
            ->type_name("FILE")
            ->allow_extra_args(false);
    }

    void addKeygen() {
        auto* added = add("keygen", "Make a key pair, NAME.key and NAME.pub, and print its fingerprint",
                          [this] { keygen(common, keygenOptions); });
        added->add_option("name", keygenOptions.name, "Path without extension")->required()->type_name("NAME");
        auto* pem = added->add_flag("--pem", keygenOptions.pem, "As PEM (PKCS#8), not raw");
        added->add_flag("--encrypt", keygenOptions.encrypt, "Ask for a passphrase and encrypt the key with it")
            ->needs(pem);
        added->add_option("--passphrase-file", common.passphraseFile, "Encrypt the key with the file's first line")
            ->type_name("FILE")
            ->needs(pem);
    }

    void addInit() {
        auto* added = add("init", "Write a manifest to begin with", [this] { init(initOptions); });
        added->add_option("file", initOptions.path, "Where to; - is the standard output")
            ->capture_default_str()
            ->type_name("FILE");
        added->add_option("--name", initOptions.name, "Name of the container")->capture_default_str();
        added->add_option("--container-version", initOptions.version, "Version of the container")
            ->capture_default_str();
        added->add_flag("--minimal", initOptions.minimal, "Without comments");
    }

    void addPack() {
        auto* added = add("pack", "Make a package of a directory, or of an image, and print its name",
                          [this] { pack(common, packOptions); });
        auto* source = added->add_option_group("source", "one of");
        source->add_option("directory", packOptions.directory, "What is to be in it")->type_name("DIR");
        source->add_option("--image", packOptions.image, "A squashfs or erofs image that is there already")
            ->type_name("FILE");
        source->require_option(1);
        added->add_option("--manifest", packOptions.manifest, "The manifest")->required()->type_name("FILE");
        addSecretKey(*added, "Secret key to sign with; without, the package is unsigned");
        added->add_option("--output", common.output, "Name of the package (default: NAME-VERSION.npk)")
            ->type_name("FILE");
        added->add_option("--filesystem", packOptions.filesystem, "Of the image")
            ->check(CLI::IsMember({"squashfs", "erofs"}))
            ->capture_default_str()
            ->type_name("TYPE");
        added
            ->add_option("--compression", packOptions.compression,
                         "gzip, xz, zstd, lz4, lzo or none (default: gzip; of erofs: lz4)")
            ->check(CLI::IsMember({"gzip", "xz", "zstd", "lz4", "lzo", "none"}))
            ->type_name("NAME");
        added->add_option("--block-size", packOptions.blockSize, "Bytes that are compressed together: 4096 to 1048576")
            ->check(CLI::IsMember(blockSizes()))
            ->type_name("N");
        added->add_option("--uid", packOptions.uid, "Owner of all files (default: as they are)")->type_name("N");
        added->add_option("--gid", packOptions.gid, "Group of all files (default: as they are)")->type_name("N");
        added->add_flag("--all-root", packOptions.allRoot, "All files belong to root");
        added->add_option("--dev-nodes", packOptions.devNodes, "yes, or no: leave device nodes out")
            ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"yes", true}, {"no", false}}))
            ->type_name("yes|no");
        added->add_option("--salt", packOptions.salt, "Salt of the hash tree (default: made of the content)")
            ->type_name("HEX");
        addWork(*added);
    }

    static std::vector<std::uint64_t> blockSizes() {
        std::vector<std::uint64_t> sizes;
        for (std::uint64_t size = 4096; size <= 1048576; size *= 2) sizes.push_back(size);
        return sizes;
    }

    void addSign() {
        auto* added = add("sign", "Sign a package, in its place, or print what is to be signed elsewhere",
                          [this] { sign(common, signOptions); });
        addFile(*added);
        auto* key = addSecretKey(*added, "Secret key; with --signature the public one of whoever signed");
        auto* toSign = added->add_flag("--to-sign", signOptions.toSign, "Print the very bytes that are to be signed");
        added->add_option("--signature", signOptions.signature, "Put this signature in: 64 bytes, or their base64")
            ->type_name("FILE")
            ->needs(key)
            ->excludes(toSign);
        added->add_option("--output", common.output, "Write the signed package there, not in its place")
            ->type_name("FILE")
            ->excludes(toSign);
        key->excludes(toSign);
        added->callback([this, key, toSign] {
            if (key->count() == 0 && toSign->count() == 0) throw CLI::RequiredError{"--key or --to-sign"};
            run = [this] { sign(common, signOptions); };
        });
        addWork(*added);
    }

    void addReaders() {
        auto* added = add("verify", "Check signature, layout and every block of a package", [this] { verify(common); });
        addFile(*added);
        addPublicKeys(*added)->required();
        addWork(*added);

        added = add("inspect", "Show what a package says of itself", [this] { inspect(common); });
        addFile(*added);
        addPublicKeys(*added);
        added->add_flag("--json", common.json, "Print JSON");

        added = add("ls", "List what is in a package", [this] { list(common, listPath); });
        addFile(*added);
        added->add_option("path", listPath, "Only this, with all that is in it")->type_name("PATH");
        addPublicKeys(*added);
        addWork(*added);

        added = add("unpack", "Take the files out of a package", [this] { unpack(common, unpackOptions); });
        addFile(*added);
        added->add_option("directory", unpackOptions.destination, "Where to; new, or empty")
            ->required()
            ->type_name("DIR");
        added->add_flag("--image", unpackOptions.image, "The filesystem image alone, as the file DIR");
        addPublicKeys(*added);
        addWork(*added);
    }

    KeygenOptions keygenOptions;
    InitOptions initOptions;
    PackOptions packOptions;
    SignOptions signOptions;
    UnpackOptions unpackOptions;
    std::string listPath;
};

int fail(int status, const std::string& message) {
    std::cerr << "npk: " << shown(message) << std::endl;
    return status;
}

int runCommand(const CommandLine& line, Interrupts& interrupts) {
    try {
        line.run();
        return std::cout.flush() ? 0 : fail(kFailed, "Cannot write the result");
    } catch (const Error& error) {
        interrupts.die();
        return fail(statusOf(error.code()), error.what());
    } catch (const std::exception& error) {
        interrupts.die();
        return fail(kFailed, error.what());
    }
}

// Trees are walked that may be deep.
void raiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65536);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace northstar::npk

int main(int argc, char** argv) {
    using namespace northstar::npk;
    CommandLine line;
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return line.app.exit(error) == 0 ? 0 : kUsage;
    }
    try {
        ::signal(SIGPIPE, SIG_IGN);  // whoever reads may leave; what is half made still has to go
        raiseDescriptorLimit();
        Interrupts interrupts;
        line.common.stop = interrupts.token();
        return runCommand(line, interrupts);
    } catch (const std::exception& error) {
        return fail(kFailed, error.what());
    }
}
