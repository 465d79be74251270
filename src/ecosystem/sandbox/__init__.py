"""A card processor to try things on: another company's program, with its own address, state and pages.

It imports nothing of the marketplace but the kernel, and speaks with it over HTTP alone. Its API has the shapes of the
public card API; card numbers are typed into its own frame and never reach the marketplace.
"""

from ecosystem.sandbox.faults import Fault, What
from ecosystem.sandbox.server import Sandbox
from ecosystem.sandbox.settings import CALM, ROUGH, Keys, Profile, Settings

__all__ = ["CALM", "ROUGH", "Fault", "Keys", "Profile", "Sandbox", "Settings", "What"]
