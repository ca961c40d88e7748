"""Static files as `collectstatic` prepares them for images."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Compressed files under names that contain a hash of their content, also where scripts import each other."""

    support_js_module_import_aggregation = True
