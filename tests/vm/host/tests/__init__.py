# SPDX-License-Identifier: Apache-2.0
"""Tests of the runner that need no guest; check-runner runs them."""
