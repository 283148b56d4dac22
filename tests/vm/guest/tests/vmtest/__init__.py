# SPDX-License-Identifier: Apache-2.0
"""What the guest's tests share: commands (shell), kernel devices (devices), images to mount (images), logs and units
(system), and the test case that finds what a test left behind (case)."""
