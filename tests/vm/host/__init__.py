# SPDX-License-Identifier: Apache-2.0
"""The host's side of the VM tests: cached roots (cache), the build in a chroot (build), QEMU (qemu)."""
