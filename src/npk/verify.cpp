// SPDX-License-Identifier: Apache-2.0
// verify: what a mount checks at once and what the kernel checks block by block, now.
#include <iostream>

#include "base/std.h"
#include "npk/commands.h"
#include "npk/keys.h"
#include "npk/progress.h"
#include "npk/verified.h"
#include "package/bytes.h"
#include "package/image/hash_tree.h"
#include "package/image/superblock.h"
#include "package/package.h"

namespace northstar::npk {

void checkImage(const Common& common, const Package& package, const HashTree::Sink& sink) {
    const Verity& verity = package.verity.value();
    const HashTree tree = HashTree::load(package.fd.get(), package.image, verity);
    Progress progress{common.form(), "verifying", verity.superblockOffset};
    tree.verifyData(package.fd.get(), package.image, common.jobs, common.stop, [&](std::uint64_t offset, Bytes data) {
        if (sink) sink(offset, data);
        progress.add(data.size());
    });
}

Package openVerified(const Common& common) {
    return openPackage(openPackageFile(common.file), publicKeys(common), SignaturePolicy::Required, common.file);
}

void verify(const Common& common) {
    const Package package = openVerified(common);
    about(common.file, "verify", [&] { checkImage(common, package, {}); });
    std::cout << package.manifest.container() << " verifies: format " << package.format << ", signed by "
              << package.signer << ", " << sizeText(package.dataSize()) << " of " << toString(package.filesystem)
              << '\n';
}

}  // namespace northstar::npk
