"""Bundles on disk: copied to staging, checked whole, renamed into place, found by digest."""

from appliance.adapters.bundle_files.store import BundleFiles

__all__ = ["BundleFiles"]
