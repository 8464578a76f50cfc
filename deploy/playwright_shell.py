"""Prints where Playwright keeps its own headless shell, for `deploy/setup.sh`. Exits with 1 if it is not there."""

import os
import sys

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    path = playwright.chromium.executable_path  # the full browser's; the shell lies beside it under its own name
root = path.split("/chromium-")[0]
shells = sorted(
    os.path.join(folder, name)
    for base in (os.listdir(root) if os.path.isdir(root) else [])
    if base.startswith("chromium_headless_shell-")
    for folder, _, names in os.walk(os.path.join(root, base))
    for name in names
    if name in ("chrome-headless-shell", "headless_shell")
)
if not shells:
    sys.exit(1)
print(shells[-1])
